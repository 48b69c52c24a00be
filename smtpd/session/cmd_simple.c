#include "smtpd/session/cmd.h"
#include "smtpd/session/filtering.h"

/*
 * RSET NOOP VRFY HELP QUIT: one reply each, whatever the arguments. VRFY does not reveal which mailboxes exist (RFC
 * 5321 7.3).
 */

void cmd_simple(struct session *s, const struct command *command)
{
	switch (command->verb) {
	case COMMAND_RSET:
		session_reset(s);
		session_say(s, REPLY_RESETTING);
		break;
	case COMMAND_VRFY:
		session_say(s, REPLY_VERIFY);
		break;
	case COMMAND_HELP:
		session_say(s, REPLY_HELP);
		break;
	case COMMAND_QUIT:
		s->quit = true;
		session_say(s, REPLY_BYE);
		session_close(s);
		break;
	default:
		session_say(s, REPLY_OK);
	}
}

void cmd_unknown(struct session *s, const struct command *command)
{
	(void)command;
	enum reply_id refusal = filtering_unknown(s);
	session_say(s, refusal == REPLY_NONE ? REPLY_UNRECOGNIZED : refusal);
}
