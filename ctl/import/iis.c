#include "ctl/import/iis.h"

#include <strings.h>

#include "common/base/language.h"

#define SERVICE (1 << METABASE_SERVICE)
#define SERVER  (1 << METABASE_SERVER)
#define DOMAIN  (1 << METABASE_DOMAIN)
#define SOURCE  (1 << METABASE_SOURCE)
#define INHERIT true
#define OWN     false

#define IIS(property, id, levels, inherits, take, block, setting, doc)                                                 \
	[IIS_##property] = {#property, id, levels, inherits, IIS_##take, CONFIG_##block, setting, doc},
const struct iis_row iis_rows[IIS_COUNT] = {
#include "ctl/import/iis.def"
};

static bool is(const struct iis_row *row, const struct metabase_property *p)
{
	return (row->id && row->id == p->id) || strcasecmp(row->property, p->name) == 0;
}

const struct iis_row *iis_row_of(const struct metabase_property *property)
{
	for (size_t i = 0; i < IIS_COUNT; i++)
		if (is(&iis_rows[i], property))
			return &iis_rows[i];
	return NULL;
}

struct metabase_property *iis_own(const struct metabase_key *key, enum iis_property which)
{
	return metabase_own(key, iis_rows[which].property, iis_rows[which].id);
}

struct metabase_property *iis_find(const struct metabase_key *key, enum iis_property which)
{
	const struct iis_row *row = &iis_rows[which];
	for (const struct metabase_key *at = key; at; at = at->parent) {
		struct metabase_property *own = iis_own(at, which);
		if (own && (at == key || (own->custom ? own->inherits : row->inherits)))
			return own;
	}
	return NULL;
}
