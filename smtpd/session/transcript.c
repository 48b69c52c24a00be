#include "smtpd/session/transcript.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "smtpd/session/command.h"
#include "smtpd/session/ends.h"

enum { SESSIONS_A_PROCESS = 1 << 20, CODE_LEN = 3, CRLF_LEN = 2, ARGUMENT_MAX = 64, CHALLENGE = 334 };

/* The fields of a record beside the session and its reply. */
struct what {
	struct span verb, argument;
	uint64_t octets;
};

void transcript_begin(struct transcript *t, struct record_writer *writer, int fd)
{
	*t = (struct transcript){.writer = writer, .fd = fd};
	if (writer)
		t->session = (uint64_t)getpid() * SESSIONS_A_PROCESS + ++writer->sessions % SESSIONS_A_PROCESS;
}

void transcript_heard(struct transcript *t)
{
	if (t->writer)
		t->began_ms = clock_mono_ms();
}

/* The code, and the text of the first line. Challenges are left out. */
static void split_reply(struct span reply, uint64_t *code, struct span *text)
{
	struct span line = {reply.at, span_find(reply, '\r')};
	if (!span_to_u64((struct span){line.at, line.len < CODE_LEN ? line.len : CODE_LEN}, 999, code))
		*code = 0;
	*text = span_skip(line, *code == CHALLENGE ? line.len : CODE_LEN + 1);
}

static void record(struct transcript *t, const struct session *s, const struct what *what)
{
	struct wire_record r = {
		.time_ms = (uint64_t)clock_wall_ms(),
		.session = t->session,
		.peer = span_of(s->client_text),
		.name = span_of(s->helo),
		.verb = what->verb,
		.argument = what->argument,
		.octets_in = what->octets,
		.octets_out = s->out.len,
	};
	if (!t->ends.daemon[0])
		t->ends = s->ends;
	if (!t->ends.daemon[0])
		ends_of_socket(&t->ends, t->fd);
	r.ours = span_of(t->ends.daemon);
	r.our_port = t->ends.daemon_port;
	r.peer_port = t->ends.client_port;
	int64_t took = t->began_ms ? clock_mono_ms() - t->began_ms : 0;
	r.took_ms = took < UINT32_MAX ? (uint64_t)took : UINT32_MAX;
	split_reply(str_span(&s->out), &r.code, &r.text);
	record_add(t->writer, &r);
}

static bool is_wanted(const struct transcript *t, const struct session *s)
{
	return t->writer && s->out.len && s->config->log.format != CONFIG_LOG_OFF;
}

void transcript_command(struct transcript *t, const struct session *s, struct span line)
{
	char verb[RECORD_VERB_MAX];
	struct span shown = command_shown(line, s->after_auth);
	struct span rest = shown, word = span_take(&rest, ' ');
	struct what what = {{verb, word.len}, span_trim(rest), line.len + CRLF_LEN};
	if (!is_wanted(t, s))
		return;
	if (word.len > sizeof(verb)) {
		what.verb.len = 0;
		what.argument = shown;
	}
	for (size_t i = 0; i < what.verb.len; i++)
		verb[i] = (char)toupper((unsigned char)word.at[i]);
	record(t, s, &what);
}

void transcript_text(struct transcript *t, const struct session *s, enum session_state before, uint64_t octets)
{
	char argument[ARGUMENT_MAX] = "";
	if (!is_wanted(t, s))
		return;
	if (before == SESSION_CHUNK)
		snprintf(argument, sizeof(argument), "%llu%s", (unsigned long long)s->chunk.octets,
			 s->chunk.last ? " LAST" : "");
	else
		snprintf(argument, sizeof(argument), "<%s>", s->tx.id);
	record(t, s, &(struct what){before == SESSION_CHUNK ? SPAN("BDAT") : SPAN("DATA"), span_of(argument), octets});
}

void transcript_event(struct transcript *t, const struct session *s, struct span verb)
{
	if (is_wanted(t, s))
		record(t, s, &(struct what){.verb = verb});
}

void transcript_flush(struct transcript *t)
{
	if (t->writer)
		record_flush(t->writer);
}
