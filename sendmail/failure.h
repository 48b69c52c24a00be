/* Why a message was not taken: for people, for the exit status (sysexits.h), and for a reply to SMTP. */
#ifndef SENDMAIL_FAILURE_H
#define SENDMAIL_FAILURE_H

#include "common/base/span.h"

enum { FAILURE_TEXT_MAX = 600 };

struct failure {
	int status; /* EX_...; 0 = none */
	char text[FAILURE_TEXT_MAX];
};

/* Sets both; returns false, for the caller to return. */
bool failure_set(struct failure *f, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What an error was met at. */
enum failure_place {
	FAILURE_FOLDER,  /* where mail is put */
	FAILURE_CONFIG,  /* the file of -C */
	FAILURE_INPUT,   /* standard input */
	FAILURE_PROGRAM, /* mailrootctl */
	FAILURE_PLACES
};

/* The status of -ERROR at PLACE: EX_TEMPFAIL where trying again may help, else the one that says what to mend. Pure. */
int failure_status(enum failure_place place, int error);

/* Reply code and enhanced status code that say the same, "451 4.3.0". */
const char *failure_reply(int status);

#endif
