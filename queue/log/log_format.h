/*
 * One record of the transaction log as a line. Pure, but for the time zone of tzset(). Whatever a record holds, a line
 * is printable ASCII, ends in a line feed and has no other, and has the fields of its format and no more:
 *
 *	w3c    blank = "+", nothing = "-", what is not printable = \xNN; UTC
 *	iis    comma and what is not printable = \xNN, nothing = "-"; local time
 *	ncsa   quote and what is not printable = \xNN, nothing = "-"; local time
 *	json   an object; what is not printable = \u00NN; UTC
 *
 * cs-username is the name in HELO; of what we said to another host OutboundConnectionCommand, of what it answered
 * OutboundConnectionResponse, as the Windows service wrote it.
 */
#ifndef QUEUE_LOG_LOG_FORMAT_H
#define QUEUE_LOG_LOG_FORMAT_H

#include "common/config/config.h"
#include "common/ipc/wire.h"

/* Every octet of the longest record as four to six, and the rest. */
enum { LOG_FORMAT_LINE_MAX = 20 * 1024 };

struct log_format {
	enum config_log_format format; /* not CONFIG_LOG_OFF */
	unsigned fields;               /* of w3c: (1 << enum config_log_field) */
	const char *site;              /* name of the virtual server */
	const char *computer;          /* name of the host */
};

void log_format_record(const struct log_format *f, const struct wire_record *record, struct str *to);

/* The lines in front of a file, and of what follows a restart. Nothing where the format has none. */
void log_format_header(const struct log_format *f, int64_t now_ms, struct str *to);

/* Says that COUNT records were lost: a remark where the format has remarks, a record with the verb LOST elsewhere. */
void log_format_lost(const struct log_format *f, uint64_t count, int64_t now_ms, struct str *to);

#endif
