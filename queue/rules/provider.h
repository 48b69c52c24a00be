/*
 * The limits that a provider sets for its customers: a rate of messages and a number of connections. All next hops that
 * lead to the same hosts and take their limits from the same outbound block share one struct provider, because the
 * provider counts them together. It stays in memory while its past still counts. No I/O and no clock; times are
 * milliseconds of the monotonic clock.
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

/*
 * The provider named KEY (hop_name_provider), created when new, with these limits from now on. SIZE_MAX = any number of
 * connections. ALL owns it. NULL without memory.
 */
struct provider *provider_get(struct providers *all, const char *key, struct config_shared_rate rate,
			      size_t max_connections);

/* The provider named KEY, or NULL. */
struct provider *provider_find(const struct providers *all, const char *key);

/* Points *ref to P, or to NULL, and counts the references. */
void provider_ref(struct provider **ref, struct provider *p);

/* Frees providers that have no reference and whose past no longer counts. */
void providers_sweep(struct providers *all, int64_t now_ms);
void providers_free(struct providers *all);

/*
 * A message begins under the limits of P (NULL = none), which *ref keeps. It ends as COUNT messages, 0 when nothing was
 * sent; *ref becomes NULL.
 */
void provider_begin(struct provider **ref, struct provider *p);
void provider_end(struct provider **ref, size_t count, int64_t now_ms);

/* When P lets the next message begin, as rate_next says. P may be NULL. */
int64_t provider_next(const struct provider *p);

/* How many more connections P allows; SIZE_MAX = any number. P may be NULL. */
size_t provider_room(const struct provider *p);

/*
 * Writes to TO (SIZE octets) why P lets no message begin at NOW_MS, as "rate 30/1m: next in 4 s"; "" when P lets one
 * begin. P may be NULL.
 */
void provider_describe(const struct provider *p, int64_t now_ms, char *to, size_t size);

#endif
