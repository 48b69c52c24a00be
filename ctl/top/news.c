#include "ctl/top/news.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "ctl/session_rows.h"

/* Session rows on their way into a pane. */
struct arriving {
	struct news *news;
	const char *server;
	bool several;
};

static bool on_session(void *context, const struct link_row *row)
{
	const struct arriving *arriving = context;
	struct rows *to = &arriving->news->rows[PANE_SESSIONS];
	if (to->n < MAKE_SESSIONS_MAX)
		make_session(arriving->server, arriving->several, row, to);
	return to->n < MAKE_SESSIONS_MAX;
}

static bool serves(const struct service_server *server)
{
	return server->smtpd.n > 0;
}

/* What does not fit is known by its number only. */
static void ask_sessions(const char *run_dir, const struct service *service, struct news *out)
{
	char why[LINK_TEXT_MAX + 1];
	uint64_t all = 0;
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		struct arriving arriving = {out, server->name, service->server_count > 1};
		all += server->sessions;
		if (serves(server) && out->rows[PANE_SESSIONS].n < MAKE_SESSIONS_MAX)
			session_rows_ask(run_dir, server->name, on_session, &arriving, why);
	}
	struct rows *rows = &out->rows[PANE_SESSIONS];
	rows->left_out = rows->n == MAKE_SESSIONS_MAX && all > rows->n ? all - rows->n : 0;
}

/* The rates of the server at place I, begun anew when another server was there. */
static struct rates *rates_of(struct make_rates *all, size_t i, const char *server)
{
	if (strcmp(all[i].server, server) != 0) {
		all[i] = (struct make_rates){.rates = {.begun = false}};
		snprintf(all[i].server, sizeof(all[i].server), "%s", server);
	}
	return &all[i].rates;
}

static void add_rates(const struct scrape *scrape, struct make_rates *all, int64_t now)
{
	for (size_t i = 0; i < scrape->service.server_count; i++) {
		uint64_t totals[RATES_KINDS];
		const struct counters *page = scrape->pages[i];
		if (page)
			make_totals(page, totals);
		rates_add(rates_of(all, i, scrape->service.servers[i].name), page ? totals : NULL, now);
	}
}

static void take(const char *run_dir, const struct scrape *scrape, struct make_rates *all, struct news *out)
{
	snprintf(out->version, sizeof(out->version), "%s", scrape->service.version);
	out->age_s = scrape->service.age_s;
	add_rates(scrape, all, clock_mono_ms());
	make_servers(&scrape->service, all, &out->rows[PANE_SERVERS]);
	make_hops(&scrape->service, &out->rows[PANE_QUEUE]);
	ask_sessions(run_dir, &scrape->service, out);
}

void news_ask(const char *run_dir, struct make_rates *all, struct news *out)
{
	static struct scrape scrape; /* large; one thread asks */
	*out = (struct news){.up = false};
	rows_init(&out->rows[PANE_SERVERS], &make_server_columns);
	rows_init(&out->rows[PANE_QUEUE], &make_hop_columns);
	rows_init(&out->rows[PANE_SESSIONS], &make_session_columns);
	out->up = scrape_ask(run_dir, &scrape, out->why);
	if (out->up)
		take(run_dir, &scrape, all, out);
	scrape_free(&scrape);
}

void news_free(struct news *news)
{
	for (enum pane pane = 0; pane < PANES; pane++)
		rows_free(&news->rows[pane]);
}
