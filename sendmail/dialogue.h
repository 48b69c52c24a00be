/*
 * sendmail -bs: SMTP on standard input and output, for programs that know nothing else. It serves the user who started
 * it, so there is no relay check, no limit on errors and no time-out; messages go through the same door as all others.
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
	struct str out; /* replies that have not been sent */
	bool greeted;
	bool mail; /* MAIL was accepted */
	bool over;
};

/* Until QUIT or the end of the input. Returns the exit status. */
int dialogue_run(struct submit *submit, struct input *input, int out_fd, const char *host);

#endif
