/*
 * Every message of the queue, as little of each as will do: a million waiting ones cost under 300 octets each. What an
 * attempt needs besides is its whole form (whole.h), loaded for the attempt and gone after it.
 *
 * A message is in exactly one place, told by its state: on one of the lists of struct messages, in the heap of those
 * that wait for their time, on the list of its destination, or nowhere but in the table while an attempt runs.
 * Functions here keep state and place together. Pure but for memory; times are milliseconds of the monotonic clock.
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
	MESSAGE_LISTED,  /* a scan met its name and reads on: list `listed` */
	MESSAGE_MET,     /* in new/ by a scan, to be found when its turn comes, the newest first: heap */
	MESSAGE_FOUND,   /* its lock is to be tried: list `found` */
	MESSAGE_LOCKED,  /* somebody held its lock, it will be tried again: heap */
	MESSAGE_PROBED,  /* its lock was free; waits until the verdicts link is drained: list `probed` */
	MESSAGE_READY,   /* to be loaded as soon as there is room: list `ready` */
	MESSAGE_ACTIVE,  /* whole, an attempt runs */
	MESSAGE_PARKED,  /* its destination has enough in hand: list of the destination */
	MESSAGE_WAITING, /* for its time: heap */
	MESSAGE_HELD,    /* by an operator, until he lets it go: nowhere but in the table */
	MESSAGE_STATE_COUNT
};

TAILQ_HEAD(message_list, message);

struct message {
	UT_hash_handle hh;
	TAILQ_ENTRY(message) place;       /* in the list of its state */
	TAILQ_ENTRY(message) at_next_hop; /* in destination->waiting, when waits_for_host */
	uint64_t size;
	int64_t due_ms;                  /* when it comes out of the heap */
	struct loaded *loaded;           /* MESSAGE_ACTIVE; owned */
	struct message_list *parked_on;  /* MESSAGE_PARKED: the list of its destination */
	struct str *unwritten;           /* lines that its journal must get before it is tried again; NULL = none */
	uint64_t domains;                /* of its recipients, as marks.h makes them; 0 = not known yet */
	uint32_t sender;                 /* the same of its sender */
	uint32_t way;                    /* WAITING: loaded_way of what is open; 0 = not known */
	struct destination *destination; /* where it goes or waits, the first of several; NULL = not known. Counted. */
	uint32_t heap_at;                /* index in the heap + 1; 0 = not there */
	uint16_t attempts;
	uint8_t state; /* enum message_state */
	uint8_t lock_tries;
	bool eight_bit : 1;
	bool has_file : 1; /* a message file was seen; without one it is a journal alone */
	bool in_cur : 1;
	bool has_log : 1;
	bool found : 1;          /* by a scan, not by an arrival: its lock must be tried before it is touched */
	bool unsynced : 1;       /* nobody vouches for its fsync */
	bool waits_for_host : 1; /* deferred because no host of its destination could be reached */
	bool rerouted : 1;       /* routes have changed: it is due only if its way has, too */
	bool waits_on : 1;       /* ... else it waits for its host again */
	bool put_off : 1;        /* its attempt is over, but the notice could not be begun: the rest is not due yet */
	bool watched : 1;        /* a test message: what becomes of it is told to an operator */
	bool lost_worker : 1;    /* a worker died with it once since it came */
	char id[MSGID_LEN + 1];
};

struct messages {
	struct message *table;
	struct message_list listed, found, probed, ready;
	struct message **heap; /* by due_ms, heap[0] first */
	size_t heap_count, heap_room;
	size_t counts[MESSAGE_STATE_COUNT];
	bool all_known; /* every name of the spool was read once since the start: every message is known */
	size_t loaded_count, file_count; /* loaded.h */
	void (*forgotten)(void *observer,
			  const struct message *message); /* called by forget.h; NULL = nobody listens */
	void *observer;
};

void messages_init(struct messages *all);
void messages_free(struct messages *all); /* and every message; whole forms must be gone */
size_t messages_count(const struct messages *all);

/* The message ID (MSGID_LEN characters), or NULL. */
struct message *message_find(struct messages *all, const char *id);

/* A new message in state LISTED. NULL without memory. */
struct message *message_add(struct messages *all, const struct msgname *name);

/* Takes it out of its place and into that of STATE (not one of the heap, and not PARKED). */
void message_move(struct messages *all, struct message *m, enum message_state state);

/* Parks it on LIST, which its destination keeps. */
void message_park(struct messages *all, struct message *m, struct message_list *list);

/* Into the heap as WAITING, MET or LOCKED, to come out at DUE_MS. Without memory for the heap it is READY or FOUND. */
void message_wait(struct messages *all, struct message *m, enum message_state state, int64_t due_ms);

/* The first of the heap whose time has come, still there; or NULL. */
struct message *message_due(const struct messages *all, int64_t now_ms);

/* When the next one comes out; INT64_MAX = never. */
int64_t message_next_due(const struct messages *all);

/* Takes it out of its place and the table, and frees it. Destination and whole form must have been released. */
void message_remove(struct messages *all, struct message *m);

/* Notes LINES, whole lines of its journal that the disk refused, behind what is noted already. False without memory. */
bool message_remember(struct message *m, struct span lines);

/* They are in the journal now, or of no use any more. */
void message_forget_lines(struct message *m);

/* The name of its file. */
void message_name(const struct message *m, char *to);

const char *message_state_name(enum message_state state);

#endif
