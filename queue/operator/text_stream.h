/* Sends the text of a file of any size to mailrootctl, in pieces, as fast as it is read. */
#ifndef QUEUE_OPERATOR_TEXT_STREAM_H
#define QUEUE_OPERATOR_TEXT_STREAM_H

#include <sys/types.h>

#include "common/spool/sent_header.h"

struct text_stream {
	int fd; /* owned; 0 = none */
	off_t at;
	bool failed;       /* it can't be read to its end */
	struct str header; /* what comes before the file from `at` on */
	size_t header_sent;
	const char *note; /* for the reader, beside the text; NULL = none */
};

/* Begins to send FD, which is owned from now on. */
void text_stream_open(struct text_stream *s, int fd);

/* Begins to send TEXT, whose file is owned from now on, with its header as RULE wants it. */
void text_stream_open_sent(struct text_stream *s, struct message_text *text, const struct send_as *rule);

/* Appends as many pieces as TO has room for (report_text). False at the end of the file, or when it can't be read. */
bool text_stream_go_on(struct text_stream *s, struct str *to);

/* Closes the file, if one is open. */
void text_stream_close(struct text_stream *s);

#endif
