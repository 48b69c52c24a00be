#include "smtpd/session/cmd.h"

/*
 * STARTTLS (RFC 3207). A handshake follows the reply: the driver discards what came in clear with the command. A client
 * to which STARTTLS was not offered gets 502, as from Postfix.
 */

static enum reply_id check(const struct session *s, const struct command *command)
{
	if (s->tls.on)
		return REPLY_TLS_TWICE;
	if (!s->tls.offered)
		return REPLY_NO_TLS;
	if (command->args.len)
		return REPLY_NO_ARGUMENT;
	return s->state == SESSION_START || s->state == SESSION_READY ? REPLY_NONE : REPLY_TLS_IN_MESSAGE;
}

void cmd_starttls(struct session *s, const struct command *command)
{
	enum reply_id refusal = check(s, command);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		return;
	}
	session_say(s, REPLY_GO_SECURE);
	s->state = SESSION_STARTTLS;
}
