/*
 * What a provider demands of all who send to its hosts: so many messages in so much time, so many connections. One gate
 * for all next hops that lead to the same hosts and have their limits from the same outbound block, for the provider
 * counts them together. It stays as long as its past matters. No I/O and no clock.
 */
#ifndef QUEUE_RULES_GATE_H
#define QUEUE_RULES_GATE_H

#include "common/base/hash.h"

#include "queue/rules/rate.h"

struct gate {
	UT_hash_handle hh;
	char *key; /* owned */
	size_t refs;
	struct rate rate;
	size_t max_connections; /* SIZE_MAX = no limit */
	size_t open;            /* connections, kept ones included */
};

struct gates {
	struct gate *table;
};

/* The gate of that name, made when it is new, with these limits from now on. NULL without memory. */
struct gate *gate_get(struct gates *all, const char *key, struct config_rate rate, size_t max_connections);

/* The gate of that name, or NULL. */
struct gate *gate_find(const struct gates *all, const char *key);

/* Points *ref to G (or NULL), counted. */
void gate_ref(struct gate **ref, struct gate *g);

/* Frees gates that nobody points to and whose past is over. */
void gates_sweep(struct gates *all, int64_t now_ms);
void gates_free(struct gates *all);

/* A message goes through G (which may be NULL), and *ref remembers it; then COUNT messages came of it. */
void gate_begin(struct gate **ref, struct gate *g);
void gate_end(struct gate **ref, size_t count, int64_t now_ms);

/* As rate_next; G may be NULL. */
int64_t gate_next(const struct gate *g);

/* How many connections more there may be; G may be NULL. */
size_t gate_room(const struct gate *g);

/* Why G lets nothing through at NOW, in words ("rate 30/1m: next in 4 s"), or "" if it does. G may be NULL. */
void gate_describe(const struct gate *g, int64_t now_ms, char *to, size_t size);

#endif
