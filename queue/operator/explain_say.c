#include "queue/operator/explain_say.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/table.h"
#include "common/config/value.h"
#include "common/ipc/rows.h"
#include "queue/operator/report.h"
#include "queue/plan/host_order.h"

enum { CELL_MAX = 4096, PLACE_MAX = 4096 + 16, NUMBER_MAX = 24, SMTPS_PORT = 465 };

static struct span number(char text[NUMBER_MAX], uint64_t value)
{
	snprintf(text, NUMBER_MAX, "%llu", (unsigned long long)value);
	return span_of(text);
}

void explain_say_route(const struct route *route, const char *key, const char *sender, struct str *to)
{
	char security[ROUTE_BLOCK_MAX], credentials[ROUTE_BLOCK_MAX];
	route_block_format(&route->security, security);
	route_block_format(&route->credentials, credentials);
	const char *why = route->why ? route->why : route->etrn ? N_("it waits for ETRN or ATRN (etrn yes)") : "";
	const struct span cells[] = {span_of(route_kind_name(route->kind)),
				     span_of(key),
				     span_of(security),
				     span_of(credentials),
				     span_of(why),
				     span_of(sender)};
	report_cells(to, ROW_ROUTE, cells, 6);
}

/* "FILE:LINE"; "" for a default. */
static struct span place(char text[PLACE_MAX], struct config_origin origin)
{
	text[0] = '\0';
	if (origin.file)
		snprintf(text, PLACE_MAX, "%s:%u", origin.file, origin.line);
	return span_of(text);
}

/* True when rule number AT is a remote domain without route, which counts for its other settings only. */
static bool lacks_route(const struct route *route, size_t at)
{
	return route->remote && !route_of_remote(route) && strcmp(route->rules[at].what, "remote_domain") == 0;
}

void explain_say_rules(const struct route *route, struct str *to)
{
	char at[PLACE_MAX];
	struct str words;
	str_init(&words, CELL_MAX);
	for (size_t i = 0; i < route->rule_count; i++) {
		const struct route_rule *rule = &route->rules[i];
		str_clear(&words);
		str_printf(&words, lacks_route(route, i) ? N_("%s %.*s, which has no route") : "%s %.*s", rule->what,
			   SPAN_ARGS(rule->value));
		const struct span cells[] = {place(at, rule->origin), str_span(&words)};
		report_cells(to, ROW_RULE, cells, 2);
	}
	str_free(&words);
}

void explain_say_not_taken(const struct not_taken *others, size_t n, struct str *to)
{
	char at[PLACE_MAX];
	struct str words;
	str_init(&words, CELL_MAX);
	for (size_t i = 0; i < n; i++) {
		str_clear(&words);
		str_printf(&words, "%s %.*s", others[i].what, SPAN_ARGS(others[i].name));
		const struct span cells[] = {place(at, others[i].origin), str_span(&words), span_of(others[i].why)};
		report_cells(to, ROW_PASSED, cells, 3);
	}
	str_free(&words);
}

/* The block whose SETTING is in effect for ROUTE; NULL = none. Without authentication only `auth` is shown. */
static const struct config_outbound *block_of(const struct route *route, const struct config_setting *setting)
{
	static const struct config_outbound nobody = {.auth = CONFIG_AUTH_OFF};
	if (config_outbound_part(setting) != CONFIG_OUTBOUND_USER)
		return route->outbound;
	if (setting->roles & ROLE_QUEUE) /* the sender, and not how we authenticate */
		return route->identity && (route->identity->send_as || route->identity->notice_sender) ? route->identity
												       : NULL;
	return route->user || setting->type != CONFIG_AUTH ? route->user : &nobody;
}

/* Each host has a port of its own, so the setting has no effect. */
static bool have_ports(const struct route *route)
{
	size_t n = 0;
	while (route->kind == ROUTE_HOSTS && n < route->hosts->n && route->hosts->at[n].port)
		n++;
	return route->kind == ROUTE_HOSTS && n == route->hosts->n;
}

void explain_say_settings(const struct route *route, struct str *to)
{
	struct str value;
	str_init(&value, CELL_MAX);
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		if (setting->block != CONFIG_OUTBOUND || !(setting->roles & (ROLE_QUEUE | ROLE_SHOWN)))
			continue;
		const struct config_outbound *outbound = block_of(route, setting);
		bool idle = setting->offset == offsetof(struct config_outbound, port) && have_ports(route);
		if (!outbound || idle)
			continue;
		str_clear(&value);
		config_value_format(setting->type, (const char *)outbound + setting->offset, &value);
		const struct span cells[] = {span_of(setting->name), str_span(&value)};
		if (value.len)
			report_cells(to, ROW_SETTING, cells, 2);
	}
	str_free(&value);
}

static void tls_by_settings(const struct config_outbound *outbound, const struct host *host, struct str *to)
{
	switch (outbound->tls) {
	case CONFIG_TLS_OFF:
		str_append_text(to, N_("no TLS"));
		break;
	case CONFIG_TLS_OPPORTUNISTIC:
		str_append_text(to, N_("TLS if the host offers it, with any certificate"));
		break;
	case CONFIG_TLS_ENCRYPT:
		str_append_text(to, N_("TLS required, with any certificate"));
		break;
	case CONFIG_TLS_VERIFY:
		str_printf(to, N_("TLS required, with a certificate for %.*s"),
			   SPAN_ARGS(outbound->tls_name ? span_of(outbound->tls_name) : host->name));
	}
}

void explain_tls(const struct config_outbound *outbound, const struct host *host, struct str *to)
{
	bool implicit =
		outbound->implicit == CONFIG_YES || (outbound->implicit == CONFIG_AUTO && host->port == SMTPS_PORT);
	bool dane = config_outbound_dane(outbound);
	if (outbound->tls != CONFIG_TLS_OFF && outbound->tls_fingerprint.n)
		str_append_text(to, N_("TLS required, with the certificate of tls_fingerprint"));
	else if (dane && host->dane == HOST_DANE_MATCH)
		str_append_text(to, N_("TLS required, with a certificate that matches the TLSA records (DANE)"));
	else if (dane && host->dane == HOST_DANE_ENCRYPT)
		str_append_text(to, N_("TLS required, with any certificate: the TLSA records can't be used (DANE)"));
	else if (dane && host->dane == HOST_DANE_LATER)
		str_append_text(to, N_("skipped: the look-up of TLSA records failed (DANE)"));
	else
		tls_by_settings(outbound, host, to);
	if (implicit && outbound->tls != CONFIG_TLS_OFF)
		str_printf(to, "; %s", N_("from the start of the connection"));
}

static bool is_in(struct span hosts, const struct host *host)
{
	struct host each;
	while (hosts_next(&hosts, &each) == 1)
		if (each.port == host->port && ipaddr_equal(&each.ip, &host->ip))
			return true;
	return false;
}

static unsigned weight_of(const struct destination *d, const struct host *host)
{
	for (size_t i = 0; i < d->target_count; i++)
		if (d->targets[i].weight && d->targets[i].hosts && is_in(span_of(d->targets[i].hosts), host))
			return d->targets[i].weight;
	return 0;
}

/* TURN: the place of HOST in the order of trial; 0 = left out. */
static void say_host(const struct queue *q, const struct destination *d, const struct config_outbound *outbound,
		     const struct host *host, size_t turn, struct str *to)
{
	static const char *const states[] = {[HEALTH_WELL] = "well", [HEALTH_SICK] = "sick", [HEALTH_DUE] = "due"};
	char port[NUMBER_MAX], turns[NUMBER_MAX], wait[NUMBER_MAX], weight[NUMBER_MAX], ip[IPADDR_TEXT_MAX];
	struct health_key key;
	struct str tls;
	str_init(&tls, CELL_MAX);
	explain_tls(outbound, host, &tls);
	ipaddr_format(&host->ip, ip);
	health_key(&key, &host->ip, host->port, d->manner);
	enum health_state state = health_of(&q->destinations.health, &key, q->mono_ms);
	int64_t left = health_until(&q->destinations.health, &key) - q->mono_ms;
	unsigned share = weight_of(d, host);
	const struct span cells[] = {host->name,
				     span_of(ip),
				     number(port, host->port),
				     str_span(&tls),
				     turn ? number(turns, turn) : SPAN(""),
				     span_of(states[state]),
				     state == HEALTH_SICK ? number(wait, (uint64_t)(left + 999) / 1000) : SPAN(""),
				     share ? number(weight, share) : SPAN("")};
	report_cells(to, ROW_HOST, cells, sizeof(cells) / sizeof(cells[0]));
	str_free(&tls);
}

void explain_say_hosts(struct queue *q, const struct destination *d, const struct config_outbound *outbound,
		       struct str *to)
{
	struct host_order order;
	struct host host;
	size_t turn = 0;
	if (!d->hosts)
		return;
	host_order_preview(&q->destinations, d, q->mono_ms, &q->text, &order);
	struct span rest = order.hosts;
	while (hosts_next(&rest, &host) == 1)
		say_host(q, d, outbound, &host, ++turn, to);
	rest = span_of(d->hosts);
	while (hosts_next(&rest, &host) == 1)
		if (!is_in(order.hosts, &host))
			say_host(q, d, outbound, &host, 0, to);
}

/* NOW NULL: there is no present value. */
static void limit(const char *what, size_t most, const size_t *now, const char *setting, struct str *to)
{
	char most_text[NUMBER_MAX], now_text[NUMBER_MAX];
	const struct span cells[] = {span_of(what), number(most_text, most), now ? number(now_text, *now) : SPAN(""),
				     span_of(setting)};
	report_cells(to, ROW_LIMIT, cells, 4);
}

static void say_rate(const struct provider *provider, const struct provider *real, int64_t now_ms, struct str *to)
{
	char now[NUMBER_MAX];
	struct str rate;
	if (!provider || !provider->rate.limit.count)
		return;
	str_init(&rate, CELL_MAX);
	rate_describe(&provider->rate, &rate);
	const struct span cells[] = {SPAN("messages"), str_span(&rate),
				     number(now, real ? rate_taken(&real->rate, now_ms) : 0), SPAN("rate")};
	report_cells(to, ROW_LIMIT, cells, 4);
	str_free(&rate);
}

void explain_say_limits(const struct queue *q, const struct destination *d, const struct destination *real,
			struct str *to)
{
	const struct config_server *server = queue_server(q);
	size_t most = (size_t)server->delivery.max_outbound_connections_per_domain;
	const struct provider *provider =
		d->provider ? provider_find(&q->destinations.providers, d->provider->key) : NULL;
	size_t open = real ? real->open : 0, counted = provider ? provider->open : 0,
	       window = real ? destination_window(real) : 0;
	int64_t messages = server->messages.max_messages_per_connection;
	limit(N_("connections"), most, &open, "max_outbound_connections_per_domain", to);
	if (d->provider && d->provider->max_connections != SIZE_MAX)
		limit(N_("connections"), d->provider->max_connections, &counted, "max_connections", to);
	if (real)
		limit(N_("connections at work"), window, &real->connections, "", to);
	say_rate(d->provider, provider, q->mono_ms, to);
	if (messages != CONFIG_NONE)
		limit(N_("messages of a connection"), (size_t)messages, NULL, "max_messages_per_connection", to);
}
