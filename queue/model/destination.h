/*
 * Next hops. A struct destination holds what concerns the next hop as a whole: the jobs that wait for it, its hosts,
 * how many connections it may have, whether it is down. No I/O and no clock; times are milliseconds of the monotonic
 * clock.
 *
 *	hosts       unknown -> being looked up (resolve.c) -> known until their time to live ends
 *	health      connections at a time: from 4 up to the cap (window.h). Down for 1 s, 2 s, 4 s ... when no host
 *	            accepts us; then one job at a time tries it.
 *
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
	DESTINATION_HOSTS, /* hosts from the configuration */
	DESTINATION_MX,    /* hosts from the MX of the domain */
	DESTINATION_FOLDER,
	DESTINATION_NOTICES,
	DESTINATION_ATRN,   /* an ATRN connection (atrn.h) */
	DESTINATION_SEVERAL /* never tried: messages that wait for ETRN of more than one domain (etrn_hold.h) */
};

enum {
	DESTINATION_TARGETS_MAX = ROUTE_HOSTS_MAX,
	DESTINATION_JOBS_MAX = 2000,        /* jobs queued; further messages are parked */
	DESTINATION_JOBS_LOW = 1000,        /* parked messages come back below this */
	DESTINATION_MAILBOXES_MAX = 1000,   /* next hops with a mailbox of their own; other mail shares send_as */
	DESTINATION_HOSTS_TEXT_MAX = 16384, /* of job_smtp in wire.def */
	DESTINATION_REASON_MAX = 640        /* a host, and a text of REPLY_TEXT_MAX */
};

/*
 * LATER: the look-up failed for now. NEVER: no such host. CLOSED: the domain accepts no mail; other targets do not
 * count.
 */
enum target_state { TARGET_UNKNOWN, TARGET_ASKED, TARGET_FOUND, TARGET_LATER, TARGET_NEVER, TARGET_CLOSED };

/* One host name or domain to look up, or one address. */
struct target {
	enum config_host_kind kind;
	enum target_state state;
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct ipaddr ip;
	uint16_t port;
	uint16_t weight; /* 0 = none */
	bool found;      /* from the recipient's domain, not from the configuration: its hosts see no credentials */
	uint32_t serial; /* of the request */
	enum config_tristate private_mx; /* may its addresses be private? YES for hosts from the configuration */
	char *hosts;                     /* TARGET_FOUND: as in hosts.h; owned */
};

/* The mail of one next hop, as a pass of queue/operator/ages.h has counted it. */
struct destination_mail {
	uint32_t pass;
	uint32_t messages;
	int64_t oldest_ms; /* wall clock: when the oldest one was accepted */
};

struct destination {
	UT_hash_handle hh;
	enum destination_kind kind;
	char *key; /* name, unique; what logs and `queue list` show; owned */
	size_t refs;

	struct job_list jobs; /* waiting for a worker */
	size_t queued;
	uint64_t octets;   /* message sizes of all its jobs, those at workers included */
	size_t at_workers; /* jobs at workers */
	TAILQ_ENTRY(destination) ring;
	struct destination_ring *on; /* ring or blocked of its pool while jobs wait; NULL = none */
	struct message_list parked;  /* until it has fewer jobs */
	struct message_list waiting; /* deferred until one of its hosts can be reached */

	struct worker_list idle;   /* connected, without a job */
	struct worker_list busy;   /* connected, with one job; a second may follow */
	size_t connections;        /* workers with jobs for it */
	size_t open;               /* connections: those with jobs, and idle ones */
	struct provider *provider; /* its rate and connection limits; NULL = none. Counted. */
	struct window window;
	size_t cap;      /* max_outbound_connections_per_domain */
	int64_t down_ms; /* length of the present back-off; 0 = up */
	int64_t down_until;
	char reason[DESTINATION_REASON_MAX]; /* why it is down */

	struct target *targets; /* owned */
	size_t target_count;
	bool asking;              /* a look-up is running */
	bool wanted;              /* etrn_client.h needs its hosts, though no job waits */
	char *hosts;              /* as in hosts.h; NULL = not known; owned */
	size_t host_count, found; /* hosts; `found` of them, at the head, are of targets with `found` */
	bool weighted;            /* a target has a weight */
	uint64_t manner;          /* hop_name_manner; part of the health_key of its hosts */
	uint32_t generation;      /* of the hosts; workers give up connections of an older generation */
	int64_t hosts_until;

	char *folder;                      /* DESTINATION_FOLDER: path as configured; owned */
	char security[ROUTE_BLOCK_MAX];    /* the blocks that jobs name; "" = none */
	char credentials[ROUTE_BLOCK_MAX]; /* the same for the account; "" = none */
	char *written; /* where its hosts are configured, for messages (route_written_format); owned; NULL = nowhere */
	bool use_helo;
	char helo[HOST_NAME_MAX_OCTETS + 1];    /* our name in HELO and EHLO; "" = fqdn */
	char source[2 * (IPADDR_TEXT_MAX + 1)]; /* our source addresses, separated by a blank; "" = any */
	char send_as[ADDRESS_MAX + 1];          /* the sender of its mail; "" = each message's own */
	char notice_sender[ADDRESS_MAX + 1];    /* of mail with an empty sender; "" = it stays empty */
	bool of_mailbox; /* the sender of its mail is the mailbox that authenticates (username sender) */
	bool send_as_header, send_as_keep_name, send_as_reply_to;
	int64_t timeout_ms;
	struct etrn_hold *etrn;          /* its mail waits for ETRN; NULL = it does not; owned */
	struct atrn *atrn;               /* DESTINATION_ATRN; owned */
	struct destination_mail mail[2]; /* by pass & 1 */
};

struct destinations {
	struct destination *table;
	struct providers providers;
	struct health health;
	uint64_t seed;    /* for drawing by weight */
	size_t mailboxes; /* next hops with of_mailbox */
};

/*
 * The next hop of ROUTE, created when new, with the present settings of ROUTE; copies what it needs. FOLDER: the path
 * for ROUTE_DROP, else ignored. Where there are too many mailboxes, the one that they share. ALL owns it. NULL without
 * memory.
 */
struct destination *destination_get(struct destinations *all, const struct route *route, const char *folder);

/* Creates a next hop of a KIND without route, named KEY, which must be new. ALL owns it. NULL without memory. */
struct destination *destination_make(struct destinations *all, enum destination_kind kind, const char *key);

/* The next hop named KEY, or NULL. */
struct destination *destination_find(const struct destinations *all, const char *key);

/* The next hop of notices, created when new. The local pool serves it. NULL without memory. */
struct destination *destination_notices(struct destinations *all);

/* Points *ref to D, or to NULL, and counts the references. May free the next hop that *ref pointed to. */
void destination_ref(struct destinations *all, struct destination **ref, struct destination *d);
/* Frees D unless it is referred to, has jobs, is being looked up, is down or is open for ETRN. */
void destination_tidy(struct destinations *all, struct destination *d);
void destinations_free(struct destinations *all);

/* Frees next hops without reference that were last down 10 minutes ago, and tidies providers and health. */
void destinations_sweep(struct destinations *all, int64_t now_ms);

bool destination_is_local(const struct destination *d); /* the local pool serves it */

/* True when jobs wait and its hosts must be looked up. */
bool destination_wants_hosts(const struct destination *d, int64_t now_ms);

/* True when jobs wait and a free worker could take one now. */
bool destination_open(const struct destination *d, int64_t now_ms);

/* How many connections may have jobs at a time. */
size_t destination_window(const struct destination *d);

/* How many more connections its limits and its window allow. */
size_t destination_room(const struct destination *d);

/* Counts in `open` a connection that was opened or closed. */
void destination_opened(struct destination *d);
void destination_closed(struct destination *d);

/*
 * True when one more host of target T fits into a list of HOSTS hosts that then has OCTETS octets. Targets with `found`
 * leave half of the list to the others.
 */
bool destination_has_room(const struct destination *d, const struct target *t, size_t hosts, size_t octets);

/* ASKING: answers are still missing. DONE: the hosts are known. LATER, NEVER: there are none for now, or at all. */
enum destination_answer { DESTINATION_ASKING, DESTINATION_DONE, DESTINATION_LATER, DESTINATION_NEVER };

/* Takes the answer for target number AT: STATE, and for TARGET_FOUND its HOSTS (hosts.h), which hold for TTL_MS. */
enum destination_answer destination_answer(struct destination *d, size_t at, enum target_state state, struct span hosts,
					   int64_t ttl_ms, int64_t now_ms);

/*
 * Begins a look-up: targets with an address become FOUND, the others ASKED. Returns ASKING when the caller must ask the
 * resolver for the latter.
 */
enum destination_answer destination_ask(struct destination *d, int64_t now_ms);

/* Forgets the list of hosts, so that the hosts are asked for again before the next job. */
void destination_forget_hosts(struct destination *d);

/* A host accepted us. True when D was down. */
bool destination_up(struct destination *d);

/* No host accepted us, because of REASON: D gets fewer connections, or is down for MAX_MS at most. */
void destination_refused(struct destination *d, int64_t now_ms, int64_t max_ms, const char *reason);

/* D is down because of REASON. MIN_MS and MAX_MS bound the back-off. Does nothing during a back-off. */
void destination_down(struct destination *d, int64_t now_ms, int64_t min_ms, int64_t max_ms, const char *reason);

/* Ends the back-off: one job may try D at once. */
void destination_retry(struct destination *d, int64_t now_ms);

/* "up", "resolving" or "down". */
const char *destination_health(const struct destination *d);

/*
 * Writes to WHY (SIZE octets) why D's mail does not go out at once; "" = it does. Returns how many ms that lasts at
 * least.
 */
int64_t destination_describe(const struct destination *d, int64_t now_ms, char *why, size_t size);

/* True when D is not down, or only for some seconds: its jobs stay. False: its messages should be deferred. */
bool destination_worth_waiting(const struct destination *d, int64_t now_ms);

#endif
