#include "queue/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/host/config_table.h"
#include "common/host/config_value.h"
#include "common/host/rows.h"
#include "queue/report.h"
#include "queue/resolve.h"

enum { WAIT_MS = 10 * 1000, CELL_MAX = 4096, ADVICE_MAX = 2000, SMTPS_PORT = 465 };

struct explain {
	struct resolve_asker asker; /* first: resolve.h gives it back */
	struct destinations own;    /* a next hop that no mail is for, so that the look-ups change nothing */
	struct destination *d;      /* in `own`; NULL where mail goes to a folder, or nowhere */
	char key[DESTINATION_KEY_MAX];
	char *hosts; /* that the queue knows already; owned, NULL = none */
	size_t open; /* look-ups without an answer */
	int64_t deadline;
	struct config_outbound outbound; /* only what is no text is looked at once the configuration may be another */
	char tls_name[HOST_NAME_MAX_OCTETS + 1];
	struct str advice, lookups; /* rows wait until all are there: then they stand in order of the file */
};

static struct span number(char text[24], uint64_t value)
{
	snprintf(text, 24, "%llu", (unsigned long long)value);
	return span_of(text);
}

static void answered(struct resolve_asker *asker, size_t at, enum target_state state,
		     const struct wire_resolved *answer)
{
	static const char *const words[] = {
		[TARGET_FOUND] = "found", [TARGET_LATER] = "later", [TARGET_NEVER] = "never"};
	struct explain *e = (struct explain *)asker;
	const struct target *t = &e->d->targets[at];
	const struct span cells[] = {span_of(t->name), span_of(t->kind == CONFIG_HOST_MX ? "mx" : "address"),
				     span_of(words[state]), answer->enhanced, answer->text};
	report_cells(&e->lookups, ROW_LOOKUP, cells, 5);
	destination_answer(e->d, at, state, answer->hosts, 0, 0);
	e->open--;
}

static void add_route(const struct route *route, const char *key, struct str *to)
{
	char security[ROUTE_BLOCK_MAX], credentials[ROUTE_BLOCK_MAX];
	route_block_format(&route->security, security);
	route_block_format(&route->credentials, credentials);
	const struct span cells[] = {span_of(route_kind_name(route->kind)), span_of(key), span_of(security),
				     span_of(credentials), span_of(route->why ? route->why : "")};
	report_cells(to, ROW_ROUTE, cells, 5);
}

static void add_rules(const struct route *route, struct str *to)
{
	struct str at, words;
	str_init(&at, CELL_MAX);
	str_init(&words, CELL_MAX);
	for (size_t i = 0; i < route->rule_count; i++) {
		const struct route_rule *rule = &route->rules[i];
		str_clear(&at);
		str_clear(&words);
		if (rule->origin.file)
			str_printf(&at, "%s:%u", rule->origin.file, rule->origin.line);
		str_printf(&words, "%s %.*s", rule->what, SPAN_ARGS(rule->value));
		const struct span cells[] = {str_span(&at), str_span(&words)};
		report_cells(to, ROW_RULE, cells, 2);
	}
	str_free(&at);
	str_free(&words);
}

/* All that the queue may see of the block. */
static void add_settings(const struct config_outbound *outbound, struct str *to)
{
	struct str value;
	str_init(&value, CELL_MAX);
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		if (setting->block != CONFIG_OUTBOUND || !(setting->roles & (ROLE_QUEUE | ROLE_SHOWN)))
			continue;
		str_clear(&value);
		config_value_format(setting->type, (const char *)outbound + setting->offset, &value);
		const struct span cells[] = {span_of(setting->name), str_span(&value)};
		if (value.len)
			report_cells(to, ROW_SETTING, cells, 2);
	}
	str_free(&value);
}

/* The connector that would have the domain were it not for its conditions, or NULL. */
static const struct config_connector *passed_over(const struct config_server *server, const struct route *route,
						  const struct connector_mail *mail)
{
	struct connector_choice any, met;
	for (size_t i = 0; i < route->rule_count; i++)
		if (!strncmp(route->rules[i].what, "route", 5) && i &&
		    !strcmp(route->rules[i - 1].what, "remote_domain"))
			return NULL;
	connector_find(server, route->domain, NULL, &any);
	connector_find(server, route->domain, mail, &met);
	return any.connector != met.connector ? any.connector : NULL;
}

static void advise_connector(const struct config_connector *connector, const struct connector_mail *mail,
			     struct str *to)
{
	bool large = mail->size > (uint64_t)connector->max_message_size;
	str_printf(to, "connector %s (%s:%u) has this domain, but not this %s: see its %s", connector->name,
		   connector->origin.file ? connector->origin.file : "", connector->origin.line,
		   large ? "size" : "sender", large ? "max_message_size" : "senders and senders_refused");
}

/* The smallest change that would send it another way. */
static void advise(const struct config_server *server, const struct route *route, const struct connector_mail *mail,
		   struct str *to)
{
	const struct route_rule *last = &route->rules[route->rule_count - 1];
	const struct config_connector *other = route->kind == ROUTE_DROP ? NULL : passed_over(server, route, mail);
	if (other)
		advise_connector(other, mail, to);
	else if (route->kind == ROUTE_DROP)
		str_printf(to, "it would go to another host without %s %.*s in %s:%u", last->what,
			   SPAN_ARGS(last->value), last->origin.file ? last->origin.file : "the defaults",
			   last->origin.line);
	else if (route->kind == ROUTE_NONE)
		str_printf(to, "it would go to a host with `smart_host HOST`, which takes any domain");
	else if (!strncmp(last->what, "route", 5) && last->origin.file)
		str_printf(to, "another route in %s:%u would send it elsewhere", last->origin.file, last->origin.line);
	else if (route->kind != ROUTE_LITERAL)
		str_printf(to, "`remote_domain %.*s { route HOST }` would send it elsewhere", SPAN_ARGS(route->domain));
}

/* Hosts as the queue has them now for mail on its way. */
static void take_known(struct queue *q, struct explain *e)
{
	const struct destination *real = destination_find(&q->destinations, e->key);
	if (!real || !real->hosts || real->hosts_until <= q->mono_ms)
		return;
	e->hosts = strdup(real->hosts);
	for (size_t i = 0; i < real->target_count; i++) {
		const struct target *t = &real->targets[i];
		const struct span cells[] = {span_of(t->name), span_of(t->kind == CONFIG_HOST_MX ? "mx" : "address"),
					     SPAN("known"), SPAN(""), SPAN("")};
		if (t->kind != CONFIG_HOST_IP)
			report_cells(&e->lookups, ROW_LOOKUP, cells, 5);
	}
}

static void look_up(struct queue *q, struct explain *e)
{
	if (destination_ask(e->d, q->mono_ms) != DESTINATION_ASKING)
		return;
	for (size_t i = 0; i < e->d->target_count; i++)
		if (e->d->targets[i].state == TARGET_ASKED) {
			e->open++;
			resolve_look_up(q, &e->d->targets[i], i, &e->asker);
		}
}

/* A way over the network: the block that holds, and the hosts. */
static bool begin_hosts(struct queue *q, struct explain *e, const struct route *route, struct str *to)
{
	e->outbound = *route->outbound;
	if (e->outbound.tls_name)
		snprintf(e->tls_name, sizeof(e->tls_name), "%s", e->outbound.tls_name);
	e->outbound.tls_name = e->outbound.tls_name ? e->tls_name : NULL;
	e->d = destination_get(&e->own, route, NULL);
	if (!e->d)
		return false;
	add_settings(route->outbound, to);
	take_known(q, e);
	if (!e->hosts)
		look_up(q, e);
	return true;
}

static bool begin(struct queue *q, struct explain *e, const struct address *rcpt, const struct connector_mail *mail,
		  struct str *to)
{
	const struct config_server *server = queue_server(q);
	struct route route;
	route_decide(server, rcpt, mail, &route);
	if (route.kind != ROUTE_NONE)
		destination_key(&route, route.kind == ROUTE_DROP ? route.local->drop_dir : NULL, e->key);
	add_route(&route, e->key, to);
	add_rules(&route, to);
	advise(server, &route, mail, &e->advice);
	if (route.kind == ROUTE_DROP || route.kind == ROUTE_NONE)
		return true;
	return begin_hosts(q, e, &route, to);
}

struct explain *explain_begin(struct queue *q, const struct wire_explain_route *request, struct str *to, char *why)
{
	const struct config_server *server = queue_server(q);
	struct address rcpt, from;
	const char *fault = "it is empty";
	struct span sender =
		request->sender.len ? request->sender : span_of(server->postmaster ? server->postmaster : "postmaster");
	if (span_equal(sender, SPAN("<>")))
		sender.len = 0;
	if (!address_parse(sender, &from, &fault) || !address_parse(request->recipient, &rcpt, &fault) ||
	    !rcpt.text.len) {
		snprintf(why, EXPLAIN_WHY_MAX, "no address: %s", fault);
		return NULL;
	}
	struct explain *e = calloc(1, sizeof(*e));
	snprintf(why, EXPLAIN_WHY_MAX, "no memory");
	if (!e)
		return NULL;
	e->asker.answered = answered;
	e->deadline = q->mono_ms + WAIT_MS;
	str_init(&e->advice, ADVICE_MAX);
	str_init(&e->lookups, 1 << 20);
	const struct connector_mail mail = {&from, request->size};
	if (begin(q, e, &rcpt, &mail, to))
		return e;
	explain_free(q, e);
	return NULL;
}

bool explain_ready(const struct queue *q, const struct explain *e)
{
	return !e->open || q->mono_ms >= e->deadline;
}

static void tls_by_settings(const struct config_outbound *outbound, const struct host *host, struct str *to)
{
	switch (outbound->tls) {
	case CONFIG_TLS_OFF:
		str_append_text(to, "no TLS");
		break;
	case CONFIG_TLS_OPPORTUNISTIC:
		str_append_text(to, "TLS where it is offered, whatever the certificate");
		break;
	case CONFIG_TLS_ENCRYPT:
		str_append_text(to, "TLS required, whatever the certificate");
		break;
	case CONFIG_TLS_VERIFY:
		str_append_text(to, "TLS required, with a certificate for ");
		str_append(to, outbound->tls_name ? span_of(outbound->tls_name) : host->name);
	}
}

void explain_tls(const struct config_outbound *outbound, const struct host *host, struct str *to)
{
	bool implicit =
		outbound->implicit == CONFIG_YES || (outbound->implicit == CONFIG_AUTO && host->port == SMTPS_PORT);
	bool dane = config_outbound_dane(outbound);
	if (outbound->tls != CONFIG_TLS_OFF && outbound->tls_fingerprint.n)
		str_append_text(to, "TLS required, with a certificate of tls_fingerprint");
	else if (dane && host->dane == HOST_DANE_MATCH)
		str_append_text(to, "TLS required, with a certificate that DNS names (DANE)");
	else if (dane && host->dane == HOST_DANE_ENCRYPT)
		str_append_text(to, "TLS required, as DNS has TLSA records that can't be used (DANE)");
	else if (dane && host->dane == HOST_DANE_LATER)
		str_append_text(to, "passed over: DNS does not say whether it has TLSA records (DANE)");
	else
		tls_by_settings(outbound, host, to);
	if (implicit && outbound->tls != CONFIG_TLS_OFF)
		str_append_text(to, ", from the first octet");
}

static void add_hosts(const struct explain *e, struct str *to)
{
	char port[24], ip[IPADDR_TEXT_MAX];
	struct span rest = span_of(e->hosts ? e->hosts : e->d->hosts ? e->d->hosts : "");
	struct host host;
	struct str tls;
	str_init(&tls, CELL_MAX);
	while (hosts_next(&rest, &host) == 1) {
		str_clear(&tls);
		explain_tls(&e->outbound, &host, &tls);
		ipaddr_format(&host.ip, ip);
		const struct span cells[] = {host.name, span_of(ip), number(port, host.port), str_span(&tls)};
		report_cells(to, ROW_HOST, cells, 4);
	}
	str_free(&tls);
}

/* The look-ups that got no answer in time. */
static void add_unanswered(struct explain *e)
{
	const struct wire_resolved none = {.enhanced = SPAN("4.4.3"), .text = SPAN("no answer within 10 s")};
	for (size_t i = 0; e->open && i < e->d->target_count; i++)
		if (e->d->targets[i].state == TARGET_ASKED)
			answered(&e->asker, i, TARGET_LATER, &none);
}

void explain_finish(struct queue *q, struct explain *e, struct str *to)
{
	const struct destination *real = destination_find(&q->destinations, e->key);
	resolve_forget(q, &e->asker);
	add_unanswered(e);
	str_append(to, str_span(&e->lookups));
	if (e->d)
		add_hosts(e, to);
	if (real)
		report_next_hop(q, real, to);
	if (real && real->down_ms) {
		str_clear(&e->advice);
		str_append_text(&e->advice,
				"the next hop is down: `mailrootctl queue retry` with its mail tries it now");
	}
	report_done(to, 0, str_text(&e->advice));
}

void explain_free(struct queue *q, struct explain *e)
{
	if (!e)
		return;
	resolve_forget(q, &e->asker);
	destinations_free(&e->own);
	free(e->hosts);
	str_free(&e->advice);
	str_free(&e->lookups);
	free(e);
}
