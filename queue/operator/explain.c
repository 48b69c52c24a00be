#include "queue/operator/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "queue/attempt/resolve.h"
#include "queue/operator/explain_say.h"
#include "queue/operator/report.h"

enum { WAIT_MS = 10 * 1000, ADVICE_MAX = 2000, LOOKUPS_MAX = 1 << 20 };

struct explain {
	struct resolve_asker asker; /* must be first: answered() casts it back */
	struct destinations own;    /* a table of its own, so that the look-ups change nothing for mail */
	struct destination *d;      /* in `own`; NULL when mail goes to a drop folder or nowhere */
	char key[HOP_NAME_MAX];
	bool known;                         /* the queue knows its hosts already */
	bool told[DESTINATION_TARGETS_MAX]; /* the look-up of that target was answered */
	size_t open;                        /* look-ups without an answer */
	int64_t deadline;
	struct config_outbound outbound; /* a copy: a reload frees the strings it points to, except tls_name */
	char tls_name[HOST_NAME_MAX_OCTETS + 1];
	struct str advice, lookups; /* kept until all rows of the answer are known, for their order */
};

/* TEXT without the leading NAME and without "found", which have cells of their own. */
static struct span strip_name(struct span text, struct span name)
{
	if (span_starts(text, name) && text.len > name.len + 1 && text.at[name.len] == ':')
		text = span_skip(text, name.len + 2);
	return span_equal(text, SPAN("found")) ? SPAN("") : text;
}

static void answered(struct resolve_asker *asker, size_t at, enum target_state state,
		     const struct wire_resolved *answer)
{
	static const char *const words[] = {[TARGET_FOUND] = "found",
					    [TARGET_LATER] = "later",
					    [TARGET_NEVER] = "never",
					    [TARGET_CLOSED] = "never"};
	struct explain *e = (struct explain *)asker;
	const struct target *t = &e->d->targets[at];
	const struct span cells[] = {span_of(t->name), span_of(t->kind == CONFIG_HOST_MX ? "mx" : "address"),
				     span_of(words[state]), answer->enhanced,
				     strip_name(answer->text, span_of(t->name))};
	report_cells(&e->lookups, ROW_LOOKUP, cells, 5);
	e->told[at] = true;
	if (!e->known)
		destination_answer(e->d, at, state, answer->hosts, 0, 0);
	e->open--;
}

/* The smallest change of the configuration that would change the route. */
static void advise(const struct route *route, const struct not_taken *others, size_t n, struct str *to)
{
	const struct route_rule *last = &route->rules[route->rule_count - 1];
	size_t i = 0;
	while (i < n && !others[i].conditional)
		i++;
	if (i < n)
		str_printf(to, N_("%s %.*s would take it without this condition: %s"), others[i].what,
			   SPAN_ARGS(others[i].name), others[i].why);
	else if (route->kind == ROUTE_DROP)
		str_printf(to, N_("it would go to another host if %.*s were not in %s"), SPAN_ARGS(last->value),
			   last->what);
	else if (route->kind == ROUTE_NONE)
		str_printf(to, N_("`smart_host HOST` would send it to a host: it takes any domain"));
	else if (!strncmp(last->what, "route", 5) && last->origin.file)
		str_printf(to, N_("another route in %s:%u would send it elsewhere"), last->origin.file,
			   last->origin.line);
	else if (route->kind != ROUTE_LITERAL)
		str_printf(to, N_("`remote_domain %.*s { route HOST }` would send it elsewhere"),
			   SPAN_ARGS(route->domain));
}

/* Takes the hosts that the queue uses now for mail, whatever DNS says meanwhile. */
static void take_known(struct queue *q, struct explain *e)
{
	const struct destination *real = destination_find(&q->destinations, e->key);
	if (!real || !real->hosts || real->asking || real->hosts_until <= q->mono_ms ||
	    real->target_count != e->d->target_count)
		return;
	e->known = true;
	for (size_t i = 0; i < real->target_count; i++) {
		const struct target *t = &real->targets[i];
		if (t->kind != CONFIG_HOST_IP)
			destination_answer(e->d, i, t->state, span_of(t->hosts ? t->hosts : ""), 0, 0);
	}
}

static void look_up(struct queue *q, struct explain *e)
{
	destination_ask(e->d, q->mono_ms);
	for (size_t i = 0; i < e->d->target_count; i++)
		if (e->d->targets[i].kind != CONFIG_HOST_IP)
			e->open++;
	take_known(q, e);
	for (size_t i = 0; i < e->d->target_count; i++)
		if (e->d->targets[i].kind != CONFIG_HOST_IP)
			resolve_look_up(q, &e->d->targets[i], i, &e->asker);
}

/* For a route to hosts: reports the settings and looks up the hosts. */
static bool begin_hosts(struct queue *q, struct explain *e, const struct route *route, struct str *to)
{
	e->outbound = *route->outbound;
	if (e->outbound.tls_name)
		snprintf(e->tls_name, sizeof(e->tls_name), "%s", e->outbound.tls_name);
	e->outbound.tls_name = e->outbound.tls_name ? e->tls_name : NULL;
	e->d = destination_get(&e->own, route, NULL);
	if (!e->d)
		return false;
	explain_say_settings(route, to);
	look_up(q, e);
	return true;
}

/* Writes to TO (ADDRESS_MAX + 1) the address that replaces SENDER in MAIL FROM; "" = none. */
static void masquerade(const struct config_server *server, const struct route *route, const struct address *sender,
		       char *to)
{
	struct span other = route_sender(route, !sender->text.len);
	if (other.len) {
		span_copy(other, to, ADDRESS_MAX + 1);
		return;
	}
	struct span domain = route_masquerade(server, sender);
	to[0] = '\0';
	if (domain.len)
		snprintf(to, ADDRESS_MAX + 1, "%.*s@%.*s", SPAN_ARGS(sender->local), SPAN_ARGS(domain));
}

static bool begin(struct queue *q, struct explain *e, const struct address *rcpt, const struct connector_mail *mail,
		  struct str *to)
{
	char sender[ADDRESS_MAX + 1] = "";
	const struct config_server *server = queue_server(q);
	struct not_taken others[NOT_TAKEN_MAX];
	struct route route;
	route_decide(server, rcpt, mail, &route);
	route_choose_mailbox(server, mail->sender, &route);
	size_t n = not_taken_list(server, mail, &route, others);
	if (route.kind != ROUTE_NONE)
		hop_name_format(&route, route.kind == ROUTE_DROP ? route.local->drop_dir : NULL, e->key);
	if (route.kind != ROUTE_DROP)
		masquerade(server, &route, mail->sender, sender);
	explain_say_route(&route, e->key, sender, to);
	explain_say_rules(&route, to);
	explain_say_not_taken(others, n, to);
	advise(&route, others, n, &e->advice);
	if (route.kind == ROUTE_DROP || route.kind == ROUTE_NONE)
		return true;
	return begin_hosts(q, e, &route, to);
}

struct explain *explain_begin(struct queue *q, const struct wire_explain_route *request, struct str *to, char *why)
{
	const struct config_server *server = queue_server(q);
	struct address rcpt, from;
	const char *fault = N_("it is empty");
	struct span sender =
		request->sender.len ? request->sender : span_of(server->postmaster ? server->postmaster : "postmaster");
	if (span_equal(sender, SPAN("<>")))
		sender.len = 0;
	if (!address_parse(sender, &from, &fault) || !address_parse(request->recipient, &rcpt, &fault) ||
	    !rcpt.text.len) {
		snprintf(why, EXPLAIN_WHY_MAX, N_("not a valid address: %s"), fault);
		return NULL;
	}
	struct explain *e = calloc(1, sizeof(*e));
	snprintf(why, EXPLAIN_WHY_MAX, N_("no memory"));
	if (!e)
		return NULL;
	e->asker.answered = answered;
	e->deadline = q->mono_ms + WAIT_MS;
	str_init(&e->advice, ADVICE_MAX);
	str_init(&e->lookups, LOOKUPS_MAX);
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

/* Reports the look-ups without answer. */
static void add_unanswered(struct explain *e)
{
	const struct wire_resolved none = {.enhanced = SPAN("4.4.3"), .text = SPAN(N_("no answer within 10 s"))};
	for (size_t i = 0; e->open && i < e->d->target_count; i++)
		if (!e->told[i] && e->d->targets[i].kind != CONFIG_HOST_IP)
			answered(&e->asker, i, TARGET_LATER, &none);
}

void explain_finish(struct queue *q, struct explain *e, struct str *to)
{
	const struct destination *real = destination_find(&q->destinations, e->key);
	resolve_forget(q, &e->asker);
	add_unanswered(e);
	str_append(to, str_span(&e->lookups));
	if (e->d) {
		explain_say_hosts(q, e->d, &e->outbound, to);
		explain_say_limits(q, e->d, real, to);
	}
	if (real)
		report_next_hop(q, NULL, real, to);
	if (real && real->down_ms) {
		str_clear(&e->advice);
		str_append_text(
			&e->advice,
			N_("the next hop is down; `mailrootctl queue retry ID` for one of its messages tries it now"));
	}
	report_done(to, 0, str_text(&e->advice));
}

void explain_free(struct queue *q, struct explain *e)
{
	if (!e)
		return;
	resolve_forget(q, &e->asker);
	destinations_free(&e->own);
	str_free(&e->advice);
	str_free(&e->lookups);
	free(e);
}
