#include "smtpd/session/cmd.h"

/*
 * STARTTLS (RFC 3207). What follows the reply is a handshake, or nothing: the driver throws away what has come with it
 * in clear. A client that was not offered it hears 502, as with Postfix.
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
