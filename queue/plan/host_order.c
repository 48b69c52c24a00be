#include "queue/plan/host_order.h"

/* splitmix64: the numbers need not be secret. */
static uint64_t draw(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The index in AT of one of its N targets, drawn by weight; N when none has a weight. */
static size_t draw_one(const struct destination *d, const uint8_t *at, size_t n, uint64_t *seed)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += d->targets[at[i]].weight;
	if (!sum)
		return n;
	uint64_t point = draw(seed) % sum;
	size_t i = 0;
	while (point >= d->targets[at[i]].weight)
		point -= d->targets[at[i++]].weight;
	return i;
}

/* Fills AT with the order of D's targets: targets with `found`, then those with weights as drawn, then the others. */
static void order_targets(const struct destination *d, uint64_t *seed, uint8_t *at)
{
	size_t n = d->target_count, done = 0, pick;
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)i;
	while (done < n && d->targets[done].found)
		done++;
	for (; d->weighted && (pick = draw_one(d, at + done, n - done, seed)) < n - done; done++) {
		uint8_t chosen = at[done + pick];
		for (size_t i = done + pick; i > done; i--)
			at[i] = at[i - 1];
		at[done] = chosen;
	}
}

struct round {
	const struct health *health;
	const struct destination *d;
	int64_t now_ms;
	bool sick_too; /* sick hosts take part */
	bool probing;  /* the first host, KEY, is due */
	struct health_key key;
	size_t count; /* of the list */
	struct str *text;
	struct host_order *out;
};

static bool takes_part(struct round *r, const struct host *host)
{
	struct health_key key;
	if (r->sick_too)
		return true;
	health_key(&key, &host->ip, host->port, r->d->manner);
	switch (health_of(r->health, &key, r->now_ms)) {
	case HEALTH_WELL:
		return true;
	case HEALTH_SICK:
		return false;
	case HEALTH_DUE:
		break;
	}
	if (!r->count) {
		r->probing = true;
		r->key = key;
		r->out->anew = true;
	}
	return true;
}

static void add_target(struct round *r, const struct target *t)
{
	struct span rest = span_of(t->hosts), line = rest;
	struct host host;
	for (; hosts_next(&rest, &host) == 1; line = rest) {
		line.len -= rest.len;
		if (!destination_has_room(r->d, t, r->count, r->text->len + line.len))
			break;
		if (!takes_part(r, &host))
			continue;
		str_append(r->text, line);
		r->count++;
		r->out->found += t->found;
	}
}

static void add_all(struct round *r, const uint8_t *at, bool sick_too)
{
	r->sick_too = sick_too;
	r->out->found = 0;
	r->out->anew = false;
	for (size_t i = 0; i < r->d->target_count; i++)
		if (r->d->targets[at[i]].state == TARGET_FOUND)
			add_target(r, &r->d->targets[at[i]]);
}

/* A list of one host that is being probed needs another host behind it; else the next hop itself is down. */
static bool only_probes(const struct round *r)
{
	return r->out->anew && r->count == 1;
}

/* Fills R->out. SEED: for the weights. False when the order is that of D->hosts. */
static bool arrange(struct round *r, uint64_t *seed)
{
	uint8_t at[DESTINATION_TARGETS_MAX + 1];
	*r->out = (struct host_order){.hosts = span_of(r->d->hosts), .found = r->d->found};
	if (!r->d->weighted && (!r->health->table || r->d->host_count < 2))
		return false;
	str_clear(r->text);
	order_targets(r->d, seed, at);
	add_all(r, at, false);
	if (!r->count || only_probes(r)) {
		str_clear(r->text);
		r->count = 0;
		add_all(r, at, true);
	}
	r->out->hosts = str_span(r->text);
	return true;
}

void host_order_take(struct destinations *all, struct destination *d, int64_t now_ms, struct str *scratch,
		     struct host_order *out)
{
	struct round r = {.health = &all->health, .d = d, .now_ms = now_ms, .text = scratch, .out = out};
	if (arrange(&r, &all->seed) && r.probing)
		health_probe(&all->health, &r.key, now_ms);
}

void host_order_preview(const struct destinations *all, const struct destination *d, int64_t now_ms,
			struct str *scratch, struct host_order *out)
{
	struct round r = {.health = &all->health, .d = d, .now_ms = now_ms, .text = scratch, .out = out};
	uint64_t seed = all->seed;
	arrange(&r, &seed);
}

bool host_order_find(const struct destination *d, struct span peer, struct health_key *key)
{
	struct span rest = span_of(d->hosts), name = span_take(&peer, ' ');
	struct ipaddr ip;
	struct host host;
	uint64_t port;
	if (!ipaddr_parse(name, &ip) || !span_to_u64(peer, UINT16_MAX, &port))
		return false;
	while (hosts_next(&rest, &host) == 1) {
		if (host.port != port || !ipaddr_equal(&host.ip, &ip))
			continue;
		health_key(key, &host.ip, host.port, d->manner);
		return true;
	}
	return false;
}
