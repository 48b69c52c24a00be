/*
 * Parses one line of the service's log, from syslog, journalctl or a file. Text from other hosts is between quotes or
 * brackets that it can't close. Pure.
 *
 *	<6>mailroot-smtpd[main]: id=... client=192.0.2.7 from=<a@b.test> status=accepted
 *	2026-11-21T01:00:00+0000 host mailrootd[812]: mailroot-queue[main]: id=... status=delayed code=451 text="..."
 *	Nov 21 01:00:00 host mailroot-queue/main[815]: id=...
 */
#ifndef CTL_LOGLINE_H
#define CTL_LOGLINE_H

#include <stdbool.h>

#include "common/base/span.h"

enum { LOGLINE_FIELDS_MAX = 24, LOGLINE_HOUR_MAX = 16 };

struct logline_field {
	struct span name, value; /* without the quotes or brackets */
};

struct logline {
	struct span time;    /* as in the line; empty = none */
	struct span program; /* "mailroot-smtpd" */
	struct span server;  /* empty = no virtual server */
	struct span text;
	struct logline_field fields[LOGLINE_FIELDS_MAX];
	size_t field_count;
};

/* False: not a line of Mailroot. */
bool logline_parse(struct span line, struct logline *out);

/* The value of a field; empty = there is none. */
struct span logline_get(const struct logline *line, const char *name);

/* The hour of the line's time, "2026-11-21 01h" or "Nov 21 01h"; "" without a time. TO holds LOGLINE_HOUR_MAX. */
void logline_hour(const struct logline *line, char *to);

#endif
