#include "queue/rules/health.h"

#include <stdlib.h>
#include <string.h>

void health_key(struct health_key *key, const struct ipaddr *ip, uint16_t port, uint64_t manner)
{
	memset(key, 0, sizeof(*key));
	memcpy(&key->ip, ip, sizeof(key->ip));
	key->port = port;
	key->manner = manner;
}

static struct sick_host *find(const struct health *h, const struct health_key *key)
{
	struct sick_host *sick;
	HASH_FIND(hh, h->table, key, sizeof(*key), sick);
	return sick;
}

enum health_state health_of(const struct health *h, const struct health_key *key, int64_t now_ms)
{
	const struct sick_host *sick = find(h, key);
	if (!sick)
		return HEALTH_WELL;
	return sick->until > now_ms ? HEALTH_SICK : HEALTH_DUE;
}

int64_t health_until(const struct health *h, const struct health_key *key)
{
	const struct sick_host *sick = find(h, key);
	return sick ? sick->until : 0;
}

void health_probe(struct health *h, const struct health_key *key, int64_t now_ms)
{
	struct sick_host *sick = find(h, key);
	if (!sick)
		return;
	sick->tried = true;
	sick->until = now_ms + HEALTH_PROBE_MS;
}

static bool fall_sick(struct health *h, const struct health_key *key, int64_t now_ms)
{
	struct sick_host *sick = HASH_COUNT(h->table) < HEALTH_MAX ? calloc(1, sizeof(*sick)) : NULL;
	if (!sick)
		return false;
	sick->key = *key;
	sick->back_off_ms = HEALTH_FIRST_MS;
	sick->until = now_ms + sick->back_off_ms;
	HASH_ADD(hh, h->table, key, sizeof(sick->key), sick);
	if (HASH_ADDED(sick))
		return true;
	free(sick);
	return false;
}

bool health_failed(struct health *h, const struct health_key *key, int64_t now_ms)
{
	struct sick_host *sick = find(h, key);
	if (!sick)
		return fall_sick(h, key, now_ms);
	/* Jobs that run at the same time fail at the same time: that is one failure. */
	if (sick->until > now_ms && !sick->tried)
		return false;
	sick->tried = false;
	sick->back_off_ms = 2 * sick->back_off_ms < HEALTH_LONGEST_MS ? 2 * sick->back_off_ms : HEALTH_LONGEST_MS;
	sick->until = now_ms + sick->back_off_ms;
	return false;
}

static void forget(struct health *h, struct sick_host *sick)
{
	HASH_DEL(h->table, sick);
	free(sick);
}

bool health_worked(struct health *h, const struct health_key *key)
{
	struct sick_host *sick = find(h, key);
	if (sick)
		forget(h, sick);
	return sick != NULL;
}

void health_sweep(struct health *h, int64_t now_ms)
{
	struct sick_host *sick, *next;
	HASH_ITER(hh, h->table, sick, next)
	if (now_ms - sick->until > HEALTH_FORGET_MS)
		forget(h, sick);
}

void health_free(struct health *h)
{
	struct sick_host *sick, *next;
	HASH_ITER(hh, h->table, sick, next)
	forget(h, sick);
}
