#include "queue/rules/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"

static void release(struct provider *p)
{
	rate_free(&p->rate);
	free(p->key);
	free(p);
}

static struct provider *make(struct providers *all, const char *key)
{
	struct provider *p = calloc(1, sizeof(*p));
	char *copy = strdup(key);
	if (!p || !copy) {
		free(p);
		free(copy);
		return NULL;
	}
	p->key = copy;
	HASH_ADD_KEYPTR(hh, all->table, p->key, strlen(p->key), p);
	if (HASH_ADDED(p))
		return p;
	release(p);
	return NULL;
}

static void provider_free(struct providers *all, struct provider *p)
{
	HASH_DEL(all->table, p);
	release(p);
}

struct provider *provider_find(const struct providers *all, const char *key)
{
	struct provider *p;
	HASH_FIND(hh, all->table, key, strlen(key), p);
	return p;
}

struct provider *provider_get(struct providers *all, const char *key, struct config_shared_rate rate,
			      size_t max_connections)
{
	struct provider *p = provider_find(all, key);
	if (!p)
		p = make(all, key);
	if (!p || !rate_limit(&p->rate, rate))
		return NULL; /* providers_sweep frees it */
	p->max_connections = max_connections;
	return p;
}

void provider_ref(struct provider **ref, struct provider *p)
{
	if (p)
		p->refs++;
	if (*ref)
		(*ref)->refs--;
	*ref = p;
}

void providers_sweep(struct providers *all, int64_t now_ms)
{
	struct provider *p, *next;
	HASH_ITER(hh, all->table, p, next)
	if (!p->refs && rate_idle(&p->rate, now_ms))
		provider_free(all, p);
}

void providers_free(struct providers *all)
{
	struct provider *p, *next;
	HASH_ITER(hh, all->table, p, next)
	provider_free(all, p);
}

void provider_begin(struct provider **ref, struct provider *p)
{
	provider_ref(ref, p);
	if (p)
		rate_begin(&p->rate);
}

void provider_end(struct provider **ref, size_t count, int64_t now_ms)
{
	if (*ref)
		rate_end(&(*ref)->rate, count, now_ms);
	provider_ref(ref, NULL);
}

int64_t provider_next(const struct provider *p)
{
	return p ? rate_next(&p->rate) : INT64_MIN;
}

size_t provider_room(const struct provider *p)
{
	if (!p || p->max_connections == SIZE_MAX)
		return SIZE_MAX;
	return p->open < p->max_connections ? p->max_connections - p->open : 0;
}

void provider_describe(const struct provider *p, int64_t now_ms, char *to, size_t size)
{
	struct str limit;
	int64_t next = provider_next(p);
	to[0] = '\0';
	if (next > now_ms) {
		str_init(&limit, 64);
		rate_describe(&p->rate, &limit);
		if (next == INT64_MAX)
			snprintf(to, size, N_("rate %s: all are in transfer"), str_text(&limit));
		else
			snprintf(to, size, N_("rate %s: next in %lld s"), str_text(&limit),
				 (long long)((next - now_ms + 999) / 1000));
		str_free(&limit);
	} else if (!provider_room(p)) {
		snprintf(to, size, N_("max_connections %zu: all are open"), p->max_connections);
	}
}
