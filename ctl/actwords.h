/* What is said of an action on messages of a queue (enum row_action), before and after it. */
#ifndef CTL_ACTWORDS_H
#define CTL_ACTWORDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/ipc/rows.h"

/* The cells of ROW_COUNT. */
enum actwords_count { ACTWORDS_DONE, ACTWORDS_IN_HAND, ACTWORDS_ALREADY, ACTWORDS_FAILED, ACTWORDS_COUNTS };

enum { ACTWORDS_MAX = 400 };

struct actwords {
	enum row_action action;
	const char *will;    /* what will happen to messages */
	const char *done;    /* what happened to them */
	const char *already; /* why nothing was needed or possible, with a command that helps */
	const char *next;    /* what to look at next */
};

/* Texts are marked with N_(). NULL: no queue takes ACTION. */
const struct actwords *actwords_find(enum row_action action);

/* "12 messages will be tried again now."; TO holds ACTWORDS_MAX, as below. */
void actwords_will(const struct actwords *words, uint64_t count, char *to);

/* Why there is nothing to do for messages of which ALREADY are as they should be. */
void actwords_nothing(const struct actwords *words, uint64_t already, char *to);

/* "12 held. 1 of 13 is being delivered just now and not changed." */
void actwords_done(const struct actwords *words, const uint64_t counts[ACTWORDS_COUNTS], char *to);

#endif
