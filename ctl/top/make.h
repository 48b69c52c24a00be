/* Makes the rows of the panes from what the service reports. Pure. */
#ifndef CTL_TOP_MAKE_H
#define CTL_TOP_MAKE_H

#include "ctl/link.h"
#include "ctl/metrics/scrape.h"
#include "ctl/top/rows.h"

enum { MAKE_SESSIONS_MAX = 5000 };

extern const struct columns make_server_columns, make_hop_columns, make_session_columns;

/* The rates of a server over time. Zero it before the first use. */
struct make_rates {
	char server[65];
	struct rates rates;
};

/* One of each server, in the order of the configuration; RATES by server. */
void make_servers(const struct service *service, const struct make_rates *rates, struct rows *to);

/* One of each next hop; the one with the most mail first. */
void make_hops(const struct service *service, struct rows *to);

/* Adds the session that ROW (ROW_SESSION) reports; SEVERAL: there are several servers. */
void make_session(const char *server, bool several, const struct link_row *row, struct rows *to);

/* What RATES count: TOTALS of the page. */
void make_totals(const struct counters *page, uint64_t totals[RATES_KINDS]);

#endif
