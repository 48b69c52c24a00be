/*
 * Hosts that do not answer, by address and port, and by what we ask of them: remembered for all mail, so that a message
 * does not wait for a host of which another one knows that it is dead. Only hosts in trouble are here. Pure but for
 * memory; times are monotonic milliseconds.
 *
 *	well --fails--> sick for 1 s, 2 s, 4 s ... 15 s --> due: one job tries it
 *	  ^------------------------- it answers ---------------------------'
 */
#ifndef QUEUE_RULES_HEALTH_H
#define QUEUE_RULES_HEALTH_H

#include "common/base/hash.h"

#include "common/mail/cidr.h"

enum {
	HEALTH_FIRST_MS = 1000,
	HEALTH_LONGEST_MS = 15 * 1000, /* a host that is back is used again by then */
	HEALTH_PROBE_MS = 60 * 1000,   /* a try that has not ended by then is no reason to put off the next */
	HEALTH_FORGET_MS = 600 * 1000,
	HEALTH_MAX = 20000 /* hosts in trouble that are remembered */
};

enum health_state { HEALTH_WELL, HEALTH_SICK, HEALTH_DUE };

/* All octets count: begin with memset. */
struct health_key {
	struct ipaddr ip;
	uint16_t port;
	uint64_t demands; /* what we ask of it, as a hash: a host may fail in TLS for one block and not for another */
};

struct sick_host {
	UT_hash_handle hh;
	struct health_key key;
	int64_t back_off_ms, until;
	bool tried; /* a probe is under way, until the end of `until` */
};

struct health {
	struct sick_host *table;
};

/* KEY of the three. */
void health_key(struct health_key *key, const struct ipaddr *ip, uint16_t port, uint64_t demands);

enum health_state health_of(const struct health *h, const struct health_key *key, int64_t now_ms);

/* When a sick one is due; NOW or before for others. */
int64_t health_until(const struct health *h, const struct health_key *key);

/* A job begins to try a host that is due. */
void health_probe(struct health *h, const struct health_key *key, int64_t now_ms);

/* It did not get as far as MAIL. True when it had been well. */
bool health_failed(struct health *h, const struct health_key *key, int64_t now_ms);

/* It answered. True when it had been sick. */
bool health_worked(struct health *h, const struct health_key *key);

/* Forgets hosts that nobody has tried for long. */
void health_sweep(struct health *h, int64_t now_ms);
void health_free(struct health *h);

#endif
