#include <stdio.h>

#include "smtpd/command.h"
#include "smtpd/session.h"

/*
 * What may stand in our Received line and in the log. The name is not looked up and decides nothing, so devices with
 * odd names or none at all are welcome, as they were with the Windows service.
 */
static bool name_valid(struct span name)
{
	if (name.len > LIMIT_HELO)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alnum && span_find(SPAN(".-_:[]/+*#&'!~$%="), c) == sizeof(".-_:[]/+*#&'!~$%=") - 1)
			return false;
	}
	return true;
}

static void append_extension(struct session *s, unsigned without, struct span keyword)
{
	if (!(s->config->without & without))
		replies_append_keyword(&s->out, keyword, false);
}

static void announce(struct session *s)
{
	int64_t size = s->config->messages.max_message_size;
	char size_keyword[32] = "SIZE";
	if (size != CONFIG_NONE)
		snprintf(size_keyword, sizeof(size_keyword), "SIZE %lld", (long long)size);
	append_extension(s, WITHOUT_SIZE, span_of(size_keyword));
	append_extension(s, WITHOUT_PIPELINING, SPAN("PIPELINING"));
	append_extension(s, WITHOUT_DSN, SPAN("DSN"));
	append_extension(s, WITHOUT_ENHANCEDSTATUSCODES, SPAN("ENHANCEDSTATUSCODES"));
	append_extension(s, WITHOUT_8BITMIME, SPAN("8BITMIME"));
	append_extension(s, WITHOUT_CHUNKING, SPAN("CHUNKING"));
	if (s->tls.offered)
		append_extension(s, 0, SPAN("STARTTLS"));
	cmd_auth_announce(s);
	cmd_etrn_announce(s);
	append_extension(s, 0, SPAN("VRFY"));
	append_extension(s, 0, SPAN("HELP"));
	replies_append_keyword(&s->out, SPAN("OK"), true);
}

void cmd_hello(struct session *s, const struct command *command)
{
	if (!name_valid(command->args)) {
		session_say(s, REPLY_BAD_HELLO);
		return;
	}
	span_copy(command->args, s->helo, sizeof(s->helo));
	s->esmtp = command->verb == COMMAND_EHLO;
	s->state = SESSION_READY;
	session_reset(s);
	enum reply_id id = s->esmtp ? REPLY_HELLO_EXTENDED : REPLY_HELLO;
	session_reply(s, id, span_of(s->config->fqdn), span_of(s->client_text));
	if (s->esmtp)
		announce(s);
}
