/*
 * Formats one record of the transaction log as a line. Pure, except for the time zone of tzset(). Whatever a record
 * contains, its line is printable ASCII with one line feed, at its end, and has exactly the fields of its format:
 *
 *	w3c    blank = "+", empty = "-", unprintable = \xNN; UTC
 *	iis    comma and unprintable = \xNN, empty = "-"; local time
 *	ncsa   quote and unprintable = \xNN, empty = "-"; local time
 *	json   an object; unprintable = \u00NN; UTC
 *
 * cs-username is the name in HELO. On outgoing connections it is OutboundConnectionCommand for our commands and
 * OutboundConnectionResponse for the replies, as in the logs of the Windows service.
 */
#ifndef QUEUE_LOG_LOG_FORMAT_H
#define QUEUE_LOG_LOG_FORMAT_H

#include "common/config/config.h"
#include "common/ipc/wire.h"

/* Octets: each octet of the longest record may become six. */
enum { LOG_FORMAT_LINE_MAX = 20 * 1024 };

struct log_format {
	enum config_log_format format; /* not CONFIG_LOG_OFF */
	unsigned fields;               /* for w3c: bits 1 << enum config_log_field */
	const char *site;              /* name of the virtual server */
	const char *computer;          /* name of the host */
};

/* Appends the line of RECORD. */
void log_format_record(const struct log_format *f, const struct wire_record *record, struct str *to);

/* Appends the header lines for a new file, or for an existing file after a restart. Only w3c has them. */
void log_format_header(const struct log_format *f, int64_t now_ms, struct str *to);

/* Appends that COUNT records were lost: a remark in w3c, a record with the verb LOST in other formats. */
void log_format_lost(const struct log_format *f, uint64_t count, int64_t now_ms, struct str *to);

#endif
