/*
 * One queue, as far as deliveries are concerned: its messages, where they go, what serves them. Owned by the loop; the
 * modules that act take it as their first argument. Nothing here is shared with another process.
 */
#ifndef QUEUE_ATTEMPT_QUEUE_H
#define QUEUE_ATTEMPT_QUEUE_H

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "queue/model/forget.h"
#include "queue/model/message.h"
#include "queue/model/pool.h"
#include "queue/spool/drop.h"
#include "queue/spool/store.h"
#include "queue/spool/writable.h"

enum {
	QUEUE_LOADED_MAX = 20000, /* messages loaded at a time */
	QUEUE_FILES_MAX = 256     /* message files kept open until their first job is sent */
};

struct attempt_result;
struct resolve;

/* What an operator who sent a test message hears of it. A function that is NULL is not called. */
struct queue_observer {
	void *context;
	/* TEXT was said for M; BY is "we", "host" or "". */
	void (*said)(void *context, const struct message *m, const char *by, struct span text);
	/* What has become of M, which is watched no longer. */
	void (*outcome)(void *context, const struct message *m, const struct attempt_result *result);
};

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
	uint32_t routes; /* counts the reloads that changed where mail goes */
	struct queue_observer observer;

	int verdicts;              /* borrowed */
	int resolver;              /* link to the resolver, owned; -1 = none now */
	struct resolve *resolving; /* requests under way */

	struct str packet, text; /* scratch: packet for what is sent, text for envelopes and reasons */
	struct arena arena;      /* scratch */
	char *buffer;            /* WIRE_PACKET_MAX octets, for receiving */
};

/* False without memory or when a folder can't be opened: a line in the log says which. */
bool queue_open(struct queue *q, struct child *child, int verdicts);
void queue_close(struct queue *q);

/* Reads the clocks, unless they stand. */
void queue_clock(struct queue *q);

/* Takes the sizes of the pools from the configuration. */
void queue_resize_pools(struct queue *q);

static inline const struct config_server *queue_server(const struct queue *q)
{
	return q->child->server;
}

/* The pool that serves D. */
struct pool *queue_pool(struct queue *q, const struct destination *d);

/* Jobs at the workers of both pools. */
size_t queue_jobs_out(const struct queue *q);

/* The next hop of ROUTE, with the limits of the configuration. NULL without memory. */
struct destination *queue_destination(struct queue *q, const struct route *route);

/* There is room for one more loaded message, and the spool will take what becomes of it. */
bool queue_may_begin(const struct queue *q);

/* M can't be handled for the moment: ERR (negative errno) of what WHAT says. It is unloaded and waits a little. */
void queue_put_off(struct queue *q, struct message *m, const char *what, int err);

/* Forgets M: its loaded form, its references, its place. Files stay. */
static inline void queue_forget(struct queue *q, struct message *m)
{
	forget_message(&q->messages, &q->destinations, m);
}

#endif
