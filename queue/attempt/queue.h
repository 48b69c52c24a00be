/*
 * The state of one queue that deliveries need: messages, next hops, pools, spool. The loop owns it. The modules of
 * attempt/, etrn/ and operator/ take it as their first argument. No other process shares it.
 */
#ifndef QUEUE_ATTEMPT_QUEUE_H
#define QUEUE_ATTEMPT_QUEUE_H

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "queue/model/forget.h"
#include "queue/model/message.h"
#include "queue/model/pool.h"
#include "queue/spool/badmail_sweep.h"
#include "queue/spool/drop.h"
#include "queue/spool/store.h"
#include "queue/spool/writable.h"

enum {
	QUEUE_LOADED_MAX = 20000, /* messages loaded at a time */
	QUEUE_FILES_MAX = 256     /* message files kept open until their first job is sent */
};

struct attempt_result;
struct resolve;

/* Reports on a test message to the operator. A function that is NULL is not called. */
struct queue_observer {
	void *context;
	/* A line TEXT of the SMTP dialogue about M; BY is "we", "host" or "". */
	void (*said)(void *context, const struct message *m, const char *by, struct span text);
	/* The outcome for M, which is no longer watched. */
	void (*outcome)(void *context, const struct message *m, const struct attempt_result *result);
};

struct queue {
	struct child *child; /* borrowed; child->server is replaced by a reload */
	int64_t mono_ms, wall_ms;
	bool clock_stands; /* tests set the times; queue_clock does nothing */
	bool stopping;     /* no delivery begins any more */

	struct store store;
	struct writable writable;
	struct drops drops;
	struct fullness *fullness; /* borrowed; tells smtpd how full the drop folders are; NULL = no smtpd */
	struct messages messages;
	struct destinations destinations;
	struct pool delivery, local;
	uint32_t routes; /* counts reloads that changed routes */
	struct queue_observer observer;
	struct badmail_found badmail; /* of the last walk through the badmail folder */

	int verdicts;              /* link, borrowed */
	int resolver;              /* link to the resolver, owned; -1 = none now */
	struct resolve *resolving; /* requests without answer; owned */

	struct str packet, text; /* scratch: packet for what is sent, text for envelopes and reasons */
	struct arena arena;      /* scratch */
	char *buffer;            /* WIRE_PACKET_MAX octets, for receiving */
};

/*
 * Opens spool and folders of CHILD's server. CHILD and the link VERDICTS are borrowed. False without memory, or when a
 * folder can't be opened, which is in the log then. Close Q in either case.
 */
bool queue_open(struct queue *q, struct child *child, int verdicts);
void queue_close(struct queue *q);

/* Reads the clocks into mono_ms and wall_ms. */
void queue_clock(struct queue *q);

/* Sets the sizes of the pools from the configuration. */
void queue_resize_pools(struct queue *q);

static inline const struct config_server *queue_server(const struct queue *q)
{
	return q->child->server;
}

/* The pool that serves D. */
struct pool *queue_pool(struct queue *q, const struct destination *d);

/* The number of jobs at the workers of both pools. */
size_t queue_jobs_out(const struct queue *q);

/* The next hop of ROUTE (destination_get), with the limits of the configuration. NULL without memory. */
struct destination *queue_destination(struct queue *q, const struct route *route);

/* True when one more message may be loaded, and the spool can be written. */
bool queue_may_begin(const struct queue *q);

/*
 * M can't be handled now: "can't WHAT", with ERR (-errno), goes to the log. Unloads M and defers it for some seconds.
 */
void queue_put_off(struct queue *q, struct message *m, const char *what, int err);

/* forget_message for a message of Q. */
static inline void queue_forget(struct queue *q, struct message *m)
{
	forget_message(&q->messages, &q->destinations, m);
}

#endif
