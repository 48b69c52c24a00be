/* The text of a file on its way to mailrootctl, in pieces as the reader takes them: whatever its size. */
#ifndef QUEUE_OPERATOR_TEXT_STREAM_H
#define QUEUE_OPERATOR_TEXT_STREAM_H

#include <sys/types.h>

#include "common/base/str.h"

struct text_stream {
	int fd; /* owned; 0 = none */
	off_t at;
	bool failed; /* it could not be read to its end */
};

/* FD is owned from now on. */
void text_stream_open(struct text_stream *p, int fd);

/* Appends what TO has room for now, as rows are. False: that was all. */
bool text_stream_go_on(struct text_stream *p, struct str *to);

/* Harmless when none is open. */
void text_stream_close(struct text_stream *p);

#endif
