#include "ctl/alerts/submit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/dot.h"
#include "common/mail/reply.h"
#include "common/net/stream.h"

enum { SUBMIT_LINE_MAX = 2048 };

struct submitting {
	struct stream stream;
	struct reply reply;
	char *said;
};

static bool fail(struct submitting *s, enum stream_result result, const char *after)
{
	static const char *const reasons[] = {
		[STREAM_OK] = "an invalid reply",        [STREAM_EOF] = "the host closed the connection",
		[STREAM_TIMEOUT] = "no reply in time",   [STREAM_TOO_LONG] = "a line that is too long",
		[STREAM_ERROR] = "the connection broke",
	};
	snprintf(s->said, SUBMIT_SAID_MAX, "after %s: %s", after, reasons[result]);
	return false;
}

/* Reads the reply to AFTER, and whether its first digit is CLASS. */
static bool expect(struct submitting *s, const char *after, int class)
{
	memset(&s->reply, 0, sizeof(s->reply));
	while (!s->reply.complete) {
		struct span line;
		bool bare;
		enum stream_result result = stream_line(&s->stream, SUBMIT_LINE_MAX, &line, &bare);
		if (result != STREAM_OK || !reply_add_line(&s->reply, line))
			return fail(s, result, after);
	}
	snprintf(s->said, SUBMIT_SAID_MAX, "after %s: %d %.300s", after, s->reply.code, s->reply.text);
	return s->reply.code / 100 == class;
}

/* Sends VERB with the argument BEFORE TEXT BEHIND, and reads the reply. A failed send shows as a missing reply. */
static bool command(struct submitting *s, const char *verb, const char *before, const char *text, const char *behind,
		    int class)
{
	char line[600];
	snprintf(line, sizeof(line), "%s%s%.500s%s\r\n", verb, before, text, behind);
	stream_write(&s->stream, span_of(line));
	return expect(s, verb, class);
}

static bool send_text(struct submitting *s, struct span mail)
{
	struct dot_writer writer = {0};
	char *text = malloc(2 * mail.len + 2), end[5];
	if (!text) {
		snprintf(s->said, SUBMIT_SAID_MAX, "out of memory");
		return false;
	}
	stream_write(&s->stream, (struct span){text, dot_write(&writer, mail, text)});
	stream_write(&s->stream, (struct span){end, dot_write_end(&writer, end)});
	free(text);
	return expect(s, "the text", 2);
}

static bool greet(struct submitting *s, const char *helo)
{
	if (!expect(s, "connecting", 2))
		return false;
	return command(s, "EHLO", " ", helo, "", 2) ||
	       (s->reply.code / 100 == 5 && command(s, "HELO", " ", helo, "", 2));
}

bool submit(int fd, const struct submission *what, int64_t ms, char *said)
{
	struct submitting s = {.said = said};
	if (!stream_init(&s.stream, fd, ms)) {
		snprintf(said, SUBMIT_SAID_MAX, "out of memory");
		return false;
	}
	stream_deadline(&s.stream, ms);
	bool sent = greet(&s, what->helo) && command(&s, "MAIL", " FROM:<", what->from, ">", 2) &&
		    command(&s, "RCPT", " TO:<", what->to, ">", 2) && command(&s, "DATA", "", "", "", 3) &&
		    send_text(&s, what->mail);
	stream_write(&s.stream, SPAN("QUIT\r\n"));
	stream_flush(&s.stream);
	stream_free(&s.stream);
	return sent;
}
