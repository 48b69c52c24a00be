#include "smtpd/session/cmd.h"

/* DATA: text up to CRLF . CRLF */

static enum reply_id check_state(const struct session *s)
{
	switch (s->state) {
	case SESSION_START:
		return REPLY_HELLO_FIRST;
	case SESSION_READY:
		return REPLY_NEED_SENDER;
	case SESSION_MAIL:
		return REPLY_NEED_RECIPIENT;
	case SESSION_BDAT:
		return REPLY_MIXED_DATA;
	default:
		return REPLY_NONE;
	}
}

void cmd_data(struct session *s, const struct command *command)
{
	enum reply_id refusal = check_state(s);
	if (refusal == REPLY_NONE && command->args.len) {
		session_reply(s, REPLY_BAD_ARGUMENT, SPAN("DATA has none"), (struct span){0});
	} else if (refusal != REPLY_NONE) {
		session_say(s, refusal);
	} else if ((refusal = session_message_begin(s, false)) != REPLY_NONE) {
		session_say(s, refusal);
		session_reset(s);
	} else {
		s->state = SESSION_DATA;
		session_say(s, REPLY_START_INPUT);
	}
}

/* A refused message is read to its end, up to a limit. */
static bool goes_on_too_long(const struct transaction *tx)
{
	return tx->refusal != REPLY_NONE && tx->octets > LIMIT_SKIP &&
	       tx->octets - LIMIT_SKIP > tx->limits.message_octets;
}

size_t cmd_data_octets(struct session *s, struct span octets)
{
	size_t taken = transaction_text(&s->tx, octets);
	if (s->tx.dot.ended) {
		session_message_end(s);
	} else if (goes_on_too_long(&s->tx)) {
		session_say(s, s->tx.refusal);
		session_close(s);
	}
	return taken;
}
