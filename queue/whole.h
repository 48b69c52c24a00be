/*
 * The whole form of a message, for the time of an attempt: its envelope, what is known of each recipient, its jobs. One
 * allocation. Made from the message file and the journal; thrown away when the message waits.
 */
#ifndef QUEUE_WHOLE_H
#define QUEUE_WHOLE_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"
#include "queue/destination.h"

enum recipient_state {
	RECIPIENT_OPEN,    /* to be tried, or being tried */
	RECIPIENT_DELAYED, /* tried in this attempt, to be tried again */
	RECIPIENT_FAILED,  /* final, but a notice is due */
	RECIPIENT_DELIVERED,
	RECIPIENT_NOTICED,
	RECIPIENT_DELETED,
	RECIPIENT_STATE_COUNT
};

struct whole {
	struct message *message;
	struct address sender;
	struct address *rcpts;
	uint8_t *states; /* enum recipient_state */
	uint16_t *tries; /* failed attempts that the journal tells of */
	size_t rcpt_count;
	uint64_t octets; /* of the message proper, without its envelope lines */
	size_t counts[RECIPIENT_STATE_COUNT];
	struct job_list jobs; /* waiting and at workers */
	size_t job_count, out_count;
	int fd;                          /* the message, until its first job is sent; -1 = not open */
	int64_t hold_ms;                 /* a worker was lost: wait so long before what is open is tried again */
	int64_t failed_at_ms;            /* wall clock: the last failure without notice, for the notice's id */
	bool notice_delayed;             /* the notice could not be written */
	bool held;                       /* by an operator */
	bool peeked;                     /* made to be looked at only, by operate.c */
	struct destination *unreachable; /* that could not be reached in this attempt; not counted */
};

const char *recipient_state_name(enum recipient_state state);

/* ENVELOPE as a whole form without jobs, all recipients open; copies it, and marks M for selections. NULL without
 * memory. */
struct whole *whole_new(struct message *m, const struct envelope *envelope, struct span text);
void whole_free(struct whole *w); /* closes fd; the jobs must be gone */

void whole_set(struct whole *w, size_t rcpt, enum recipient_state state);

/* Takes one line of the journal. */
void whole_replay(struct whole *w, const struct journal_line *line);

/* Where the mail of recipient RCPT goes. */
void whole_route(const struct whole *w, size_t rcpt, const struct config_server *server, struct route *out);

/* Failed attempts of the open recipient that has most of them. */
unsigned whole_tries(const struct whole *w);

/* No recipient is left for whom something must be done. */
bool whole_done(const struct whole *w);

#endif
