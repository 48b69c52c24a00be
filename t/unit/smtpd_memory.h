/*
 * Replaces network and disk for tests and fuzzers of smtpd: a store in memory, a client that is a string of octets, a
 * configuration from text. The clock stands still unless a test moves it.
 */
#ifndef T_UNIT_SMTPD_MEMORY_H
#define T_UNIT_SMTPD_MEMORY_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "smtpd/session/session.h"

enum { MEMORY_MAX = 128 << 20 };

struct memory_store {
	struct str current;  /* the text of the open message that is written */
	struct str replaced; /* while `replacing`: the one that it replaces */
	struct str last;     /* the newest message that was committed */
	bool open, replacing;
	bool full;               /* no space */
	const char *full_domain; /* a mailbox with only ROOM octets left; NULL = none */
	struct fullness_room room;
	unsigned begun, stored;
	int begin_error, write_error, read_error, replace_error, commit_error; /* -errno to fail with */
	int64_t wall_ms;
};

static inline int memory_space(void *context, int64_t floor, uint64_t size)
{
	(void)floor;
	(void)size;
	return ((struct memory_store *)context)->full ? -ENOSPC : 0;
}

static inline int memory_begin(void *context, char id[MSGID_LEN + 1])
{
	struct memory_store *m = context;
	if (m->open)
		abort();
	snprintf(id, MSGID_LEN + 1, "%024u", m->begun);
	if (m->begin_error)
		return m->begin_error;
	m->begun++;
	m->open = true;
	m->replacing = false;
	str_clear(&m->current);
	return 0;
}

static inline int memory_write(void *context, struct span text)
{
	struct memory_store *m = context;
	if (!m->open)
		abort();
	return m->write_error ? m->write_error : str_append(&m->current, text) ? 0 : -28;
}

static inline int memory_read(void *context, uint64_t at, char *to, size_t size, size_t *got)
{
	const struct memory_store *m = context;
	if (!m->open)
		abort();
	struct span rest = span_skip(str_span(m->replacing ? &m->replaced : &m->current), at);
	*got = rest.len < size ? rest.len : size;
	if (*got)
		memcpy(to, rest.at, *got);
	return m->read_error;
}

static inline void memory_swap(struct memory_store *m)
{
	struct str text = m->current;
	m->current = m->replaced;
	m->replaced = text;
}

static inline int memory_replace_begin(void *context)
{
	struct memory_store *m = context;
	if (!m->open || m->replacing)
		abort();
	memory_swap(m);
	str_clear(&m->current);
	m->replacing = true;
	return m->replace_error;
}

static inline int memory_replace_end(void *context, bool take)
{
	struct memory_store *m = context;
	if (!m->open || !m->replacing)
		abort();
	if (!take)
		memory_swap(m);
	m->replacing = false;
	return 0;
}

static inline int memory_commit(void *context)
{
	struct memory_store *m = context;
	if (!m->open || m->replacing)
		abort();
	m->open = false;
	if (m->commit_error)
		return m->commit_error;
	str_clear(&m->last);
	str_append(&m->last, str_span(&m->current));
	m->stored++;
	return 0;
}

static inline void memory_abort(void *context)
{
	struct memory_store *m = context;
	if (!m->open)
		abort();
	m->open = false;
}

static inline struct fullness_room memory_room(void *context, struct span domain)
{
	const struct memory_store *m = context;
	bool bound = m->full_domain && span_equal(domain, span_of(m->full_domain));
	return bound ? m->room : FULLNESS_UNBOUND;
}

static inline int64_t memory_wall_ms(void *context)
{
	return ((struct memory_store *)context)->wall_ms;
}

static inline struct store memory_store_init(struct memory_store *m)
{
	memset(m, 0, sizeof(*m));
	str_init(&m->current, MEMORY_MAX);
	str_init(&m->replaced, MEMORY_MAX);
	str_init(&m->last, MEMORY_MAX);
	return (struct store){
		.context = m,
		.space = memory_space,
		.room = memory_room,
		.begin = memory_begin,
		.write = memory_write,
		.read = memory_read,
		.replace_begin = memory_replace_begin,
		.replace_end = memory_replace_end,
		.commit = memory_commit,
		.abort = memory_abort,
		.wall_ms = memory_wall_ms,
	};
}

static inline void memory_store_free(struct memory_store *m)
{
	str_free(&m->current);
	str_free(&m->replaced);
	str_free(&m->last);
}

static inline struct config_tree *memory_tree(const char *global, const char *lines, struct config_report *report)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_printf(&text, "%s\nvirtual_server test {\nfqdn mail.example.com\ndefault_domain example.com\n%s\n}\n",
		   global, lines);
	struct config_tree *tree = config_read_text("test.conf", str_span(&text), report);
	str_free(&text);
	return tree;
}

/* A server with LINES in its block, and a name and a default domain. Ends the process with the report if it has
 * errors. */
static inline void memory_config(const char *lines, struct config *out)
{
	struct config_report report = {0};
	str_init(&report.text, 1 << 20);
	struct config_tree *tree = memory_tree("", lines, &report);
	memset(out, 0, sizeof(*out));
	if (!tree || !config_build(tree, "host.example.com", out, &report)) {
		fprintf(stderr, "%s\n", str_text(&report.text));
		abort();
	}
	config_tree_free(tree);
	str_free(&report.text);
}

/* The same as master would hand it to smtpd, with GLOBAL above the block. */
static inline void memory_canonical(const char *global, const char *lines, struct str *to)
{
	struct config_report report = {0};
	str_init(&report.text, 1 << 20);
	str_init(to, 1 << 20);
	struct config_tree *tree = memory_tree(global, lines, &report);
	config_tree_write(tree, "host.example.com", "test", ROLE_SMTPD, to);
	config_tree_free(tree);
	str_free(&report.text);
}

/* As the driver does when a client has connected, or XCLIENT has named another one. */
static inline void memory_greet(struct session *s)
{
	if (session_admits(s))
		session_greet(s);
}

static inline size_t memory_feed_line(struct session *s, struct span in)
{
	size_t end = span_find(in, '\n');
	bool crlf = end > 0 && in.at[end - 1] == '\r';
	struct span line = {in.at, end - crlf};
	if (end == in.len)
		return 0;
	if (line.len > session_line_max(s))
		session_line_too_long(s);
	else
		session_line(s, line, !crlf || span_find(line, '\r') < line.len);
	return end + 1;
}

/*
 * Feeds IN, at most PIECE octets of a message at a time, and moves the replies to OUT. Stops at the end of the session
 * and before an incomplete line. Returns the number of octets taken.
 */
static inline size_t memory_feed(struct session *s, struct span in, size_t piece, struct str *out)
{
	size_t at = 0;
	for (;;) {
		struct span rest = span_skip(in, at);
		size_t taken = 0;
		if (session_wants(s) == SESSION_WANTS_GREETING)
			memory_greet(s);
		str_append(out, str_span(&s->out));
		str_clear(&s->out);
		if (rest.len && session_wants(s) == SESSION_WANTS_LINE)
			taken = memory_feed_line(s, rest);
		else if (rest.len && session_wants(s) == SESSION_WANTS_OCTETS)
			taken = session_octets(s, (struct span){rest.at, rest.len < piece ? rest.len : piece});
		if (!taken)
			return at;
		at += taken;
	}
}

static inline struct ipaddr memory_address(const char *text)
{
	struct ipaddr ip;
	if (!ipaddr_parse(span_of(text), &ip))
		abort();
	return ip;
}

#endif
