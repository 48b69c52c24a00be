/*
 * The loaded form of a message, which it has during an attempt: the envelope, the state of each recipient, the jobs.
 * Made from the message file and the journal, freed when the message waits. One allocation.
 */
#ifndef QUEUE_MODEL_LOADED_H
#define QUEUE_MODEL_LOADED_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"
#include "queue/model/destination.h"

enum recipient_state {
	RECIPIENT_OPEN,      /* not tried yet in this attempt, or being tried */
	RECIPIENT_DELAYED,   /* tried in this attempt, to be tried again later */
	RECIPIENT_FAILED,    /* final; a notice is due */
	RECIPIENT_SUCCEEDED, /* delivered, or an alias that was expanded; the sender wants a notice of it */
	RECIPIENT_DELIVERED,
	RECIPIENT_NOTICED,
	RECIPIENT_DELETED,
	RECIPIENT_STATE_COUNT
};

/* A bit of loaded.notify: a delay notice was sent. */
enum { LOADED_WARNED = 1 << 7 };

struct loaded {
	struct message *message;
	struct address sender;
	struct address *rcpts;
	uint8_t *states;  /* enum recipient_state */
	uint16_t *tries;  /* failed attempts in the journal */
	uint32_t *late_s; /* age of the message, in seconds, at the last failed attempt */
	uint8_t *notify;  /* enum dsn_notify, and LOADED_WARNED */
	size_t rcpt_count;
	uint64_t octets; /* size without the envelope lines */
	size_t counts[RECIPIENT_STATE_COUNT];
	struct job_list jobs;        /* waiting and at workers */
	size_t job_count, out_count; /* all jobs, and those at workers */
	int fd;                      /* the message file, until the first job is sent; -1 = not open */
	uint32_t routes;             /* queue->routes when this attempt began */
	int64_t hold_ms;             /* the wait before open recipients of a job that was taken back are tried again */
	int64_t notice_at_ms;        /* wall clock: the last event that the notice tells; for its id */
	int64_t notice_until_ms;     /* wall clock: when delayed recipients expire, as the notice says */
	bool notice_first;           /* the notice tells of earlier attempts, and an attempt follows it */
	int64_t next_try;            /* wall clock: when that attempt is due; 0 = now */
	bool notice_delayed;         /* the notice could not be written */
	bool wants_success;          /* a recipient has NOTIFY=SUCCESS */
	bool held;                   /* by an operator, or by the envelope and not released since */
	struct span hold;            /* the reason in the envelope, until a line of the journal has it */
	bool peeked;                 /* loaded by operate.c only to look at it */
	struct str last_lines;       /* journal lines of the final verdict, which were not written */
	struct destination *unreachable; /* could not be reached in this attempt; not counted */
};

const char *recipient_state_name(enum recipient_state state);

/*
 * The loaded form of M with a copy of ENVELOPE, without jobs, all recipients open but expanded aliases. Sets the marks
 * of M (marks.h). The caller frees it, or hands it to loaded_keep. NULL without memory.
 */
struct loaded *loaded_new(struct message *m, const struct envelope *envelope);
/* Frees W, whose jobs must have ended, and closes its file. */
void loaded_free(struct loaded *w);

/* Makes W the loaded form of M, which owns it and the open message file FD from now on. */
void loaded_keep(struct messages *all, struct message *m, struct loaded *w, int fd);

/* Takes the open message file out of W; the caller owns it. -1 = it is not open. */
int loaded_take_file(struct messages *all, struct loaded *w);

/* Closes the message file of W, if it is open. A later job opens it again. */
void loaded_close_file(struct messages *all, struct loaded *w);

/* Frees the loaded form of M, if it has one. All jobs must have ended. M keeps its state. */
void loaded_unload(struct messages *all, struct message *m);

/* Sets the state of recipient RCPT. */
void loaded_set(struct loaded *w, size_t rcpt, enum recipient_state state);

/* Applies EVENT at WALL_MS to recipient RCPT. OURS: this queue is the source, not a host. False when the state of RCPT
 * does not allow EVENT; nothing changes then. */
bool loaded_note(struct loaded *w, size_t rcpt, enum journal_event event, bool ours, int64_t wall_ms);

/* Applies one LINE of the journal. Delayed recipients become open again. */
void loaded_replay(struct loaded *w, const struct journal_line *line);

/* Applies each of LINES, which are journal text. */
void loaded_replay_lines(struct loaded *w, struct span lines);

/* Decides where the mail of recipient RCPT goes: route_decide. *OUT points into SERVER and W. */
void loaded_route(const struct loaded *w, size_t rcpt, const struct config_server *server, struct route *out);

/* A hash of the next hops of all open and delayed recipients, and of how we speak to them; never 0. */
uint32_t loaded_routes_hash(const struct loaded *w, const struct config_server *server);

/* The highest number of failed attempts of an open recipient. */
unsigned loaded_tries(const struct loaded *w);

/* True when no recipient needs a delivery or a notice any more. */
bool loaded_done(const struct loaded *w);

#endif
