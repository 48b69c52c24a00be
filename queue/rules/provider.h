/*
 * What a provider demands of all who send to its hosts: so many messages in so much time, so many connections. One gate
 * for all next hops that lead to the same hosts and have their limits from the same outbound block, for the provider
 * counts them together. It stays as long as its past matters. No I/O and no clock.
 */
#ifndef QUEUE_RULES_PROVIDER_H
#define QUEUE_RULES_PROVIDER_H

#include "common/base/hash.h"

#include "queue/rules/rate.h"

struct provider {
	UT_hash_handle hh;
	char *key; /* owned */
	size_t refs;
	struct rate rate;
	size_t max_connections; /* SIZE_MAX = no limit */
	size_t open;            /* connections, kept ones included */
};

struct providers {
	struct provider *table;
};

/* The gate of that name, made when it is new, with these limits from now on. NULL without memory. */
struct provider *provider_get(struct providers *all, const char *key, struct config_rate rate, size_t max_connections);

/* The gate of that name, or NULL. */
struct provider *provider_find(const struct providers *all, const char *key);

/* Points *ref to G (or NULL), counted. */
void provider_ref(struct provider **ref, struct provider *g);

/* Frees gates that nobody points to and whose past is over. */
void providers_sweep(struct providers *all, int64_t now_ms);
void providers_free(struct providers *all);

/* A message goes through G (which may be NULL), and *ref remembers it; then COUNT messages came of it. */
void provider_begin(struct provider **ref, struct provider *g);
void provider_end(struct provider **ref, size_t count, int64_t now_ms);

/* As rate_next; G may be NULL. */
int64_t provider_next(const struct provider *g);

/* How many connections more there may be; G may be NULL. */
size_t provider_room(const struct provider *g);

/* Why G lets nothing through at NOW, in words ("rate 30/1m: next in 4 s"), or "" if it does. G may be NULL. */
void provider_describe(const struct provider *g, int64_t now_ms, char *to, size_t size);

#endif
