/* Standard input, buffered. */
#ifndef SENDMAIL_INPUT_H
#define SENDMAIL_INPUT_H

#include "common/base/span.h"

enum { INPUT_MAX = 64 * 1024 };

struct input {
	int fd;
	int error; /* -errno of a read that failed; 0 = none */
	size_t at, end;
	char buffer[INPUT_MAX];
};

void input_init(struct input *input, int fd);

/* The buffered octets, at least one, valid until the next call; false at the end or after an error. */
bool input_peek(struct input *input, struct span *octets);
void input_taken(struct input *input, size_t n);

/*
 * The next line without its LF or CRLF, cut at INPUT_MAX octets (*cut: the rest is skipped). A last line without line
 * end counts. False at the end or after an error.
 */
bool input_line(struct input *input, struct span *line, bool *cut);

#endif
