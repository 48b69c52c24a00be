/* Why a message was refused: as text, exit status (sysexits.h), and SMTP reply. */
#ifndef SENDMAIL_FAILURE_H
#define SENDMAIL_FAILURE_H

#include "common/base/span.h"

enum { FAILURE_TEXT_MAX = 600 };

struct failure {
	int status; /* EX_...; 0 = none */
	char text[FAILURE_TEXT_MAX];
};

/* Sets both; returns false, so that the caller can return it. */
bool failure_set(struct failure *f, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Where an error occurred. */
enum failure_place {
	FAILURE_FOLDER,  /* the folder for mail */
	FAILURE_CONFIG,  /* the file of -C */
	FAILURE_INPUT,   /* standard input */
	FAILURE_PROGRAM, /* mailrootctl */
	FAILURE_PLACES
};

/*
 * The exit status of -ERR at PLACE: EX_TEMPFAIL where another try may help, otherwise the one that fits the cause.
 * Pure.
 */
int failure_status(enum failure_place place, int err);

/* Reply code and enhanced status code for STATUS, "451 4.3.0". */
const char *failure_reply(int status);

#endif
