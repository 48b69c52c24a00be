#include <stdio.h>

#include "smtpd/session/cmd.h"

/* BDAT octets [LAST] (RFC 3030). The octets of a refused chunk are read and discarded, never run as commands. */

static enum reply_id check_state(const struct session *s)
{
	if (s->config->without & WITHOUT_CHUNKING)
		return REPLY_UNRECOGNIZED;
	switch (s->state) {
	case SESSION_START:
		return REPLY_HELLO_FIRST;
	case SESSION_READY:
		return REPLY_NEED_SENDER;
	case SESSION_MAIL:
		return REPLY_NEED_RECIPIENT;
	default:
		return REPLY_NONE;
	}
}

static enum reply_id check_chunk(struct session *s, uint64_t octets)
{
	enum reply_id refusal = check_state(s);
	if (refusal == REPLY_NONE && s->state == SESSION_RCPT)
		refusal = session_message_begin(s, true);
	if (refusal == REPLY_NONE && octets > s->tx.limits.message_octets - s->tx.octets)
		refusal = s->tx.limits.too_big;
	return refusal;
}

static void chunk_end(struct session *s)
{
	char octets[24];
	enum reply_id refusal = s->chunk.refusal;
	if (refusal == REPLY_NONE && s->chunk.last) {
		session_message_end(s);
		return;
	}
	if (refusal == REPLY_NONE)
		refusal = s->tx.refusal;
	if (refusal == REPLY_NONE) {
		s->state = SESSION_BDAT;
		snprintf(octets, sizeof(octets), "%llu", (unsigned long long)s->chunk.octets);
		session_reply(s, REPLY_CHUNK_OK, span_of(octets), (struct span){0});
		return;
	}
	s->state = s->chunk.after_refusal;
	session_say(s, refusal);
	session_reset(s);
}

void cmd_bdat(struct session *s, const struct command *command)
{
	struct session_chunk chunk = {.after_refusal = s->state == SESSION_START ? SESSION_START : SESSION_READY};
	if (!command_chunk(command->args, &chunk.octets, &chunk.last)) {
		session_say(s, REPLY_BAD_CHUNK);
		session_close(s);
		return;
	}
	chunk.left = chunk.octets;
	chunk.refusal = check_chunk(s, chunk.octets);
	if (chunk.refusal != REPLY_NONE && chunk.octets > LIMIT_SKIP) {
		session_say(s, chunk.refusal);
		session_close(s);
		return;
	}
	if (chunk.refusal != REPLY_NONE)
		transaction_reset(&s->tx);
	s->chunk = chunk;
	s->state = SESSION_CHUNK;
	if (!chunk.left)
		chunk_end(s);
}

size_t cmd_bdat_octets(struct session *s, struct span octets)
{
	if (octets.len > s->chunk.left)
		octets.len = (size_t)s->chunk.left;
	s->chunk.left -= octets.len;
	if (s->chunk.refusal == REPLY_NONE)
		transaction_text(&s->tx, octets);
	if (!s->chunk.left)
		chunk_end(s);
	return octets.len;
}
