#include "queue/rules/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/value.h"

static void release(struct provider *g)
{
	rate_free(&g->rate);
	free(g->key);
	free(g);
}

static struct provider *make(struct providers *all, const char *key)
{
	struct provider *g = calloc(1, sizeof(*g));
	char *copy = strdup(key);
	if (!g || !copy) {
		free(g);
		free(copy);
		return NULL;
	}
	g->key = copy;
	HASH_ADD_KEYPTR(hh, all->table, g->key, strlen(g->key), g);
	if (HASH_ADDED(g))
		return g;
	release(g);
	return NULL;
}

static void provider_free(struct providers *all, struct provider *g)
{
	HASH_DEL(all->table, g);
	release(g);
}

struct provider *provider_find(const struct providers *all, const char *key)
{
	struct provider *g;
	HASH_FIND(hh, all->table, key, strlen(key), g);
	return g;
}

struct provider *provider_get(struct providers *all, const char *key, struct config_rate rate, size_t max_connections)
{
	struct provider *g = provider_find(all, key);
	if (!g)
		g = make(all, key);
	if (!g || !rate_limit(&g->rate, rate))
		return NULL; /* the sweep finds it */
	g->max_connections = max_connections;
	return g;
}

void provider_ref(struct provider **ref, struct provider *g)
{
	if (g)
		g->refs++;
	if (*ref)
		(*ref)->refs--;
	*ref = g;
}

void providers_sweep(struct providers *all, int64_t now_ms)
{
	struct provider *g, *next;
	HASH_ITER(hh, all->table, g, next)
	if (!g->refs && rate_idle(&g->rate, now_ms))
		provider_free(all, g);
}

void providers_free(struct providers *all)
{
	struct provider *g, *next;
	HASH_ITER(hh, all->table, g, next)
	provider_free(all, g);
}

void provider_begin(struct provider **ref, struct provider *g)
{
	provider_ref(ref, g);
	if (g)
		rate_begin(&g->rate);
}

void provider_end(struct provider **ref, size_t count, int64_t now_ms)
{
	if (*ref)
		rate_end(&(*ref)->rate, count, now_ms);
	provider_ref(ref, NULL);
}

int64_t provider_next(const struct provider *g)
{
	return g ? rate_next(&g->rate) : INT64_MIN;
}

size_t provider_room(const struct provider *g)
{
	if (!g || g->max_connections == SIZE_MAX)
		return SIZE_MAX;
	return g->open < g->max_connections ? g->max_connections - g->open : 0;
}

void provider_describe(const struct provider *g, int64_t now_ms, char *to, size_t size)
{
	struct str limit;
	int64_t next = provider_next(g);
	to[0] = '\0';
	if (next > now_ms) {
		str_init(&limit, 64);
		config_value_format(CONFIG_RATE, &g->rate.limit, &limit);
		if (next == INT64_MAX)
			snprintf(to, size, "rate %s: all are under way", str_text(&limit));
		else
			snprintf(to, size, "rate %s: next in %lld s", str_text(&limit),
				 (long long)((next - now_ms + 999) / 1000));
		str_free(&limit);
	} else if (!provider_room(g)) {
		snprintf(to, size, "max_connections %zu: all are open", g->max_connections);
	}
}
