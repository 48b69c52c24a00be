/*
 * Next hops. Everything that concerns a next hop as a whole lives here: the jobs that wait for it, its hosts, how many
 * connections it may have, whether it can be reached at all. No I/O and no clock; times are monotonic milliseconds.
 *
 *	hosts       unknown -> asked (resolve.c) -> known until their time to live is over
 *	health      window.h: connections at a time, from 4 up to the cap; down for 1 s, 2 s, 4 s ... when no host takes
 *	            us, and then tried by one job at a time
 */
#ifndef QUEUE_MODEL_DESTINATION_H
#define QUEUE_MODEL_DESTINATION_H

#include <sys/queue.h>

#include "common/base/hash.h"

#include "common/ipc/hosts.h"
#include "queue/model/message.h"
#include "queue/rules/health.h"
#include "queue/rules/hop_name.h"
#include "queue/rules/provider.h"
#include "queue/rules/window.h"

struct job;
struct worker;
TAILQ_HEAD(job_list, job);
TAILQ_HEAD(worker_list, worker);
TAILQ_HEAD(destination_ring, destination);

enum destination_kind {
	DESTINATION_HOSTS, /* hosts that the configuration names */
	DESTINATION_MX,    /* hosts that the domain names */
	DESTINATION_FOLDER,
	DESTINATION_NOTICES,
	DESTINATION_ATRN,   /* a client that takes mail over its own connection (turned.h) */
	DESTINATION_SEVERAL /* never tried: what waits for more than one of the domains of demand.h */
};

enum {
	DESTINATION_TARGETS_MAX = ROUTE_HOSTS_MAX,
	DESTINATION_JOBS_MAX = 2000,        /* whole messages in hand; beyond it they are parked */
	DESTINATION_JOBS_LOW = 1000,        /* parked ones come back */
	DESTINATION_HOSTS_TEXT_MAX = 16384, /* of job_smtp in wire.def */
	DESTINATION_REASON_MAX = 400
};

/* CLOSED: the domain takes no mail, whatever other hosts there are. */
enum target_state { TARGET_UNKNOWN, TARGET_ASKED, TARGET_FOUND, TARGET_LATER, TARGET_NEVER, TARGET_CLOSED };

/* One host to look up, or known by its address. */
struct target {
	enum config_host_kind kind;
	enum target_state state;
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct ipaddr ip;
	uint16_t port;
	uint16_t weight; /* 0 = none */
	bool found;      /* it is the recipient's, not written in the configuration: it sees no credentials */
	uint32_t serial; /* of the request */
	enum config_tristate private_mx; /* may its addresses be private? yes: it is written */
	char *hosts;                     /* TARGET_FOUND: as in hosts.h; owned */
};

struct destination {
	UT_hash_handle hh;
	enum destination_kind kind;
	char *key; /* name, unique; what logs and `queue list` show; owned */
	size_t refs;

	struct job_list jobs; /* waiting for a worker */
	size_t queued;
	uint64_t octets; /* of the messages of all its jobs, also those at workers */
	size_t at_workers;
	TAILQ_ENTRY(destination) ring;
	struct destination_ring *on; /* the ring or the blocked ones of its pool, while jobs wait */
	struct message_list parked;
	struct message_list waiting; /* deferred because no host could be reached */

	struct worker_list idle;   /* connected, without a job */
	struct worker_list busy;   /* connected, with one job: one more may follow */
	size_t connections;        /* workers with jobs for it */
	size_t open;               /* and those whose connection to it is kept */
	struct provider *provider; /* limits that its hosts demand; NULL = none. Counted. */
	struct window window;
	size_t cap;
	int64_t down_ms; /* length of the present back-off; 0 = up */
	int64_t down_until;
	char reason[DESTINATION_REASON_MAX]; /* why it is down */

	struct target *targets; /* owned */
	size_t target_count;
	bool asking;
	bool wanted;              /* its hosts are, though no job waits (caller.h) */
	char *hosts;              /* as in hosts.h; NULL = not known; owned */
	size_t host_count, found; /* of them, and how many at the head are of targets that are found */
	bool weighted;
	uint64_t demands;    /* what tells apart a host that is sick for it and well for another one */
	uint32_t generation; /* of the hosts: connections of before are given up */
	int64_t hosts_until;

	char *folder;                      /* DESTINATION_FOLDER: path as configured; owned */
	char security[ROUTE_BLOCK_MAX];    /* the blocks that jobs name; "" = none */
	char credentials[ROUTE_BLOCK_MAX]; /* so no connection made for one block is used for another's mail */
	char *written; /* the setting of the hosts that are not found, for texts; owned; NULL = none */
	bool use_helo;
	char helo[HOST_NAME_MAX_OCTETS + 1];    /* what we call ourselves; "" = fqdn */
	char source[2 * (IPADDR_TEXT_MAX + 1)]; /* our addresses to come from, a blank between; "" = any */
	int64_t timeout_ms;
	struct etrn_hold *etrn; /* its mail waits to be asked for; NULL = it does not; owned */
	struct atrn *atrn;      /* DESTINATION_ATRN; owned */
};

struct destinations {
	struct destination *table;
	struct providers providers;
	struct health health;
	uint64_t seed; /* of weights */
};

/* The next hop of that name, made when it is new; copies what it needs from ROUTE. NULL without memory. FOLDER: of
 * ROUTE_DROP. */
struct destination *destination_get(struct destinations *all, const struct route *route, const char *folder);

/* A new one of a kind that has no route. NULL without memory. */
struct destination *destination_make(struct destinations *all, enum destination_kind kind, const char *key);

/* The next hop of that name, or NULL. */
struct destination *destination_find(const struct destinations *all, const char *key);

/* The next hop of notices: the local pool. */
struct destination *destination_notices(struct destinations *all);

/* Points *ref to D (or NULL), counted; the last reference gone and nothing going on, it is freed. */
void destination_ref(struct destinations *all, struct destination **ref, struct destination *d);
void destination_tidy(struct destinations *all, struct destination *d);
void destinations_free(struct destinations *all);

/* Frees what nothing refers to and has been up or left alone for long. */
void destinations_sweep(struct destinations *all, int64_t now_ms);

bool destination_is_local(const struct destination *d); /* served by the local pool */

/* Jobs wait, its hosts must be asked for. */
bool destination_wants_hosts(const struct destination *d, int64_t now_ms);

/* Jobs wait and could be given to a worker now, were there one. */
bool destination_open(const struct destination *d, int64_t now_ms);

/* Connections that may be at work for it now. */
size_t destination_window(const struct destination *d);

/* How many connections may be opened besides those that are open, as far as its limits and the window are concerned. */
size_t destination_room(const struct destination *d);

/* A connection to it (counted in `open`) has come or gone. */
void destination_opened(struct destination *d);
void destination_closed(struct destination *d);

/* T's next host has room in a list of so many hosts and, with it, octets. Those found leave half of it to the others.
 */
bool destination_has_room(const struct destination *d, const struct target *t, size_t hosts, size_t octets);

/* All answers that matter are in: DONE = hosts known, LATER or NEVER = there are none; ASKING = not yet. */
enum destination_answer { DESTINATION_ASKING, DESTINATION_DONE, DESTINATION_LATER, DESTINATION_NEVER };

/* The answer for target AT. HOSTS as in hosts.h. */
enum destination_answer destination_answer(struct destination *d, size_t at, enum target_state state, struct span hosts,
					   int64_t ttl_ms, int64_t now_ms);

/* Begins to ask: marks every target that needs it ASKED; those with an address are FOUND. ANSWER when none needs it. */
enum destination_answer destination_ask(struct destination *d, int64_t now_ms);

/* A host was reached. True when it had been down. */
bool destination_up(struct destination *d);

/* No host could be reached, or none wanted us: fewer connections, or it is down; then MAX_MS bounds the back-off. */
void destination_refused(struct destination *d, int64_t now_ms, int64_t max_ms, const char *reason);

/* It is down, whatever was before. MIN_MS and MAX_MS bound the back-off. */
void destination_down(struct destination *d, int64_t now_ms, int64_t min_ms, int64_t max_ms, const char *reason);

/* One job may try it at once, though it is down. */
void destination_retry(struct destination *d, int64_t now_ms);

/* up, resolving or down. */
const char *destination_health(const struct destination *d);

/* Why its mail does not go out at once ("" = it does), and for how long at least, ms. */
int64_t destination_describe(const struct destination *d, int64_t now_ms, char *why, size_t size);

/* It is worth waiting for (down for a moment only), or its messages had better be deferred. */
bool destination_worth_waiting(const struct destination *d, int64_t now_ms);

#endif
