/*
 * One queue: all that it knows. Owned by the manager; the modules that act (attempt, jobs, verdicts, resolve, scan,
 * console) take it as their first argument. Nothing here is shared with another process.
 */
#ifndef QUEUE_ATTEMPT_QUEUE_H
#define QUEUE_ATTEMPT_QUEUE_H

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "queue/model/message.h"
#include "queue/model/pool.h"
#include "queue/model/whole.h"
#include "queue/operator/index.h"
#include "queue/spool/badmail_sweep.h"
#include "queue/spool/drop.h"
#include "queue/spool/scan.h"
#include "queue/spool/store.h"
#include "queue/spool/writable.h"

enum {
	QUEUE_WHOLE_MAX = 20000, /* messages whole in memory */
	QUEUE_FDS_MAX = 256,     /* message files kept open until their first job is sent */
	QUEUE_CTLS_MAX = 16      /* links to mailrootctl at a time */
};

struct call;
struct ctl;
struct resolve;

struct queue {
	struct child *child; /* borrowed; child->server is replaced by a reload */
	int64_t mono_ms, wall_ms;
	bool clock_stands; /* tests set the times */
	bool stopping;     /* nothing new is begun */

	struct store store;
	struct writable writable;
	struct drops drops;
	struct fullness *fullness; /* borrowed; NULL = nobody wants to know */
	struct messages messages;
	struct destinations destinations;
	struct pool delivery, local;
	struct scan scan;
	struct index index;
	struct badmail_sweep badmail_sweep;
	unsigned requests;      /* for mail on demand, in this second */
	bool knows_all;         /* see demand.h */
	uint64_t turned_serial; /* of turned.h */
	struct call *calls;     /* of caller.h */
	size_t whole_count, fd_count, jobs_out;
	uint32_t routes; /* counts the reloads that changed where mail goes */
	int64_t sweep_ms,
		second_ms; /* when the next sweep over blocked next hops, the next look at what is slow, is due */

	int arrivals, verdicts;    /* borrowed */
	int resolver;              /* link to the resolver, owned; -1 = none now */
	struct resolve *resolving; /* requests under way */
	struct ctl *ctls[QUEUE_CTLS_MAX];
	size_t ctl_first; /* whose turn comes first */

	struct str packet, text; /* scratch: packet for what is sent, text for envelopes and reasons */
	struct arena arena;      /* scratch */
	char *buffer;            /* WIRE_PACKET_MAX octets, for receiving */
};

/* False without memory or when a folder can't be opened: a line in the log says which. */
bool queue_open(struct queue *q, struct child *child, int arrivals, int verdicts);
void queue_close(struct queue *q);

/* Reads the clocks, unless they stand. */
void queue_clock(struct queue *q);

/*
 * One turn: everything that is due is done, a slice of each kind. Returns the milliseconds until the next turn is due
 * if nothing happens before; 0 = at once.
 */
int64_t queue_turn(struct queue *q);

static inline const struct config_server *queue_server(const struct queue *q)
{
	return q->child->server;
}

/* The pool that serves D. */
struct pool *queue_pool(struct queue *q, const struct destination *d);

/* Forgets M: its whole form, its references, its place. Files stay. */
void queue_forget(struct queue *q, struct message *m);

#endif
