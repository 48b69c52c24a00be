#include <stdio.h>

#include "smtpd/session/cmd.h"
#include "smtpd/session/filtering.h"

/* Characters that are harmless in our Received line and in a log. */
static bool is_harmless(char c)
{
	static const struct span marks = SPAN(".-_:[]/+*#&'!~$%=");
	bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return alnum || span_find(marks, c) < marks.len;
}

/*
 * The name is not looked up and decides nothing, so any name is accepted, even one that is no host name, or none, as by
 * the Windows service. Like Postfix, we write '?' for each octet that could break out of our Received line. A name is
 * cut at LIMIT_HELO.
 */
void cmd_hello_name(struct session *s, struct span name)
{
	size_t len = name.len < LIMIT_HELO ? name.len : LIMIT_HELO;
	for (size_t i = 0; i < len; i++)
		s->helo[i] = is_harmless(name.at[i]) ? name.at[i] : '?';
	s->helo[len] = '\0';
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
	cmd_xclient_announce(s);
	append_extension(s, 0, SPAN("VRFY"));
	append_extension(s, 0, SPAN("HELP"));
	replies_append_keyword(&s->out, SPAN("OK"), true);
}

void cmd_hello(struct session *s, const struct command *command)
{
	cmd_hello_name(s, command->args);
	s->esmtp = command->verb == COMMAND_EHLO;
	s->state = SESSION_READY;
	session_reset(s);
	enum reply_id refusal = filtering_hello(s);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		session_close(s);
		return;
	}
	enum reply_id id = s->esmtp ? REPLY_HELLO_EXTENDED : REPLY_HELLO;
	session_reply(s, id, span_of(s->config->fqdn), span_of(s->client_text));
	if (s->esmtp)
		announce(s);
}
