#include "queue/model/etrn_hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "queue/model/atrn.h"

struct etrn_hold *etrn_hold_new(const struct route *route)
{
	struct etrn_hold *hold = calloc(1, sizeof(*hold));
	if (!hold)
		return NULL;
	hold->expire_ms = route->etrn->expire;
	if (span_copy(route->domain, hold->domain, sizeof(hold->domain)))
		ascii_lower_text(hold->domain);
	return hold;
}

struct destination *etrn_hold_several(struct destinations *all)
{
	static const char key[] = "several ETRN domains";
	static const struct config_remote_domain none;
	const struct route route = {.etrn = &none};
	struct destination *d = destination_find(all, key);
	if (d)
		return d;
	d = destination_make(all, DESTINATION_SEVERAL, key);
	if (d)
		d->etrn = etrn_hold_new(&route);
	return d;
}

static bool has_connection(const struct destination *d)
{
	return d->etrn->connection && atrn_is_up(d->etrn->connection);
}

bool etrn_hold_is_open(const struct destination *d, int64_t now_ms)
{
	return !d->etrn || d->etrn->open_until > now_ms || d->queued || d->at_workers || has_connection(d);
}

void etrn_hold_open(struct destination *d, int64_t now_ms)
{
	if (d->kind != DESTINATION_SEVERAL)
		d->etrn->open_until = now_ms + ETRN_OPEN_MS;
}

bool etrn_hold_release_one(struct destination *d)
{
	return !d->etrn || (d->etrn->to_release && d->etrn->to_release--);
}

struct destination *etrn_hold_next_hop(struct destination *d)
{
	return d->etrn && has_connection(d) ? d->etrn->connection : d;
}

int64_t etrn_hold_expire(const struct destination *d)
{
	return d->etrn ? d->etrn->expire_ms : atrn_is(d) ? d->atrn->expire_ms : 0;
}

void etrn_hold_describe(const struct destination *d, int64_t now_ms, char *to, size_t size)
{
	to[0] = '\0';
	if (d->kind == DESTINATION_SEVERAL)
		snprintf(to, size, N_("waits for ETRN"));
	else if (d->etrn && !etrn_hold_is_open(d, now_ms) && !TAILQ_EMPTY(&d->waiting))
		snprintf(to, size, N_("waits for ETRN %s"), d->etrn->domain);
}
