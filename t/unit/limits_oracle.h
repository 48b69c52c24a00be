/*
 * A second implementation of the limits of `client`: a level of water for each client and kind, in events times
 * nanoseconds of the period. On purpose it shares no code with smtpd/policy/rate.c and usage.c.
 */
#ifndef T_UNIT_LIMITS_ORACLE_H
#define T_UNIT_LIMITS_ORACLE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/policy/usage.h"

enum { ORACLE_KEYS = 64, ORACLE_NS = 1000000 /* of a millisecond */ };

static int64_t now_ms = 1000000000; /* the clock of both implementations */

struct rule {
	const char *text; /* as in the configuration */
	uint64_t count, period_ms;
};

/* The periods are multiples of the counts, so both implementations are exact. */
static const struct rule events[] = {
	{"none", 0, 0},     {"1/1s", 1, 1000},    {"1/1h", 1, 3600000}, {"2/10s", 2, 10000},
	{"5/1m", 5, 60000}, {"10/1m", 10, 60000}, {"20/1s", 20, 1000},  {"8/1d", 8, 86400000},
};
static const struct rule octets[] = {
	{"none", 0, 0}, {"1K/16s", 1024, 16000}, {"2K/1m", 2048, 60000}, {"4K/64s", 4096, 64000}};

struct level {
	const struct rule *rule; /* that it was counted for */
	unsigned __int128 water;
	int64_t at_ms;
};

static struct key {
	char name[64];
	struct level levels[USAGE_KINDS];
} keys[ORACLE_KEYS];

static struct {
	const struct rule *rule[USAGE_KINDS];
	bool by_user, log;
	int connections; /* 0 = none */
	int workers;
	const char *excepted, *trusted; /* nets in which the address is; "" = none */
} policy;

/* Two names of one client at each address, and what the lists call it. */
static const struct place {
	const char *address, *key, *net;
} places[] = {
	{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
	{"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"},
	{"192.0.2.2", "192.0.2.2", "192.0.2.2"},
	{"2001:db8:0:1::1", "2001:db8:0:1", "2001:db8:0:1::/64"},
	{"2001:db8:0:1:ffff::2", "2001:db8:0:1", "2001:db8:0:1::/64"},
	{"2001:db8:0:2::1", "2001:db8:0:2", "2001:db8:0:2::/64"},
	{"::1", "0:0:0:0", "::1"},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };
static const char *const users[] = {NULL, "joe@example.com", "JOE@example.com", "ann@example.com"};
static const char *const user_keys[] = {NULL, "joe", "joe", "ann"};

static inline struct key *key_of(const char *name)
{
	for (size_t i = 0; i < ORACLE_KEYS; i++) {
		if (!keys[i].name[0])
			snprintf(keys[i].name, sizeof(keys[i].name), "%s", name);
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	ck_abort_msg("too many keys");
}

static inline struct level *level_of(const struct place *place, unsigned user, enum usage_kind kind)
{
	bool by_user = policy.by_user && user_keys[user] && kind != USAGE_CONNECTIONS && kind != USAGE_ERRORS;
	return &key_of(by_user ? user_keys[user] : place->key)->levels[kind];
}

/* What is left of the level now; nothing if another rule filled it. */
static inline unsigned __int128 water_of(const struct level *level, enum usage_kind kind)
{
	const struct rule *rule = policy.rule[kind];
	if (level->rule != rule || !rule->count)
		return 0;
	unsigned __int128 leaked = (unsigned __int128)(uint64_t)(now_ms - level->at_ms) * ORACLE_NS * rule->count;
	return level->water > leaked ? level->water - leaked : 0;
}

static inline uint64_t period_of(enum usage_kind kind)
{
	return policy.rule[kind]->period_ms * ORACLE_NS;
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until N more fit. */
static inline int64_t wait_of(const struct level *level, enum usage_kind kind, uint64_t n)
{
	const struct rule *rule = policy.rule[kind];
	if (!rule->count)
		return 0;
	unsigned __int128 brim = (unsigned __int128)rule->count * period_of(kind);
	unsigned __int128 full = water_of(level, kind) + (unsigned __int128)least(n, rule->count) * period_of(kind);
	if (full <= brim)
		return 0;
	unsigned __int128 leak_of_ms = (unsigned __int128)rule->count * ORACLE_NS;
	return (int64_t)((full - brim + leak_of_ms - 1) / leak_of_ms);
}

/* False: refused, and nothing is counted. */
static inline bool pour(struct level *level, enum usage_kind kind, uint64_t n, bool forced)
{
	const struct rule *rule = policy.rule[kind];
	bool fits = !wait_of(level, kind, n);
	unsigned __int128 most = (unsigned __int128)2 * rule->count * period_of(kind);
	unsigned __int128 water = water_of(level, kind) + (unsigned __int128)least(n, rule->count) * period_of(kind);
	if (fits || forced)
		*level = (struct level){rule, water < most ? water : most, now_ms};
	else
		*level = (struct level){rule, water_of(level, kind), now_ms};
	return fits;
}

static inline uint64_t used_of(const struct level *level, enum usage_kind kind)
{
	uint64_t period = period_of(kind);
	return period ? (uint64_t)((water_of(level, kind) + period - 1) / period) : 0;
}

static inline bool in(const char *list, const struct place *place)
{
	return !strcmp(list, place->net);
}

static inline bool is_lenient(const struct place *place)
{
	return policy.log || in(policy.excepted, place);
}

#endif
