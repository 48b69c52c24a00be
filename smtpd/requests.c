#include "smtpd/requests.h"

#include "common/base/clock.h"
#include "common/host/ipc.h"
#include "common/host/rows.h"
#include "common/host/wire.h"
#include "common/mail/address.h"
#include "smtpd/policy.h"
#include "smtpd/replies.h"

enum { TEXT_MAX = 4096, EXIT_USAGE = 2 };

struct answer {
	int link;
	struct str cells;
	struct str packet;
	bool failed;
};

static void send_packet(struct answer *a, bool encoded)
{
	if (!encoded || ipc_send(a->link, str_span(&a->packet), NULL, 0) != 0)
		a->failed = true;
	str_clear(&a->packet);
	str_clear(&a->cells);
}

static void send_row(struct answer *a, const char *kind)
{
	struct wire_ctl_row row = {.kind = span_of(kind), .cells = str_span(&a->cells)};
	send_packet(a, wire_encode_ctl_row(&row, &a->packet));
}

static void send_done(struct answer *a, unsigned exit_code, struct span text)
{
	struct wire_ctl_done done = {.exit_code = exit_code, .text = text};
	send_packet(a, wire_encode_ctl_done(&done, &a->packet));
}

static void send_fact(struct answer *a, const char *name, size_t value)
{
	str_printf(&a->cells, "%s%c%zu", name, ROW_SEPARATOR, value);
	send_row(a, ROW_FACT);
}

/* The verdict in the words in which a client would hear it. */
static void send_verdict(struct answer *a, const struct address *rcpt, const struct policy_decision *decision)
{
	struct str stamped, reply;
	str_init(&stamped, TEXT_MAX);
	str_init(&reply, TEXT_MAX);
	str_append(&stamped, decision->stamp ? rcpt->local : rcpt->text);
	if (decision->stamp)
		str_printf(&stamped, "@%s", decision->stamp);
	replies_append(&reply, decision->accepted ? REPLY_RECIPIENT_OK : REPLY_CANNOT_RELAY, true, str_span(&stamped),
		       (struct span){0});
	str_printf(&a->cells, "%s%c", decision->accepted ? "accepted" : "refused", ROW_SEPARATOR);
	str_append(&a->cells, (struct span){reply.at, span_find(str_span(&reply), '\r')});
	send_row(a, ROW_VERDICT);
	str_free(&stamped);
	str_free(&reply);
}

static void send_chain(struct answer *a, const struct config_server *server, const struct policy_decision *decision)
{
	for (size_t i = 0; i < decision->step_count; i++) {
		const struct config_origin *origin = decision->steps[i].origin;
		if (origin->file)
			str_printf(&a->cells, "%s:%u", origin->file, origin->line);
		str_append_c(&a->cells, ROW_SEPARATOR);
		policy_step_format(server, &decision->steps[i], &a->cells);
		send_row(a, ROW_RULE);
	}
}

static void send_decision(struct answer *a, const struct config_server *server, const struct ipaddr *client,
			  const struct address *rcpt)
{
	char address[IPADDR_TEXT_MAX];
	struct policy_decision decision;
	ipaddr_format(client, address);
	policy_relay_decide(server, client, rcpt->domain, &decision);
	send_verdict(a, rcpt, &decision);
	send_chain(a, server, &decision);
	policy_advice_format(&decision, span_of(address), rcpt->domain, &a->cells);
	send_done(a, decision.accepted ? 0 : 1, str_span(&a->cells));
}

static bool explain_relay(struct answer *a, struct span packet, const struct config_server *server)
{
	struct wire_explain_relay request;
	struct ipaddr client;
	struct address rcpt;
	const char *why = "no recipient";
	if (!wire_decode_explain_relay(packet, &request))
		return false;
	if (!ipaddr_parse(request.client, &client)) {
		send_done(a, EXIT_USAGE, SPAN("the client must be an address such as 192.0.2.1 or 2001:db8::1"));
	} else if (!address_parse(request.recipient, &rcpt, &why) || !rcpt.text.len) {
		str_printf(&a->cells, "501 5.1.3 Invalid address: %s", why);
		send_done(a, EXIT_USAGE, str_span(&a->cells));
	} else {
		send_decision(a, server, &client, &rcpt);
	}
	return true;
}

static void send_session(struct answer *a, const struct scoreboard_entry *entry, int64_t now)
{
	int64_t since = now > entry->since_wall_ms ? (now - entry->since_wall_ms) / 1000 : 0;
	str_printf(&a->cells, "busy%c", ROW_SEPARATOR);
	str_append_clean(&a->cells, span_of(entry->doing));
	str_printf(&a->cells, "%c%lld", ROW_SEPARATOR, (long long)since);
	send_row(a, ROW_SESSION);
}

static bool smtpd_status(struct answer *a, struct span packet, struct prefork *pool)
{
	struct wire_smtpd_status request;
	struct scoreboard_entry entry;
	size_t states[SCOREBOARD_BUSY + 1] = {0};
	if (!wire_decode_smtpd_status(packet, &request))
		return false;
	for (size_t slot = 0; slot < prefork_slots(pool); slot++) {
		if (!prefork_alive(pool, slot))
			continue;
		scoreboard_get(prefork_scoreboard(pool), slot, &entry);
		states[entry.state]++;
		if (request.detail && entry.state == SCOREBOARD_BUSY)
			send_session(a, &entry, clock_wall_ms());
	}
	send_fact(a, "sessions", states[SCOREBOARD_BUSY]);
	send_fact(a, "idle", states[SCOREBOARD_IDLE]);
	send_fact(a, "processes", prefork_count(pool));
	send_fact(a, "max", prefork_max(pool));
	send_done(a, 0, (struct span){0});
	return true;
}

bool requests_answer(int link, struct span packet, const struct config_server *server, struct prefork *pool)
{
	struct answer a = {.link = link};
	bool known = false;
	str_init(&a.cells, TEXT_MAX);
	str_init(&a.packet, WIRE_PACKET_MAX);
	if (wire_type_of(packet) == WIRE_explain_relay)
		known = explain_relay(&a, packet, server);
	else if (wire_type_of(packet) == WIRE_smtpd_status)
		known = smtpd_status(&a, packet, pool);
	str_free(&a.cells);
	str_free(&a.packet);
	return known && !a.failed;
}
