#include "common/recipients/known.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/rcpt_reply.h"
#include "smtpd/protocol/params.h"
#include "smtpd/session/alias_rcpt.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/filtering.h"
#include "smtpd/session/listed.h"
#include "smtpd/session/permits.h"
#include "smtpd/session/rates.h"

/*
 * RCPT TO:<recipient> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;xtext]: decides whether the recipient is
 * accepted, and under which address.
 */

static enum reply_id check_state(const struct session *s)
{
	if (s->state == SESSION_START)
		return REPLY_HELLO_FIRST;
	if (s->state == SESSION_BDAT)
		return REPLY_MIXED_DATA;
	return s->state == SESSION_READY ? REPLY_NEED_SENDER : REPLY_NONE;
}

/* A duplicate recipient is accepted again and stored once, even beyond the limits. */
static void take_recipient(struct session *s, const struct address *rcpt, const struct dsn_rcpt *dsn, uint64_t most)
{
	struct recipients *rcpts = &s->tx.rcpts;
	bool full = rcpts->count >= (size_t)s->config->messages.max_recipients;
	bool known = recipients_known(rcpts, rcpt);
	if (full && !known) {
		session_say(s, REPLY_TOO_MANY_RCPTS);
		return;
	}
	enum reply_id refusal = filtering_rcpt(s, rcpt);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		return;
	}
	if (!known && !rates_recipient(s))
		return;
	if (recipients_add(rcpts, rcpt, dsn) == RECIPIENTS_NO_MEMORY) {
		session_say(s, REPLY_NO_MEMORY);
	} else {
		transaction_mailbox(&s->tx, most);
		s->state = SESSION_RCPT;
		session_reply(s, REPLY_RECIPIENT_OK, rcpt->text, (struct span){0});
	}
}

/* Accepts the recipient if its mailbox has room for the message. */
static void ask_mailbox(struct session *s, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	const struct fullness_room room = s->tx.store->room(s->tx.store->context, rcpt->domain);
	switch (fullness_judge(&room, s->tx.declared)) {
	case FULLNESS_NEVER:
		session_say(s, REPLY_MAILBOX_TOO_SMALL);
		break;
	case FULLNESS_FULL:
		session_say(s, REPLY_MAILBOX_FULL);
		break;
	case FULLNESS_FITS:
		take_recipient(s, rcpt, dsn, room.most);
	}
}

/* A client that repeats a RCPT without end does not fill the log. */
static bool deserves_line(const struct session *s, enum known_verdict verdict, const struct address *rcpt)
{
	if (verdict == KNOWN_TRIED)
		return !recipients_known(&s->tx.rcpts, rcpt);
	return verdict == KNOWN_NO || (verdict == KNOWN_LATER && s->later < LIMIT_LATER_LOGGED);
}

/* What the list of its domain says of RCPT. If it does not exist, the reply is sent: it is the same for all. */
static enum known_verdict check_known(struct session *s, const struct known_lists *lists, const struct address *rcpt)
{
	struct known_decision decision;
	known_decide(s->config, lists, rcpt, &decision);
	if (deserves_line(s, decision.verdict, rcpt))
		known_log(&decision, s->client_text, str_text(&s->tx.sender), rcpt);
	if (!known_accepts(decision.verdict))
		session_say_quietly(s, rcpt_reply_known(decision.verdict));
	return decision.verdict;
}

/* A recipient to which the client may send. The lists are those of one moment: newer ones may lack an alias. */
static void accept_recipient(struct session *s, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	const struct known_lists *lists = s->known ? known_lists(s->known) : NULL;
	enum known_verdict verdict = check_known(s, lists, rcpt);
	if (verdict == KNOWN_LEADS)
		alias_rcpt(s, lists, rcpt, dsn);
	else if (known_accepts(verdict))
		ask_mailbox(s, rcpt, dsn);
}

static void decide(struct session *s, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	char text[ADDRESS_MAX + 1];
	struct policy_decision decision;
	policy_relay_decide(s->config, &s->client, rcpt->domain, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		policy_relay_decide(s->config, &s->client, rcpt->domain, &decision);
	}
	struct address stamped = policy_stamp(&decision, rcpt, text);
	if (!decision.accepted) {
		session_reply(s, REPLY_CANNOT_RELAY, rcpt->text, (struct span){0});
		return;
	}
	enum reply_id refusal = permits_recipient(s, rcpt, decision.stamp);
	if (refusal != REPLY_NONE)
		session_say(s, refusal);
	else if (listed_permits(s, &stamped))
		accept_recipient(s, &stamped, dsn);
}

static void decide_and_show(struct session *s, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	size_t before = s->out.len;
	decide(s, rcpt, dsn);
	filtering_rcpt_over(s, rcpt, before);
}

void cmd_rcpt(struct session *s, const struct command *command)
{
	struct span path, rest;
	struct address rcpt;
	struct params params;
	const char *why = "write RCPT TO:<address>";
	unsigned allowed = s->config->without & WITHOUT_DSN ? 0 : PARAMS_NOTIFY | PARAMS_ORCPT;
	enum reply_id refusal = check_state(s);
	if (refusal != REPLY_NONE)
		session_say(s, refusal);
	else if (!command_path(command->args, SPAN("TO:"), &path) || !address_parse_path(path, &rcpt, &rest, &why))
		session_reply(s, REPLY_BAD_RECIPIENT, span_of(why), (struct span){0});
	else if (!rcpt.text.len)
		session_reply(s, REPLY_BAD_RECIPIENT, SPAN("<> can't be a recipient"), (struct span){0});
	else if (session_params(s, rest, allowed, &params))
		decide_and_show(s, &rcpt, &params.rcpt);
}
