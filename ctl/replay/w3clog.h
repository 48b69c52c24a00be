/*
 * The W3C extended format, of IIS and of Mailroot: lines that begin with # say which fields the rows below have; they
 * may come anywhere in a file. The clock is UTC. Pure.
 *
 *	#Fields: date time c-ip cs-username cs-method cs-uri-query sc-status cs-bytes
 *	2006-10-09 05:00:16 192.0.2.7 printer RCPT +TO:<pam@example.com> 250 27
 */
#ifndef CTL_REPLAY_W3CLOG_H
#define CTL_REPLAY_W3CLOG_H

#include "ctl/replay/row.h"

enum { W3CLOG_FIELDS_MAX = 64 };

struct w3clog {
	unsigned char columns[W3CLOG_FIELDS_MAX]; /* of each value, the field of `struct row` that it fills */
	size_t count;                             /* fields; 0 = no #Fields yet */
	int64_t day_s;                            /* midnight of the row before, or ROW_NO_TIME */
	int64_t time_s;                           /* since midnight, of the row before */
};

/* DAY_S: the day that the name of the file says, or ROW_NO_TIME. */
void w3clog_init(struct w3clog *w3c, int64_t day_s);

/* Takes a line that begins with #. False with *why: the rows below it can't be read. */
bool w3clog_directive(struct w3clog *w3c, struct span line, const char **why);

/* False with *why: not a row of these fields. The spans point into LINE. */
bool w3clog_row(struct w3clog *w3c, struct span line, struct row *out, const char **why);

#endif
