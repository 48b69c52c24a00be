/* Completion of a command line, for the shell: `mailrootctl --complete WORD ...`. */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include <stddef.h>

/* Names that only the running service knows. */
enum complete_live {
	COMPLETE_NONE,
	COMPLETE_SERVERS,
	COMPLETE_SESSIONS,
	COMPLETE_QUEUE,   /* ids of messages in the queue */
	COMPLETE_BADMAIL, /* ids of messages in badmail */
	COMPLETE_BLOCKS   /* outbound blocks with access tokens */
};

struct complete {
	void (*add)(void *context, const char *candidate); /* called for each candidate */
	void *context;
	const char *file;        /* result: -c of the command line, NULL = not given */
	enum complete_live live; /* result: these may stand there, too */
	const char *last;        /* result: what the last word begins with */
};

/*
 * Finds what may take the place of the last of WORDS, the N words after `mailrootctl`; what was typed of it so far may
 * be "". Pure.
 */
void complete_words(const char *const *words, size_t n, struct complete *complete);

/*
 * Prints what complete_words finds and what the service knows, one a line. The service has COMPLETE_DEADLINE_MS to
 * answer: the process ends then. Returns the exit status.
 */
enum { COMPLETE_DEADLINE_MS = 200 };
int complete_run(const char *const *words, size_t n);

#endif
