/* iis.def as a table: the properties that are known, and what becomes of each. */
#ifndef CTL_IMPORT_IIS_H
#define CTL_IMPORT_IIS_H

#include "common/config/table.h"
#include "ctl/import/metabase.h"

enum iis_property {
#define IIS(property, ...) IIS_##property,
#include "ctl/import/iis.def"
	IIS_COUNT
};

enum iis_take {
	IIS_YESNO,
	IIS_NUMBER,
	IIS_LIMIT,
	IIS_SIZE,
	IIS_SECONDS,
	IIS_MINUTES,
	IIS_TEXT,
	IIS_GROUP,
	IIS_SECRET,
	IIS_NOT
};

struct iis_row {
	const char *property;
	unsigned id;     /* 0 = known by name only */
	unsigned levels; /* bits 1 << enum metabase_level */
	bool inherits;
	enum iis_take take;
	enum config_block block;
	const char *setting; /* "" = none */
	const char *doc;
};

extern const struct iis_row iis_rows[IIS_COUNT];

/* The row of PROPERTY, by its ID or name; NULL = unknown. */
const struct iis_row *iis_row_of(const struct metabase_property *property);

/* The property of KEY itself; NULL = it has none. */
struct metabase_property *iis_own(const struct metabase_key *key, enum iis_property which);

/* The value of a property that holds for KEY: its own, or one that it inherits. NULL = none. */
struct metabase_property *iis_find(const struct metabase_key *key, enum iis_property which);

/* Appends the table, as lists in Markdown, to TO. */
void iis_doc(struct str *to);

#endif
