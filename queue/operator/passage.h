/* The text of a file on its way to mailrootctl, in pieces as the reader takes them: whatever its size. */
#ifndef QUEUE_OPERATOR_PASSAGE_H
#define QUEUE_OPERATOR_PASSAGE_H

#include <sys/types.h>

#include "common/base/str.h"

struct passage {
	int fd; /* owned; 0 = none */
	off_t at;
	bool failed; /* it could not be read to its end */
};

/* FD is owned from now on. */
void passage_open(struct passage *p, int fd);

/* Appends what TO has room for now, as rows are. False: that was all. */
bool passage_go_on(struct passage *p, struct str *to);

/* Harmless when none is open. */
void passage_close(struct passage *p);

#endif
