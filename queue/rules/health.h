/*
 * Hosts that do not answer, by address, port and manner (hop_name_manner). All mail shares this table: after one
 * message has found a host dead, the others no longer wait for it. Only hosts in trouble are listed. No I/O and no
 * clock; times are milliseconds of the monotonic clock.
 *
 *	well --fails--> sick for 1 s, 2 s, 4 s ... 15 s --> due: one job tries it
 *	  ^------------------------- it answers ---------------------------'
 *
 */
#ifndef QUEUE_RULES_HEALTH_H
#define QUEUE_RULES_HEALTH_H

#include "common/base/hash.h"

#include "common/mail/cidr.h"

enum {
	HEALTH_FIRST_MS = 1000,
	HEALTH_LONGEST_MS = 15 * 1000, /* a host that works again is used again within this time */
	HEALTH_PROBE_MS = 60 * 1000,   /* a probe that has not ended by then no longer holds the next one back */
	HEALTH_FORGET_MS = 600 * 1000,
	HEALTH_MAX = 20000 /* sick hosts that are remembered */
};

enum health_state { HEALTH_WELL, HEALTH_SICK, HEALTH_DUE };

/* A hash key: padding counts, so health_key() clears it. */
struct health_key {
	struct ipaddr ip;
	uint16_t port;
	uint64_t manner; /* hop_name_manner: a host may fail in TLS for one outbound block and work for another */
};

struct sick_host {
	UT_hash_handle hh;
	struct health_key key;
	int64_t back_off_ms, until;
	bool tried; /* a probe is running, until `until` at the latest */
};

struct health {
	struct sick_host *table;
};

/* Fills KEY, padding included. */
void health_key(struct health_key *key, const struct ipaddr *ip, uint16_t port, uint64_t manner);

/* The state of host KEY at NOW_MS. */
enum health_state health_of(const struct health *h, const struct health_key *key, int64_t now_ms);

/* When the sick host KEY becomes due; 0 when it is well. */
int64_t health_until(const struct health *h, const struct health_key *key);

/* Notes that a job begins to try host KEY, which is due. A host that is well stays as it is. */
void health_probe(struct health *h, const struct health_key *key, int64_t now_ms);

/*
 * Notes that an attempt at host KEY failed before MAIL. True when the host was well and is now sick; false without
 * memory.
 */
bool health_failed(struct health *h, const struct health_key *key, int64_t now_ms);

/* Notes that host KEY answered. True when it was sick. */
bool health_worked(struct health *h, const struct health_key *key);

/* Forgets hosts that no job has tried for HEALTH_FORGET_MS after they became due. */
void health_sweep(struct health *h, int64_t now_ms);
void health_free(struct health *h);

#endif
