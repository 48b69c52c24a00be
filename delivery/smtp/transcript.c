#include "delivery/smtp/transcript.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/net/net.h"

enum { SESSIONS_A_PROCESS = 1 << 20, CODE_LEN = 3, CRLF_LEN = 2 };

static void show(const struct transcript *t, enum transcript_by by, struct span text)
{
	if (t->witness)
		t->witness->show(t->witness->context, by, text);
}

static void show_octets(const struct transcript *t, const char *what, uint64_t octets)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "(%s, %llu octets)", what, (unsigned long long)octets);
	show(t, TRANSCRIPT_BY_US, (struct span){text, (size_t)len});
}

/* A challenge may help to recover our password. */
static struct span without_challenge(struct span line)
{
	return line.len > CODE_LEN && span_starts(line, SPAN("334")) ? (struct span){line.at, CODE_LEN} : line;
}

static void show_connected(const struct transcript *t, struct span name)
{
	char text[400];
	if (!t->witness)
		return;
	int len = snprintf(text, sizeof(text), "connected to %.*s", (int)(name.len < 380 ? name.len : 380), name.at);
	show(t, TRANSCRIPT_BY_NEITHER, (struct span){text, (size_t)len});
}

void transcript_connected(struct transcript *t, int fd, const struct ipaddr *ip, uint16_t port, struct span name)
{
	struct sockaddr_storage address = {0};
	struct ipaddr ours;
	socklen_t len = sizeof(address);
	show_connected(t, name);
	if (!t->writer)
		return;
	t->session = (uint64_t)getpid() * SESSIONS_A_PROCESS + ++t->writer->sessions % SESSIONS_A_PROCESS;
	t->name = name;
	t->peer_port = port;
	t->lines = t->octets = 0;
	t->said_ms = clock_mono_ms();
	t->ours[0] = '\0';
	ipaddr_format(ip, t->peer);
	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
		net_address(&address, &ours, &t->our_port);
		ipaddr_format(&ours, t->ours);
	}
}

static void record(struct transcript *t, struct wire_record *r)
{
	r->time_ms = (uint64_t)clock_wall_ms();
	r->outbound = true;
	r->session = t->session;
	r->peer = span_of(t->peer);
	r->peer_port = t->peer_port;
	r->ours = span_of(t->ours);
	r->our_port = t->our_port;
	r->name = t->name;
	record_add(t->writer, r);
}

void transcript_said(struct transcript *t, struct span commands)
{
	struct span line;
	if (!t->writer && !t->witness)
		return;
	while (span_line(&commands, &line)) {
		struct span rest = line;
		struct wire_record r = {.octets_out = line.len + CRLF_LEN};
		r.verb = span_take(&rest, ' ');
		r.argument = rest;
		/* A password may follow the name of the mechanism. */
		if (span_equal(r.verb, SPAN("AUTH")))
			r.argument.len = span_find(rest, ' ');
		show(t, TRANSCRIPT_BY_US,
		     r.argument.len ? (struct span){line.at, r.verb.len + 1 + r.argument.len} : r.verb);
		if (span_equal(line, SPAN(".")))
			r.verb = SPAN("DATA");
		if (t->writer)
			record(t, &r);
	}
	t->said_ms = clock_mono_ms();
}

void transcript_answered(struct transcript *t, uint64_t octets)
{
	show_octets(t, "credentials", octets);
	if (!t->writer)
		return;
	record(t, &(struct wire_record){.verb = SPAN("AUTH"), .octets_out = octets});
	t->said_ms = clock_mono_ms();
}

void transcript_sent_text(struct transcript *t, uint64_t octets)
{
	show_octets(t, "the message", octets);
	if (!t->writer)
		return;
	record(t, &(struct wire_record){.verb = SPAN("DATA"), .octets_out = octets});
	t->said_ms = clock_mono_ms();
}

void transcript_heard(struct transcript *t, struct span line)
{
	show(t, TRANSCRIPT_BY_HOST, without_challenge(line));
	if (!t->writer)
		return;
	if (!t->lines++) {
		t->first_len = line.len < sizeof(t->first) ? line.len : sizeof(t->first);
		memcpy(t->first, line.at, t->first_len);
	}
	t->octets += line.len + CRLF_LEN;
	if (line.len > CODE_LEN && line.at[CODE_LEN] == '-')
		return;
	if (t->first_len > CODE_LEN && span_starts((struct span){t->first, t->first_len}, SPAN("334")))
		t->first_len = CODE_LEN;
	struct wire_record r = {.argument = {t->first, t->first_len}, .octets_in = t->octets};
	size_t code_len = t->first_len < CODE_LEN ? t->first_len : CODE_LEN;
	if (!span_to_u64((struct span){t->first, code_len}, 999, &r.code))
		r.code = 0;
	r.text = span_skip(r.argument, CODE_LEN + 1);
	int64_t took = clock_mono_ms() - t->said_ms;
	r.took_ms = took < UINT32_MAX ? (uint64_t)took : UINT32_MAX;
	record(t, &r);
	t->lines = t->octets = 0;
}

void transcript_flush(struct transcript *t)
{
	if (t->writer)
		record_flush(t->writer);
}
