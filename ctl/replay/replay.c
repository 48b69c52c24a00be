#include "ctl/replay/replay.h"

#include "common/base/language.h"

bool replay_init(struct replay *replay, const struct config_server *server, int64_t since_s)
{
	*replay = (struct replay){.server = server, .since_s = since_s, .first_s = ROW_NO_TIME, .last_s = ROW_NO_TIME};
	reader_init(&replay->reader, replay_take, replay);
	replay->traffic.largest = ROW_NO_OCTETS;
	replay->sessions = sessions_new();
	return replay->sessions;
}

void replay_free(struct replay *replay)
{
	if (replay->sessions)
		sessions_free(replay->sessions);
	cases_free(&replay->cases);
	census_free(&replay->census);
	traffic_free(&replay->traffic);
	reader_free(&replay->reader);
}

uint64_t replay_compared(const struct replay *replay)
{
	return replay->same + replay->otherwise + replay->unknowable;
}

/* What the old server decided; false: nothing about this recipient, such as "too many" or "not now". */
static bool old_outcome(unsigned status, enum outcome *out)
{
	*out = status < 300 ? OUTCOME_ACCEPTED : OUTCOME_REFUSED;
	return (status >= 250 && status <= 252) || status == 530 || status == 550 || status == 553 || status == 554;
}

static void count(struct replay *replay, const struct example *example, int64_t time_s, struct span domain,
		  enum outcome old, const struct verdict *now)
{
	if (now->outcome == old) {
		replay->same++;
		return;
	}
	if (now->outcome == OUTCOME_UNKNOWABLE)
		replay->unknowable++;
	else
		replay->otherwise++;
	cases_add(&replay->cases, example, time_s, domain, old, now);
}

static void count_client(struct client *client, enum outcome old, const struct verdict *now, bool authenticated)
{
	if (!client)
		return;
	client->accepted += old == OUTCOME_ACCEPTED;
	client->refused += old == OUTCOME_REFUSED;
	if (old != OUTCOME_ACCEPTED || now->for_all || now->fault)
		return;
	if (authenticated)
		client->authenticated++;
	else
		client->relayed++;
}

/* A sender that was cut is not known. */
static bool knows_sender(const struct old_session *session, struct address *sender)
{
	struct span text = span_of(session->sender);
	const char *why;
	return session->mail && text.len < SESSIONS_SENDER_MAX - 1 && address_parse(text, sender, &why);
}

static void take_recipient(struct replay *replay, const struct row *row, const struct place *place,
			   const struct old_session *session, struct client *client)
{
	struct example example = {.place = *place, .client = row->client};
	struct facts facts = {row->client, session->authenticated, session->tls, NULL};
	struct address to = {0}, sender;
	struct verdict now;
	enum outcome old;
	const char *why;
	if (!row->rest.len) {
		replay->unnamed++;
		return;
	}
	if (!old_outcome(row->status, &old)) {
		replay->undecided++;
		return;
	}
	if (knows_sender(session, &sender))
		facts.sender = &sender;
	if (!row_address(row, "TO:", &to, &why))
		verdict_invalid(why, &now);
	else if (!to.text.len)
		verdict_invalid(N_("<> can't be a recipient"), &now);
	else
		verdict_decide(replay->server, &facts, &to, &now);
	span_clean(now.fault ? row->rest : to.text, example.recipient, sizeof(example.recipient));
	if (session->mail)
		span_copy(span_of(session->sender), example.sender, sizeof(example.sender));
	count(replay, &example, row->time_s, to.domain, old, &now);
	count_client(client, old, &now, session->authenticated);
}

/* Whether ROW ends a message: the reply to its text, or to its last chunk. */
static bool ends_message(const struct row *row)
{
	if (row->status != 250)
		return false;
	return row_is(row, "DATA") || (row_is(row, "BDAT") && span_ends_nocase(row->rest, SPAN("LAST")));
}

/* A client that had to authenticate first, for instance: its recipients never came. */
static bool is_refused_sender(const struct row *row)
{
	return row_is(row, "MAIL") && (row->status == 454 || (row->status >= 530 && row->status <= 554));
}

static bool is_left_out(struct replay *replay, const struct row *row)
{
	replay->outbound += row->outbound;
	if (row->outbound)
		return true;
	bool early = replay->since_s >= 0 && row->time_s < replay->since_s;
	replay->left_out += early;
	return early;
}

void replay_take(void *context, const struct row *row, const struct place *place)
{
	struct replay *replay = context;
	if (is_left_out(replay, row))
		return;
	const struct old_session *session = sessions_take(replay->sessions, row);
	struct client *client = census_take(&replay->census, row);
	if (!session) {
		replay->no_memory = true;
		return;
	}
	if (row->time_s >= 0 && (replay->first_s < 0 || row->time_s < replay->first_s))
		replay->first_s = row->time_s;
	if (row->time_s > replay->last_s)
		replay->last_s = row->time_s;
	replay->authenticated |= session->authenticated;
	replay->senders_refused += is_refused_sender(row);
	if (row_is(row, "RCPT")) {
		take_recipient(replay, row, place, session, client);
	} else if ((row_is(row, "EHLO") || row_is(row, "HELO")) && row->status == 250 && client) {
		client->sessions++;
	} else if (ends_message(row)) {
		if (client)
			client->messages++;
		traffic_message(&replay->traffic, row, place, session, replay->server->messages.max_message_size,
				replay->server->messages.max_recipients);
	}
}
