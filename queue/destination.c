#include "queue/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/jobs.h"

enum {
	KEY_TEXT_MAX = DESTINATION_TARGETS_MAX * 300, /* each a name of 255, a port, brackets */
	DOWN_FIRST_MS = 1000,
	FORGET_DOWN_MS = 600 * 1000,
	WORTH_WAITING_MS = 10 * 1000,
	HOSTS_MIN_MS = 30 * 1000, /* a shorter time to live would have us ask before every message */
	HOSTS_MAX_MS = 3600 * 1000,
	HOSTS_TEXT_MAX = 16384 /* of job_smtp in wire.def */
};

static uint16_t port_of(const struct config_host *host, const struct config_outbound *outbound)
{
	return host->port ? host->port : (uint16_t)outbound->port;
}

static void append_host(struct str *to, const struct config_host *host, uint16_t port)
{
	char ip[IPADDR_TEXT_MAX];
	const char *name = host->name;
	if (host->kind == CONFIG_HOST_IP) {
		ipaddr_format(&host->ip, ip);
		name = ip;
	}
	const char *form = host->kind == CONFIG_HOST_MX ? "%s%s:%u" : "%s[%s]:%u";
	str_printf(to, form, to->len ? " " : "", name, port);
}

static uint64_t hash_text(struct span text)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * 1099511628211u;
	return hash;
}

static void append_block(struct str *to, const char *word, const struct route_block *block)
{
	char text[ROUTE_BLOCK_MAX];
	if (!block || !block->of)
		return;
	route_block_format(block, text);
	str_printf(to, "%s%s", word, text);
}

static void append_hosts(struct str *to, const struct route *route)
{
	char ip[IPADDR_TEXT_MAX];
	switch (route->kind) {
	case ROUTE_HOSTS:
		for (size_t i = 0; i < route->hosts->n; i++)
			append_host(to, &route->hosts->at[i], port_of(&route->hosts->at[i], route->outbound));
		break;
	case ROUTE_MX:
		str_append_text(to, "mx:");
		for (size_t i = 0; i < route->domain.len; i++) {
			char c = route->domain.at[i];
			str_append_c(to, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
		}
		str_printf(to, ":%u", (unsigned)route->outbound->port);
		break;
	default:
		ipaddr_format(&route->literal, ip);
		str_printf(to, "[%s]:%u", ip, (unsigned)route->outbound->port);
	}
}

static void append_route(struct str *to, const struct route *route)
{
	append_hosts(to, route);
	if (route->outbound->use_helo)
		str_append_text(to, " helo");
	append_block(to, " by ", route->security.name ? &route->security : NULL);
	append_block(to, " as ", &route->credentials);
}

void destination_key(const struct route *route, const char *folder, char *to)
{
	struct str text;
	str_init(&text, KEY_TEXT_MAX);
	if (route->kind == ROUTE_DROP)
		str_append_text(&text, folder);
	else
		append_route(&text, route);
	/* A list of hosts too long for a name is told apart by its hash. */
	if (text.len < DESTINATION_KEY_MAX)
		snprintf(to, DESTINATION_KEY_MAX, "%s", str_text(&text));
	else
		snprintf(to, DESTINATION_KEY_MAX, "%.900s... %016llx", str_text(&text),
			 (unsigned long long)hash_text(str_span(&text)));
	str_free(&text);
}

static void set_target(struct target *t, enum config_host_kind kind, struct span name, const struct ipaddr *ip,
		       uint16_t port)
{
	t->kind = kind;
	t->port = port;
	t->private_mx = CONFIG_YES;
	if (ip) {
		t->ip = *ip;
		ipaddr_format(ip, t->name);
	} else if (!span_copy(name, t->name, sizeof(t->name))) {
		t->name[0] = '\0'; /* no name of that length exists; the resolver says so */
	}
}

static bool copy_targets(struct destination *d, const struct route *route)
{
	bool listed = route->kind == ROUTE_HOSTS;
	size_t n = listed ? route->hosts->n : 1;
	if (n > DESTINATION_TARGETS_MAX)
		n = DESTINATION_TARGETS_MAX;
	d->targets = calloc(n, sizeof(*d->targets));
	if (!d->targets)
		return false;
	d->target_count = n;
	for (size_t i = 0; listed && i < n; i++) {
		const struct config_host *host = &route->hosts->at[i];
		set_target(&d->targets[i], host->kind, span_of(host->name),
			   host->kind == CONFIG_HOST_IP ? &host->ip : NULL, port_of(host, route->outbound));
	}
	uint16_t port = (uint16_t)route->outbound->port;
	if (route->kind == ROUTE_MX)
		set_target(&d->targets[0], CONFIG_HOST_MX, route->domain, NULL, port);
	if (route->kind == ROUTE_LITERAL)
		set_target(&d->targets[0], CONFIG_HOST_IP, route->domain, &route->literal, port);
	return true;
}

/*
 * The gate that ROUTE demands, or none. Its name is the hosts, and the block that the limits are written in: a provider
 * counts what comes from one user, whatever else differs between our next hops.
 */
static void place_gate(struct destinations *all, struct destination *d, const struct route *route)
{
	const struct config_outbound *o = route->outbound;
	struct gate *g = NULL;
	struct str key;
	if (o->rate.count || o->max_connections != CONFIG_NONE) {
		str_init(&key, KEY_TEXT_MAX);
		append_hosts(&key, route);
		append_block(&key, " ", &route->limits);
		g = gate_get(&all->gates, str_text(&key), o->rate,
			     o->max_connections == CONFIG_NONE ? SIZE_MAX : (size_t)o->max_connections);
		str_free(&key);
		if (!g)
			return;
	}
	if (g == d->gate)
		return;
	if (d->gate)
		d->gate->open -= d->open;
	gate_ref(&d->gate, g);
	if (g)
		g->open += d->open;
}

static void destination_free(struct destination *d)
{
	gate_ref(&d->gate, NULL);
	for (size_t i = 0; i < d->target_count; i++)
		free(d->targets[i].hosts);
	free(d->targets);
	free(d->hosts);
	free(d->folder);
	free(d->key);
	free(d);
}

static struct destination *make(struct destinations *all, enum destination_kind kind, const char *key)
{
	struct destination *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->kind = kind;
	d->key = strdup(key);
	if (!d->key) {
		free(d);
		return NULL;
	}
	TAILQ_INIT(&d->jobs);
	TAILQ_INIT(&d->parked);
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->idle);
	TAILQ_INIT(&d->busy);
	d->window = DESTINATION_WINDOW_FIRST;
	d->cap = SIZE_MAX;
	HASH_ADD_KEYPTR(hh, all->table, d->key, strlen(d->key), d);
	return d;
}

struct destination *destination_find(const struct destinations *all, const char *key)
{
	struct destination *d;
	HASH_FIND(hh, all->table, key, strlen(key), d);
	return d;
}

static bool fill(struct destination *d, const struct route *route, const char *folder)
{
	if (d->kind != DESTINATION_FOLDER)
		return copy_targets(d, route);
	d->folder = strdup(folder);
	return d->folder != NULL;
}

/* What we say of ourselves, and where we come from. */
static void set_names(struct destination *d, const struct config_outbound *outbound)
{
	const struct config_words *source = &outbound->source_address;
	d->use_helo = outbound->use_helo;
	snprintf(d->helo, sizeof(d->helo), "%s", outbound->helo_name ? outbound->helo_name : "");
	snprintf(d->source, sizeof(d->source), "%s%s%s", source->n ? source->at[0] : "", source->n > 1 ? " " : "",
		 source->n > 1 ? source->at[1] : "");
}

struct destination *destination_get(struct destinations *all, const struct route *route, const char *folder)
{
	char key[DESTINATION_KEY_MAX];
	destination_key(route, folder, key);
	struct destination *d = destination_find(all, key);
	if (!d) {
		enum destination_kind kind = route->kind == ROUTE_DROP ? DESTINATION_FOLDER
					     : route->kind == ROUTE_MX ? DESTINATION_MX
								       : DESTINATION_HOSTS;
		d = make(all, kind, key);
		if (!d)
			return NULL;
		if (!fill(d, route, folder)) {
			HASH_DEL(all->table, d);
			destination_free(d);
			return NULL;
		}
	}
	if (route->kind == ROUTE_MX)
		d->targets[0].private_mx = route->private_mx;
	if (route->kind != ROUTE_DROP) {
		route_block_format(&route->security, d->security);
		route_block_format(&route->credentials, d->credentials);
		set_names(d, route->outbound);
		d->timeout_ms = route->outbound->timeout;
		place_gate(all, d, route);
	}
	return d;
}

struct destination *destination_notices(struct destinations *all)
{
	struct destination *d = destination_find(all, "notices");
	return d ? d : make(all, DESTINATION_NOTICES, "notices");
}

void destination_ref(struct destinations *all, struct destination **ref, struct destination *d)
{
	struct destination *old = *ref;
	if (d)
		d->refs++;
	*ref = d;
	if (old && --old->refs == 0)
		destination_tidy(all, old);
}

/* What is down stays, so that the next message finds it so. */
void destination_tidy(struct destinations *all, struct destination *d)
{
	if (d->refs || d->queued || d->at_workers || d->asking || d->down_ms)
		return;
	HASH_DEL(all->table, d);
	destination_free(d);
}

void destinations_sweep(struct destinations *all, int64_t now_ms)
{
	struct destination *d, *next;
	HASH_ITER(hh, all->table, d, next)
	{
		if (d->refs || now_ms - d->down_until < FORGET_DOWN_MS)
			continue;
		d->down_ms = 0;
		destination_tidy(all, d);
	}
	gates_sweep(&all->gates, now_ms);
}

void destinations_free(struct destinations *all)
{
	struct destination *d, *next;
	HASH_ITER(hh, all->table, d, next)
	{
		HASH_DEL(all->table, d);
		destination_free(d);
	}
	gates_free(&all->gates);
}

bool destination_is_local(const struct destination *d)
{
	return d->kind == DESTINATION_FOLDER || d->kind == DESTINATION_NOTICES;
}

static bool hosts_known(const struct destination *d, int64_t now_ms)
{
	return destination_is_local(d) || (d->hosts && d->hosts_until > now_ms);
}

bool destination_wants_hosts(const struct destination *d, int64_t now_ms)
{
	return d->queued && !d->asking && d->down_until <= now_ms && !hosts_known(d, now_ms);
}

bool destination_open(const struct destination *d, int64_t now_ms)
{
	return d->queued && d->down_until <= now_ms && hosts_known(d, now_ms) && gate_next(d->gate) <= now_ms;
}

size_t destination_window(const struct destination *d)
{
	if (d->down_ms)
		return 1;
	return d->window < d->cap ? d->window : d->cap;
}

size_t destination_room(const struct destination *d)
{
	size_t window = destination_window(d), room = gate_room(d->gate);
	if (d->connections >= window || d->open >= d->cap)
		return 0;
	if (room > d->cap - d->open)
		room = d->cap - d->open;
	return room < window - d->connections ? room : window - d->connections;
}

void destination_opened(struct destination *d)
{
	d->open++;
	if (d->gate)
		d->gate->open++;
}

void destination_closed(struct destination *d)
{
	d->open--;
	if (d->gate)
		d->gate->open--;
}

static void forget_hosts(struct destination *d)
{
	free(d->hosts);
	d->hosts = NULL;
}

/* What was found of each target, in order, as one list. */
static void join_hosts(struct destination *d)
{
	struct str text;
	struct host host;
	size_t count = 0;
	str_init(&text, HOSTS_TEXT_MAX);
	for (size_t i = 0; i < d->target_count; i++) {
		struct span rest = span_of(d->targets[i].hosts);
		while (count < HOSTS_MAX && hosts_next(&rest, &host) == 1) {
			hosts_append(&text, &host);
			count++;
		}
	}
	forget_hosts(d);
	d->hosts = text.at;
}

static enum destination_answer conclude(struct destination *d)
{
	bool later = false, found = false;
	for (size_t i = 0; i < d->target_count; i++) {
		if (d->targets[i].state == TARGET_ASKED)
			return DESTINATION_ASKING;
		later |= d->targets[i].state == TARGET_LATER;
		found |= d->targets[i].state == TARGET_FOUND;
	}
	d->asking = false;
	if (found)
		join_hosts(d);
	if (d->hosts && found)
		return DESTINATION_DONE;
	/* A name in the configuration that does not exist is a mistake to be mended, no reason to return mail. */
	return later || d->kind == DESTINATION_HOSTS ? DESTINATION_LATER : DESTINATION_NEVER;
}

enum destination_answer destination_answer(struct destination *d, size_t at, enum target_state state, struct span hosts,
					   int64_t ttl_ms, int64_t now_ms)
{
	struct target *t = &d->targets[at];
	int64_t until = now_ms + (ttl_ms > HOSTS_MIN_MS ? ttl_ms : HOSTS_MIN_MS);
	free(t->hosts);
	t->hosts = state == TARGET_FOUND ? strndup(hosts.at, hosts.len) : NULL;
	t->state = state == TARGET_FOUND && !t->hosts ? TARGET_LATER : state;
	t->serial = 0;
	if (until < d->hosts_until)
		d->hosts_until = until;
	return conclude(d);
}

static bool know_address(struct target *t)
{
	struct str text;
	if (t->kind != CONFIG_HOST_IP)
		return false;
	str_init(&text, HOSTS_TEXT_MAX);
	hosts_append(&text, &(struct host){.name = span_of(t->name), .ip = t->ip, .port = t->port});
	free(t->hosts);
	t->hosts = text.at;
	t->state = t->hosts ? TARGET_FOUND : TARGET_LATER;
	return true;
}

enum destination_answer destination_ask(struct destination *d, int64_t now_ms)
{
	d->asking = true;
	d->hosts_until = now_ms + HOSTS_MAX_MS;
	for (size_t i = 0; i < d->target_count; i++)
		if (!know_address(&d->targets[i]))
			d->targets[i].state = TARGET_ASKED;
	return conclude(d);
}

bool destination_up(struct destination *d)
{
	bool was_down = d->down_ms > 0;
	d->down_ms = 0;
	d->down_until = 0;
	if (++d->successes >= d->window) {
		d->successes = 0;
		if (d->window < d->cap)
			d->window++;
	}
	return was_down;
}

void destination_down(struct destination *d, int64_t now_ms, int64_t min_ms, int64_t max_ms, const char *reason)
{
	/* Jobs that were out together fail together: that is one failure. */
	if (d->down_until > now_ms)
		return;
	d->down_ms = d->down_ms ? 2 * d->down_ms : DOWN_FIRST_MS;
	if (d->down_ms < min_ms)
		d->down_ms = min_ms;
	if (d->down_ms > max_ms)
		d->down_ms = max_ms;
	d->down_until = now_ms + d->down_ms;
	d->window = d->window > 2 ? d->window / 2 : 1;
	d->successes = 0;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	forget_hosts(d);
}

void destination_retry(struct destination *d, int64_t now_ms)
{
	if (d->down_until > now_ms)
		d->down_until = now_ms;
}

bool destination_worth_waiting(const struct destination *d, int64_t now_ms)
{
	return d->down_until - now_ms <= WORTH_WAITING_MS;
}

const char *destination_health(const struct destination *d)
{
	return d->down_ms ? "down" : d->asking ? "resolving" : "up";
}

int64_t destination_describe(const struct destination *d, int64_t now_ms, char *why, size_t size)
{
	int64_t next = d->down_until, gate = gate_next(d->gate);
	why[0] = '\0';
	if (d->down_ms)
		snprintf(why, size, "%s", d->reason);
	else if (d->queued)
		gate_describe(d->gate, now_ms, why, size);
	if (gate > next && gate != INT64_MAX && d->queued)
		next = gate;
	return next > now_ms ? next - now_ms : 0;
}
