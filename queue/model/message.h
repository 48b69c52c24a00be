/*
 * All messages of the queue. A message that waits takes less than 300 octets. What an attempt needs beyond that is the
 * loaded form (loaded.h), which exists only during the attempt.
 *
 * The state of a message says where it is: on one of the lists of struct messages, in the heap of messages that are due
 * at some time, on a list of its destination, or only in the table. The functions here keep state and place together.
 * No I/O and no clock; times are milliseconds of the monotonic clock.
 */
#ifndef QUEUE_MODEL_MESSAGE_H
#define QUEUE_MODEL_MESSAGE_H

#include <sys/queue.h>

#include "common/base/hash.h"

#include "common/base/str.h"
#include "common/mail/msgid.h"

struct destination;
struct loaded;

enum message_state {
	MESSAGE_LISTED,  /* a scan that still runs has read its name: list `listed` */
	MESSAGE_MET,     /* a scan has read its name in new/; becomes FOUND, the newest first: heap */
	MESSAGE_FOUND,   /* its lock must be tried: list `found` */
	MESSAGE_LOCKED,  /* another process held its lock, which is tried again: heap */
	MESSAGE_PROBED,  /* its lock was free; waits until the verdicts link is drained: list `probed` */
	MESSAGE_READY,   /* loaded as soon as there is room: list `ready` */
	MESSAGE_ACTIVE,  /* loaded, an attempt runs: only in the table */
	MESSAGE_PARKED,  /* its destination has enough jobs: list of the destination */
	MESSAGE_WAITING, /* for its next try: heap */
	MESSAGE_HELD,    /* until an operator releases it: only in the table */
	MESSAGE_STATE_COUNT
};

TAILQ_HEAD(message_list, message);

struct message {
	UT_hash_handle hh;
	TAILQ_ENTRY(message) place;       /* in the list of its state */
	TAILQ_ENTRY(message) at_next_hop; /* in destination->waiting, when waits_for_host */
	uint64_t size;
	int64_t due_ms;                  /* when it comes out of the heap */
	int64_t arrived_ms;              /* wall clock: the queue was told of it; 0 = not soon after its id was made */
	struct loaded *loaded;           /* MESSAGE_ACTIVE; owned */
	struct message_list *parked_on;  /* MESSAGE_PARKED: the list of its destination */
	struct str *unwritten;           /* journal lines to be written before it is tried again; NULL = none; owned */
	uint64_t domains;                /* marks_domain of its recipients; 0 = not known yet */
	uint32_t sender;                 /* marks_sender; 0 = not known yet */
	uint32_t routes_hash;            /* WAITING: loaded_routes_hash when it was deferred; 0 = not known */
	struct destination *destination; /* where it goes or waits, the first of several; NULL = not known. Counted. */
	uint32_t heap_at;                /* index in the heap + 1; 0 = not there */
	uint16_t attempts;
	uint8_t state; /* enum message_state */
	uint8_t lock_tries;
	bool eight_bit : 1;
	bool has_file : 1; /* its message file was seen; otherwise only its journal */
	bool in_cur : 1;
	bool has_log : 1;
	bool found : 1;          /* by a scan, not over the arrivals link: its lock must be tried first */
	bool unsynced : 1;       /* no arrival has said that it is on disk */
	bool waits_for_host : 1; /* on destination->waiting */
	bool rerouted : 1;       /* routes have changed: it is due only when its routes_hash has changed */
	bool waits_on : 1;       /* it must get back to destination->waiting */
	bool put_off : 1;        /* a notice is due now, the delayed recipients are not */
	bool watched : 1;        /* a test message: the observer is told its outcome */
	bool lost_worker : 1;    /* a worker ended once while it had a job of this message */
	char id[MSGID_LEN + 1];
};

struct messages {
	struct message *table;
	struct message_list listed, found, probed, ready;
	struct message **heap; /* by due_ms, heap[0] first */
	size_t heap_count, heap_room;
	size_t counts[MESSAGE_STATE_COUNT];
	bool all_known;                  /* all names of the spool have been read since the start */
	size_t loaded_count, file_count; /* loaded.h */
	void (*forgotten)(void *observer,
			  const struct message *message); /* forget_message calls it; NULL = not called */
	void *observer;
};

void messages_init(struct messages *all);
/* Frees all messages. None may be loaded. */
void messages_free(struct messages *all);
size_t messages_count(const struct messages *all);

/* The message ID (MSGID_LEN characters), or NULL. */
struct message *message_find(struct messages *all, const char *id);

/* Adds a message in state LISTED. ALL owns it. NULL without memory. */
struct message *message_add(struct messages *all, const struct msgname *name);

/* Moves M to STATE, which is none of the heap and not PARKED. */
void message_move(struct messages *all, struct message *m, enum message_state state);

/* Moves M to PARKED, on LIST of its destination. */
void message_park(struct messages *all, struct message *m, struct message_list *list);

/* Moves M to STATE (WAITING, MET or LOCKED) in the heap, due at DUE_MS. Without memory M becomes READY or FOUND. */
void message_wait(struct messages *all, struct message *m, enum message_state state, int64_t due_ms);

/* The first message of the heap, when it is due; else NULL. It stays in the heap. */
struct message *message_due(const struct messages *all, int64_t now_ms);

/* When the first message of the heap is due; INT64_MAX = the heap is empty. */
int64_t message_next_due(const struct messages *all);

/* Removes M and frees it. Its destination and its loaded form must have been released. See forget.h. */
void message_remove(struct messages *all, struct message *m);

/* Appends LINES, whole lines that could not be written to its journal, to M->unwritten. False without memory. */
bool message_remember(struct message *m, struct span lines);

/* Drops M->unwritten. */
void message_forget_lines(struct message *m);

/* Writes the file name of M to TO, which holds MSGNAME_MAX. */
void message_name(const struct message *m, char *to);

const char *message_state_name(enum message_state state);

#endif
