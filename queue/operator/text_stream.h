/* Sends the text of a file of any size to mailrootctl, in pieces, as fast as it is read. */
#ifndef QUEUE_OPERATOR_TEXT_STREAM_H
#define QUEUE_OPERATOR_TEXT_STREAM_H

#include <sys/types.h>

#include "common/base/str.h"

struct text_stream {
	int fd; /* owned; 0 = none */
	off_t at;
	bool failed; /* it can't be read to its end */
};

/* Begins to send FD, which is owned from now on. */
void text_stream_open(struct text_stream *s, int fd);

/* Appends as many pieces as TO has room for (report_text). False at the end of the file, or when it can't be read. */
bool text_stream_go_on(struct text_stream *s, struct str *to);

/* Closes the file, if one is open. */
void text_stream_close(struct text_stream *s);

#endif
