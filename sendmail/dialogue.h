/*
 * sendmail -bs: SMTP on standard input and output, for programs that can do nothing else. It serves the user who
 * started it, so there is no relay check, no error limit and no time-out. Messages go to maildrop/ like all others.
 */
#ifndef SENDMAIL_DIALOGUE_H
#define SENDMAIL_DIALOGUE_H

#include "sendmail/input.h"
#include "sendmail/submit.h"

struct dialogue {
	struct submit *submit;
	struct input *input;
	int out_fd;
	const char *host;
	struct str out; /* unsent replies */
	bool greeted;
	bool mail; /* MAIL was accepted */
	bool over;
};

/* Runs until QUIT or the end of the input. Returns the exit status. */
int dialogue_run(struct submit *submit, struct input *input, int out_fd, const char *host);

#endif
