#include "delivery/smtp/lines.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/ipc/counters.h"
#include "delivery/smtp/secure.h"

enum { UNSENT_MS = 1 /* wait for a reply sent before a send failed: it is there already, or never comes */ };

/* The answer to a challenge is secret: it is not logged, and is wiped from memory. */
static void forget_secret(struct client *c, struct span sent)
{
	if (span_starts(sent, SPAN("AUTH ")))
		transcript_said(&c->transcript, sent);
	else
		transcript_answered(&c->transcript, sent.len);
	explicit_bzero(c->stream.out, STREAM_OUT);
	explicit_bzero(c->dialogue.out.at, c->dialogue.out.len);
}

void lines_send(struct client *c)
{
	struct span sent = str_span(&c->dialogue.out);
	if (!sent.len)
		return;
	enum stream_result result = stream_write(&c->stream, sent);
	if (result == STREAM_OK)
		result = stream_flush(&c->stream);
	if (result != STREAM_OK)
		lines_unsent(c, result == STREAM_TIMEOUT ? ETIMEDOUT : errno);
	if (c->dialogue.state == DIALOGUE_AUTH)
		forget_secret(c, sent);
	else
		transcript_said(&c->transcript, sent);
	str_clear(&c->dialogue.out);
}

void lines_unsent(struct client *c, int err)
{
	if (!c->unsent)
		c->unsent = err;
}

/*
 * Only some of the replies to pipelined commands came: a host with Nagle's algorithm holds the others back until our
 * ACK, which the kernel would delay by 40 ms.
 */
static void hurry(const struct client *c)
{
	int on = 1;
	bool more = c->dialogue.can.pipelining &&
		    (c->dialogue.state == DIALOGUE_RCPT || c->dialogue.state == DIALOGUE_DATA);
	if (more && !stream_pending(&c->stream))
		setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/*
 * No line will come any more; ERR is the errno of RESULT. A last line without line end still counts as text of the
 * host.
 */
static enum dialogue_next lose_host(struct client *c, enum stream_result result, int err)
{
	char why[200] = "";
	struct span rest;
	count(COUNTER_CONNECTION_LOST_OUT);
	if (stream_pending(&c->stream) && stream_peek(&c->stream, &rest) == STREAM_OK)
		dialogue_remnant(&c->dialogue, rest);
	/* The host's TLS alert says more than the reset that followed it. */
	bool alerted = result == STREAM_ERROR && err == EPROTO;
	if (c->unsent && !alerted)
		snprintf(why, sizeof(why), N_("could not send: %s"), secure_reason(c, c->unsent));
	else if (result == STREAM_ERROR)
		snprintf(why, sizeof(why), "%s", secure_reason(c, err));
	bool late = result == STREAM_TIMEOUT && !c->unsent;
	return dialogue_broken(&c->dialogue, late ? DIALOGUE_TIMEOUT : DIALOGUE_LOST, span_of(why));
}

enum dialogue_next lines_read(struct client *c)
{
	struct span line;
	bool bare;
	hurry(c);
	if (!stream_pending(&c->stream))
		transcript_flush(&c->transcript);
	if (c->unsent)
		stream_deadline(&c->stream, UNSENT_MS);
	enum stream_result result = stream_line(&c->stream, REPLY_LINE_MAX, &line, &bare);
	if (result == STREAM_TOO_LONG)
		return dialogue_broken(&c->dialogue, DIALOGUE_GARBLED, SPAN(N_("a line without end")));
	if (result != STREAM_OK)
		return lose_host(c, result, errno);
	if (line.len)
		transcript_heard(&c->transcript, line);
	return dialogue_line(&c->dialogue, line);
}
