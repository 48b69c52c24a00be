/*
 * The journal of a message, cur/ID.log: one line per event, appended, the newline last. Pure. A line:
 *
 * 2026-11-21T01:00:00Z 0-4 delayed 451 4.3.0 mx.example.net[192.0.2.1]:25 text of the host to the end of the line
 *
 * time, recipients (an ordinal of the envelope from 0, or a range; "*" = all), event, reply code (0 = none), enhanced
 * code ("-" = none), the host that replied ("-" = this server), text. A torn last line (without newline) does not
 * count.
 */
#ifndef COMMON_MAIL_JOURNAL_H
#define COMMON_MAIL_JOURNAL_H

#include "common/base/str.h"
#include "common/mail/reply.h"

enum journal_event {
	JOURNAL_DELIVERED, /* final; by this server when there is no host */
	JOURNAL_DELAYED,   /* will be tried again */
	JOURNAL_FAILED,    /* final; a notice is due unless the sender wants none */
	JOURNAL_NOTICED,   /* final; the notice is in the spool (or none was due) */
	JOURNAL_DELETED,   /* final; by an operator */
	JOURNAL_RETRY,     /* an operator asked for an attempt now */
	JOURNAL_RELAYED,   /* final; the host that took it sends no notices, and the sender wants one of success */
	JOURNAL_WARNED,    /* the sender was told of the delay; tries continue */
	JOURNAL_HELD,      /* by an operator or a filter: no attempt until... */
	JOURNAL_RELEASED,  /* ... an operator releases it */
	JOURNAL_RESENT,    /* sent again from badmail/: recipients without the message are open again, and nothing was
			      tried yet */
	JOURNAL_IMPORTED,  /* from an export of another queue, where it had the id of the text */
	JOURNAL_EVENT_COUNT
};

enum { JOURNAL_LINE_MAX = 1200, JOURNAL_HOST_MAX = 300 };

struct journal_line {
	int64_t wall_ms;
	uint32_t first, last; /* recipients; 0 and UINT32_MAX = all */
	enum journal_event event;
	int code;
	struct enhanced enhanced;
	struct span host; /* empty = this server */
	struct span text;
};

const char *journal_event_name(enum journal_event event);

/* Appends the line with its newline; host and text are cleaned and cut. */
void journal_format(const struct journal_line *line, struct str *to);

/* Parses one line without newline. False: it is not a journal line. */
bool journal_parse(struct span text, struct journal_line *out);

/* The length of TEXT up to and including its last newline: the valid part of a journal. */
size_t journal_whole(struct span text);

#endif
