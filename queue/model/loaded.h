/*
 * A message that is loaded, for the time of an attempt: its envelope, what is known of each recipient, its jobs. One
 * allocation. Made from the message file and the journal; thrown away when the message waits.
 */
#ifndef QUEUE_MODEL_LOADED_H
#define QUEUE_MODEL_LOADED_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"
#include "queue/model/destination.h"

enum recipient_state {
	RECIPIENT_OPEN,      /* to be tried, or being tried */
	RECIPIENT_DELAYED,   /* tried in this attempt, to be tried again */
	RECIPIENT_FAILED,    /* final, but a notice is due */
	RECIPIENT_SUCCEEDED, /* final, but the sender wants to be told */
	RECIPIENT_DELIVERED,
	RECIPIENT_NOTICED,
	RECIPIENT_DELETED,
	RECIPIENT_STATE_COUNT
};

/* Of loaded.wishes: the sender knows that it is delayed. */
enum { LOADED_WARNED = 1 << 7 };

struct loaded {
	struct message *message;
	struct address sender;
	struct address *rcpts;
	uint8_t *states;  /* enum recipient_state */
	uint16_t *tries;  /* failed attempts that the journal tells of */
	uint32_t *late_s; /* how old the message was at the last of them */
	uint8_t *wishes;  /* enum dsn_notify, and LOADED_WARNED */
	size_t rcpt_count;
	uint64_t octets; /* of the message proper, without its envelope lines */
	size_t counts[RECIPIENT_STATE_COUNT];
	struct job_list jobs; /* waiting and at workers */
	size_t job_count, out_count;
	int fd;                          /* the message, until its first job is sent; -1 = not open */
	uint32_t routes;                 /* of the queue, when this attempt began */
	int64_t hold_ms;                 /* a worker was lost: wait so long before what is open is tried again */
	int64_t notice_at_ms;            /* wall clock: the last that the notice tells, for its id */
	int64_t notice_until_ms;         /* wall clock: when what is delayed will be given up, as it says */
	bool notice_first;               /* an attempt follows the notice, whose facts are of attempts before */
	int64_t next_try;                /* of the rest after that notice, wall clock; 0 = now */
	bool notice_delayed;             /* the notice could not be written */
	bool wants_success;              /* some recipient's delivery is to be told to the sender */
	bool held;                       /* by an operator */
	bool peeked;                     /* made to be looked at only, by operate.c */
	struct str last_lines;           /* of the verdict that ended it all; in no journal */
	struct destination *unreachable; /* that could not be reached in this attempt; not counted */
};

const char *recipient_state_name(enum recipient_state state);

/* ENVELOPE loaded without jobs, all recipients open; copies it, and marks M (marks.h). NULL without memory. */
struct loaded *loaded_new(struct message *m, const struct envelope *envelope);
void loaded_free(struct loaded *w); /* closes fd; the jobs must be gone */

/* W, with the open message file FD (owned), becomes what M is while its attempt runs. */
void loaded_keep(struct messages *all, struct message *m, struct loaded *w, int fd);

/* The open message file of W, which the caller owns from now on; -1 = it is not open. */
int loaded_take_file(struct messages *all, struct loaded *w);

/* Closes the message file of W, if it is open: what needs the file opens it again. */
void loaded_close_file(struct messages *all, struct loaded *w);

/* Throws away what loaded_keep kept of M, if anything; no job may be left. M stays in its place. */
void loaded_unload(struct messages *all, struct message *m);

void loaded_set(struct loaded *w, size_t rcpt, enum recipient_state state);

/* EVENT of recipient RCPT, said by a host or OURS, at WALL_MS. False when it can't be in the state that RCPT is in. */
bool loaded_note(struct loaded *w, size_t rcpt, enum journal_event event, bool ours, int64_t wall_ms);

/* Takes one line of the journal. What it says is delayed is open again. */
void loaded_replay(struct loaded *w, const struct journal_line *line);

/* The same for each of LINES. */
void loaded_replay_lines(struct loaded *w, struct span lines);

/* Where the mail of recipient RCPT goes. */
void loaded_route(const struct loaded *w, size_t rcpt, const struct config_server *server, struct route *out);

/* The next hops of all recipients for whom something must be done, and how we speak to them, as a hash, never 0. */
uint32_t loaded_way(const struct loaded *w, const struct config_server *server);

/* Failed attempts of the open recipient that has most of them. */
unsigned loaded_tries(const struct loaded *w);

/* No recipient is left for whom something must be done. */
bool loaded_done(const struct loaded *w);

#endif
