#include "smtpd/requests.h"

#include <stdio.h>

#include "common/accounts/accounts.h"
#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/ipc/rows.h"
#include "common/ipc/wire.h"
#include "common/mail/address.h"
#include "smtpd/answer_alias.h"
#include "smtpd/policy/advice.h"
#include "smtpd/policy/explain.h"
#include "smtpd/policy/explain_limits.h"
#include "smtpd/policy/explain_lists.h"
#include "smtpd/policy/showing.h"
#include "smtpd/session/session.h"

enum {
	TEXT_MAX = 8192,
	EXIT_USAGE = 2,
	SESSION_ID_MAX = 48,
	ROWS_AT_ONCE = 100 /* rows that fit into the buffer of any link */
};

static void send_fact(struct answer *a, const char *name, size_t value)
{
	str_printf(&a->cells, "%s%c%zu", name, ROW_SEPARATOR, value);
	answer_row(a, ROW_FACT);
}

/* The verdict as the reply that a client would get. */
static void send_verdict(struct answer *a, const struct explanation *e)
{
	struct str reply;
	str_init(&reply, TEXT_MAX);
	explain_reply(e, &reply);
	str_printf(&a->cells, "%s%c", e->accepted ? "accepted" : "refused", ROW_SEPARATOR);
	str_append(&a->cells, (struct span){reply.at, span_find(str_span(&reply), '\r')});
	answer_row(a, ROW_VERDICT);
	str_free(&reply);
}

static void send_chain(struct answer *a, const struct config_server *server, const struct policy_decision *decision)
{
	for (size_t i = 0; i < decision->step_count; i++) {
		const struct config_origin *origin = decision->steps[i].origin;
		answer_origin(a, origin);
		str_append_c(&a->cells, ROW_SEPARATOR);
		policy_step_format(server, &decision->steps[i], &a->cells);
		answer_row(a, ROW_RULE);
	}
}

static void send_limit(struct answer *a, const struct policy_client *client, const struct explained_limit *limit,
		       const struct str *reply)
{
	static const char *const words[] = {[EXPLAIN_FITS] = "fits",
					    [EXPLAIN_REFUSED] = "refused",
					    [EXPLAIN_LOGGED] = "logged",
					    [EXPLAIN_EXCEPTED] = "excepted"};
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&client->ip, address);
	answer_origin(a, limit->origin);
	str_printf(&a->cells, "%c%s%c%s%c%s%c%llu%c%s%c", ROW_SEPARATOR, limit->setting, ROW_SEPARATOR,
		   limit->user ? limit->user : address, ROW_SEPARATOR, limit->most, ROW_SEPARATOR,
		   (unsigned long long)limit->used, ROW_SEPARATOR, words[limit->next], ROW_SEPARATOR);
	str_append(&a->cells, str_span(reply));
	if (limit->next == EXPLAIN_EXCEPTED) {
		str_append_text(&a->cells, limit->exception->text);
		str_append_c(&a->cells, ROW_SEPARATOR);
		answer_origin(a, &limit->exception->origin);
	}
	answer_row(a, ROW_CLIENT_LIMIT);
}

/* Connections first: so the client meets them. */
static void send_limits(struct answer *a, const struct config_server *server, const struct policy_client *client,
			const struct requests_counts *counts)
{
	struct explained_limit limit;
	struct str reply;
	str_init(&reply, TEXT_MAX);
	for (size_t i = 0; i < EXPLAIN_LIMITS; i++) {
		size_t which = (i + EXPLAIN_CONNECTIONS) % EXPLAIN_LIMITS;
		str_clear(&reply);
		if (explain_limit(server, client, counts->usage, counts->clients, which, clock_mono_ms(), &limit,
				  &reply))
			send_limit(a, client, &limit, &reply);
	}
	str_free(&reply);
}

static void send_lists(struct answer *a, const struct config_server *server, const struct policy_client *client,
		       const struct address *rcpt)
{
	struct explained_list list;
	struct str value;
	str_init(&value, TEXT_MAX);
	for (size_t i = 0; explain_list(server, client, rcpt, i, &list, &value); i++) {
		answer_origin(a, list.origin);
		str_printf(&a->cells, "%c%s%c%s%c%s", ROW_SEPARATOR, list.setting, ROW_SEPARATOR, str_text(&value),
			   ROW_SEPARATOR, list.effect);
		answer_row(a, ROW_CLIENT_LIST);
		str_clear(&value);
	}
	str_free(&value);
}

static void send_filters(struct answer *a, const struct config_server *server, const struct policy_client *client,
			 const struct policy_mail *mail)
{
	static const char *const words[] = {[SHOWING_ALL] = "shown",
					    [SHOWING_COMMANDS] = "commands",
					    [SHOWING_SOURCE] = "source",
					    [SHOWING_LISTED] = "skip_list",
					    [SHOWING_AUTHENTICATED] = "authenticated"};
	const struct config_client *entry;
	for (size_t i = 0; i < server->filter_count; i++) {
		const struct config_filter *filter = &server->filters[i];
		enum showing showing = showing_of(filter, SOURCE_SMTP, client, mail->size, &entry);
		answer_origin(a, &filter->origin);
		str_printf(&a->cells, "%c%s%c%s", ROW_SEPARATOR, filter->name, ROW_SEPARATOR, words[showing]);
		if (entry) {
			str_printf(&a->cells, "%c%s%c", ROW_SEPARATOR, entry->text, ROW_SEPARATOR);
			answer_origin(a, &entry->origin);
		}
		answer_row(a, ROW_CLIENT_FILTER);
	}
}

static void send_known(struct answer *a, const struct known_decision *known)
{
	if (known->verdict == KNOWN_UNLISTED)
		return;
	str_printf(&a->cells, "%s:%u%c", known->origin.file, known->origin.line, ROW_SEPARATOR);
	known_format(known, &a->cells);
	answer_row(a, ROW_RULE);
}

static void send_explanation(struct answer *a, const struct config_server *server, const struct policy_client *client,
			     const struct policy_mail *mail, const struct address *rcpt,
			     const struct requests_counts *counts)
{
	const struct policy_decision *chain[EXPLAIN_DECISIONS];
	struct explanation e;
	explain_decide(server, client, mail, rcpt, &e);
	explain_known(server, known_lists(counts->known), &e);
	send_verdict(a, &e);
	size_t n = explain_chain(&e, chain);
	for (size_t i = 0; i < n; i++)
		send_chain(a, server, chain[i]);
	if (chain[n - 1]->accepted) {
		send_known(a, &e.known);
		answer_alias_rules(a, server, known_lists(counts->known), &e);
	}
	send_limits(a, server, client, counts);
	send_lists(a, server, client, rcpt);
	send_filters(a, server, client, mail);
	advice_format(server, &e, &a->cells);
	answer_done(a, e.accepted ? 0 : 1, str_span(&a->cells));
}

/* Kerberos users have names that no account can have. */
static bool graphic(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

/* Name and user of the client are those of the request: nothing is looked up. USER has room for any. */
static bool take_client(const struct wire_explain_relay *request, struct policy_client *client, char *user)
{
	*client =
		(struct policy_client){.name_state = POLICY_NAME_UNCONFIRMED, .why = N_("none was given with --name")};
	client->tls = request->tls;
	if (request->user.len) {
		if (!graphic(request->user))
			return false;
		span_copy(request->user, user, ACCOUNT_NAME_MAX + 1);
		client->user = user;
	}
	if (request->name.len) {
		if (!domain_valid(request->name))
			return false;
		client->name_state = POLICY_NAME_CONFIRMED;
		span_copy(request->name, client->name, sizeof(client->name));
	}
	return ipaddr_parse(request->client, &client->ip);
}

/* Without a sender none is known; <> is the null sender. */
static bool take_mail(const struct wire_explain_relay *request, struct address *sender, struct policy_mail *mail,
		      const char **why)
{
	bool null_sender = span_equal(request->sender, SPAN("<>"));
	mail->size = request->size;
	if (request->sender.len)
		mail->sender = sender;
	return !request->sender.len || null_sender || address_parse(request->sender, sender, why);
}

static bool explain_relay(struct answer *a, struct span packet, const struct config_server *server,
			  const struct requests_counts *counts)
{
	struct wire_explain_relay request;
	struct policy_client client;
	struct address rcpt, sender = {0};
	struct policy_mail mail = {0};
	char user[ACCOUNT_NAME_MAX + 1];
	const char *why = N_("no recipient");
	if (!wire_decode_explain_relay(packet, &request))
		return false;
	if (!take_client(&request, &client, user)) {
		answer_done(
			a, EXIT_USAGE,
			SPAN(N_("the client must be an address such as 192.0.2.1 or 2001:db8::1, its name a host name such as host.example.com, its user graphic ASCII")));
	} else if (!address_parse(request.recipient, &rcpt, &why) || !rcpt.text.len) {
		str_printf(&a->cells, "501 5.1.3 Invalid address: %s", why);
		answer_done(a, EXIT_USAGE, str_span(&a->cells));
	} else if (!take_mail(&request, &sender, &mail, &why)) {
		str_printf(&a->cells, "501 5.1.7 Invalid address: %s", why);
		answer_done(a, EXIT_USAGE, str_span(&a->cells));
	} else {
		send_explanation(a, server, &client, &mail, &rcpt, counts);
	}
	return true;
}

/* The worker's generation and the number of its session. */
static struct span session_id(struct prefork *pool, size_t slot, const struct scoreboard_entry *entry, char *to)
{
	snprintf(to, SESSION_ID_MAX, "%llu-%llu", (unsigned long long)prefork_generation(pool, slot),
		 (unsigned long long)entry->served + 1);
	return span_of(to);
}

static long long seconds_since(int64_t then, int64_t now)
{
	return then > 0 && now > then ? (now - then) / 1000 : 0;
}

/* Text from a worker is cleaned and bounded: the worker may have been taken over. */
static void send_session(struct answer *a, struct span id, const struct scoreboard_entry *entry, int64_t now)
{
	str_printf(&a->cells, "%.*s%c", SPAN_ARGS(id), ROW_SEPARATOR);
	str_append_clean(&a->cells, span_of(entry->doing));
	str_printf(&a->cells, "%c%lld%c%s%c%lld%c%llu%c", ROW_SEPARATOR, seconds_since(entry->since_wall_ms, now),
		   ROW_SEPARATOR, session_state_words((enum session_state)entry->phase), ROW_SEPARATOR,
		   seconds_since(entry->progress_wall_ms, now), ROW_SEPARATOR, (unsigned long long)entry->done,
		   ROW_SEPARATOR);
	str_append_clean(&a->cells, span_of(entry->name));
	answer_row(a, ROW_SESSION);
}

static void send_recipients(struct answer *a, const struct known *known)
{
	struct known_state state;
	for (size_t i = 0; known_state(known, i, &state); i++) {
		str_append_clean(&a->cells, span_of(state.file));
		str_printf(&a->cells, "%c%s%c%zu%c%lld", ROW_SEPARATOR,
			   state.used ? state.good ? "good" : "kept" : "none", ROW_SEPARATOR, state.entries,
			   ROW_SEPARATOR, seconds_since(state.changed_s * 1000, clock_wall_ms()));
		answer_row(a, ROW_RECIPIENTS);
	}
}

static void send_certificates(struct answer *a, const struct attention *attention)
{
	for (size_t i = 0; i < attention->n; i++) {
		int64_t until = certificate_until(&attention->at[i]);
		if (!until)
			continue;
		str_append_clean(&a->cells, span_of(attention->at[i].path));
		str_printf(&a->cells, "%c%lld", ROW_SEPARATOR, (long long)until);
		answer_row(a, ROW_CERTIFICATE);
	}
}

static bool smtpd_status(struct answer *a, struct span packet, const struct config_server *server, struct prefork *pool,
			 const struct requests_counts *counts)
{
	struct wire_smtpd_status request;
	size_t states[SCOREBOARD_BUSY + 1] = {0};
	if (!wire_decode_smtpd_status(packet, &request))
		return false;
	for (size_t slot = 0; slot < prefork_slots(pool); slot++) {
		if (!prefork_alive(pool, slot))
			continue;
		states[scoreboard_state(prefork_scoreboard(pool), slot)]++;
	}
	send_fact(a, "sessions", states[SCOREBOARD_BUSY]);
	send_fact(a, "idle", states[SCOREBOARD_IDLE]);
	send_fact(a, "processes", prefork_count(pool));
	send_fact(a, "max", prefork_max(pool));
	send_recipients(a, counts->known);
	send_certificates(a, counts->attention);
	gateway_warn(counts->gateway, server, &a->cells);
	answer_done(a, 0, str_span(&a->cells));
	return true;
}

/* The session of SLOT, if there is one. */
static bool find_session(struct prefork *pool, size_t slot, struct scoreboard_entry *entry)
{
	if (!prefork_alive(pool, slot))
		return false;
	scoreboard_get(prefork_scoreboard(pool), slot, entry);
	return entry->state == SCOREBOARD_BUSY;
}

static bool smtpd_sessions(struct answer *a, struct span packet, struct prefork *pool)
{
	struct wire_smtpd_sessions request;
	struct scoreboard_entry entry;
	char id[SESSION_ID_MAX];
	size_t sent = 0;
	if (!wire_decode_smtpd_sessions(packet, &request))
		return false;
	size_t slot = (size_t)request.from;
	for (; slot < prefork_slots(pool) && sent < ROWS_AT_ONCE; slot++) {
		if (!find_session(pool, slot, &entry))
			continue;
		send_session(a, session_id(pool, slot, &entry, id), &entry, clock_wall_ms());
		sent++;
	}
	if (slot < prefork_slots(pool)) {
		str_printf(&a->cells, "%zu", slot);
		answer_row(a, ROW_NEXT);
	}
	answer_done(a, 0, (struct span){0});
	return true;
}

static void send_client(struct answer *a, const struct config_server *server, const struct clients *clients,
			const struct usage_row *row)
{
	str_printf(&a->cells, "%s%c%s%c", row->name, ROW_SEPARATOR, row->user ? "user" : "address", ROW_SEPARATOR);
	if (!row->user)
		str_printf(&a->cells, "%zu", clients_count(clients, row->net));
	for (enum usage_kind kind = 0; kind < USAGE_KINDS; kind++)
		str_printf(&a->cells, "%c%llu", ROW_SEPARATOR, (unsigned long long)row->counts[kind]);
	str_printf(&a->cells, "%c%llu%c%lld%c", ROW_SEPARATOR, (unsigned long long)row->over, ROW_SEPARATOR,
		   (long long)row->idle_ms / 1000, ROW_SEPARATOR);
	if (row->percent) {
		str_printf(&a->cells, "%s ", usage_setting(row->nearest));
		usage_format(row->nearest, usage_limit(server, row->nearest), &a->cells);
	}
	str_printf(&a->cells, "%c%u%c%lld", ROW_SEPARATOR, row->percent, ROW_SEPARATOR,
		   (long long)(row->wait_ms + 999) / 1000);
	answer_row(a, ROW_CLIENT);
}

static bool smtpd_clients(struct answer *a, struct span packet, const struct config_server *server,
			  const struct requests_counts *counts)
{
	struct wire_smtpd_clients request;
	struct usage_row row;
	size_t sent = 0;
	if (!wire_decode_smtpd_clients(packet, &request))
		return false;
	size_t i = (size_t)request.from;
	for (; i < USAGE_SLOTS && sent < ROWS_AT_ONCE; i++) {
		if (!usage_get(counts->usage, i, server, clock_mono_ms(), &row))
			continue;
		send_client(a, server, counts->clients, &row);
		sent++;
	}
	if (i < USAGE_SLOTS) {
		str_printf(&a->cells, "%zu", i);
		answer_row(a, ROW_NEXT);
	}
	answer_done(a, 0, (struct span){0});
	return true;
}

static bool smtpd_kick(struct answer *a, struct span packet, struct prefork *pool)
{
	struct wire_smtpd_kick request;
	struct scoreboard_entry entry;
	char id[SESSION_ID_MAX];
	size_t told = 0;
	if (!wire_decode_smtpd_kick(packet, &request))
		return false;
	for (size_t slot = 0; slot < prefork_slots(pool); slot++) {
		if (!find_session(pool, slot, &entry) ||
		    (request.id.len && !span_equal(request.id, session_id(pool, slot, &entry, id))))
			continue;
		prefork_end_work(pool, slot, entry.served);
		told++;
	}
	log_info("sessions=%zu ended by an operator", told);
	str_printf(&a->cells, "%zu", told);
	answer_row(a, ROW_COUNT);
	answer_done(a, 0, (struct span){0});
	return true;
}

bool requests_serve(int fd, enum wire_link link, struct span packet, const struct config_server *server,
		    struct prefork *pool, const struct requests_counts *counts)
{
	struct answer a = {.link = fd};
	bool known = false;
	str_init(&a.cells, TEXT_MAX);
	str_init(&a.packet, WIRE_PACKET_MAX);
	enum wire_type type = wire_admit(link, WIRE_UP, packet);
	if (type == WIRE_explain_relay)
		known = explain_relay(&a, packet, server, counts);
	else if (type == WIRE_explain_alias)
		known = answer_alias(&a, packet, server, known_lists(counts->known));
	else if (type == WIRE_smtpd_status)
		known = smtpd_status(&a, packet, server, pool, counts);
	else if (type == WIRE_smtpd_sessions)
		known = smtpd_sessions(&a, packet, pool);
	else if (type == WIRE_smtpd_clients)
		known = smtpd_clients(&a, packet, server, counts);
	else if (type == WIRE_smtpd_kick)
		known = smtpd_kick(&a, packet, pool);
	str_free(&a.cells);
	str_free(&a.packet);
	return known && !a.failed;
}
