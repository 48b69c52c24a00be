#include "queue/model/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/oauth.h"
#include "queue/model/atrn.h"
#include "queue/model/etrn_hold.h"

enum {
	KEY_TEXT_MAX = DESTINATION_TARGETS_MAX * 600, /* of a provider */
	DOWN_FIRST_MS = 1000,
	FORGET_DOWN_MS = 600 * 1000,
	WORTH_WAITING_MS = 10 * 1000,
};

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
		t->name[0] = '\0'; /* a name of this length can't exist; the resolver says so */
	}
}

static void add_listed(struct destination *d, const struct route *route)
{
	for (size_t i = 0; i < route->hosts->n && d->target_count < DESTINATION_TARGETS_MAX; i++) {
		const struct config_host *host = &route->hosts->at[i];
		struct target *t = &d->targets[d->target_count++];
		set_target(t, host->kind, span_of(host->name), host->kind == CONFIG_HOST_IP ? &host->ip : NULL,
			   hop_name_port(host, route->outbound));
		t->weight = (uint16_t)host->weight;
		d->weighted |= host->weight > 0;
	}
}

/* The recipient's domain or literal, if ROUTE uses it; then the hosts from the configuration. */
static bool copy_targets(struct destination *d, const struct route *route)
{
	uint16_t port = (uint16_t)route->outbound->port;
	d->targets = calloc((route->hosts ? route->hosts->n : 0) + 1, sizeof(*d->targets));
	if (!d->targets)
		return false;
	if (route->kind != ROUTE_HOSTS) {
		struct target *t = &d->targets[d->target_count++];
		bool mx = route->kind == ROUTE_MX;
		set_target(t, mx ? CONFIG_HOST_MX : CONFIG_HOST_IP, route->domain, mx ? NULL : &route->literal, port);
		t->found = true;
	}
	if (route->hosts)
		add_listed(d, route);
	return true;
}

/* Puts D under the limits that ROUTE has. */
static void place_provider(struct destinations *all, struct destination *d, const struct route *route)
{
	const struct config_outbound *o = route->outbound;
	struct provider *p = NULL;
	struct str key;
	if (o->rate.count || o->max_connections != CONFIG_NONE) {
		str_init(&key, KEY_TEXT_MAX);
		hop_name_provider(route, &key);
		p = provider_get(&all->providers, str_text(&key), o->rate,
				 o->max_connections == CONFIG_NONE ? SIZE_MAX : (size_t)o->max_connections);
		str_free(&key);
		if (!p)
			return;
	}
	if (p == d->provider)
		return;
	if (d->provider)
		d->provider->open -= d->open;
	provider_ref(&d->provider, p);
	if (p)
		p->open += d->open;
}

static void destination_free(struct destination *d)
{
	provider_ref(&d->provider, NULL);
	atrn_free(d->atrn);
	free(d->etrn);
	for (size_t i = 0; i < d->target_count; i++)
		free(d->targets[i].hosts);
	free(d->targets);
	free(d->hosts);
	free(d->written);
	free(d->folder);
	free(d->key);
	free(d);
}

struct destination *destination_make(struct destinations *all, enum destination_kind kind, const char *key)
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
	window_init(&d->window);
	d->cap = SIZE_MAX;
	HASH_ADD_KEYPTR(hh, all->table, d->key, strlen(d->key), d);
	if (HASH_ADDED(d))
		return d;
	destination_free(d);
	return NULL;
}

struct destination *destination_find(const struct destinations *all, const char *key)
{
	struct destination *d;
	HASH_FIND(hh, all->table, key, strlen(key), d);
	return d;
}

static bool fill(struct destination *d, const struct route *route, const char *folder)
{
	if (route->etrn && !(d->etrn = etrn_hold_new(route)))
		return false;
	if (d->kind != DESTINATION_FOLDER)
		return copy_targets(d, route);
	d->folder = strdup(folder);
	return d->folder != NULL;
}

/* Our HELO name and our source addresses. */
static void set_names(struct destination *d, const struct config_outbound *outbound)
{
	const struct config_words *source = &outbound->source_address;
	d->use_helo = outbound->use_helo;
	snprintf(d->helo, sizeof(d->helo), "%s", outbound->helo_name ? outbound->helo_name : "");
	snprintf(d->source, sizeof(d->source), "%s%s%s", source->n ? source->at[0] : "", source->n > 1 ? " " : "",
		 source->n > 1 ? source->at[1] : "");
}

/* The sender addresses that its hosts accept from us. */
static void set_identity(struct destination *d, const struct route *route)
{
	static const struct config_outbound own = {.send_as = NULL};
	const struct config_outbound *o = route->identity ? route->identity : &own;
	span_copy(route_sender(route, false), d->send_as, sizeof(d->send_as));
	span_copy(route_sender(route, true), d->notice_sender, sizeof(d->notice_sender));
	d->send_as_header = o->send_as_header;
	d->send_as_keep_name = o->send_as_keep_name;
	d->send_as_reply_to = o->send_as_reply_to;
}

/* Without memory the messages lack this detail. */
static void set_written(struct destination *d, const struct route *route)
{
	char written[ROUTE_WRITTEN_MAX];
	route_written_format(route, written);
	if (d->written && !strcmp(d->written, written))
		return;
	free(d->written);
	d->written = strdup(written);
}

struct destination *destination_get(struct destinations *all, const struct route *route, const char *folder)
{
	char key[HOP_NAME_MAX];
	hop_name_format(route, folder, key);
	struct destination *d = destination_find(all, key);
	if (!d && route->mailbox.len && all->mailboxes >= DESTINATION_MAILBOXES_MAX) {
		struct route shared = *route;
		shared.mailbox = (struct span){0};
		return destination_get(all, &shared, folder);
	}
	if (!d) {
		enum destination_kind kind = route->kind == ROUTE_DROP ? DESTINATION_FOLDER
					     : route->kind == ROUTE_MX ? DESTINATION_MX
								       : DESTINATION_HOSTS;
		d = destination_make(all, kind, key);
		if (!d)
			return NULL;
		if (!fill(d, route, folder)) {
			HASH_DEL(all->table, d);
			destination_free(d);
			return NULL;
		}
		d->of_mailbox = route->mailbox.len > 0;
		all->mailboxes += d->of_mailbox;
	}
	if (route->kind == ROUTE_MX)
		d->targets[0].private_mx = route->private_mx;
	if (route->kind != ROUTE_DROP) {
		route_block_format(&route->security, d->security);
		route_block_format(&route->credentials, d->credentials);
		set_written(d, route);
		set_names(d, route->outbound);
		set_identity(d, route);
		d->manner = hop_name_manner(route);
		d->timeout_ms = route->outbound->timeout;
		place_provider(all, d, route);
	}
	if (route->etrn)
		d->etrn->expire_ms = route->etrn->expire;
	return d;
}

struct destination *destination_notices(struct destinations *all)
{
	struct destination *d = destination_find(all, "notices");
	return d ? d : destination_make(all, DESTINATION_NOTICES, "notices");
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

/* A next hop that is down stays, so that the next message finds it down. */
void destination_tidy(struct destinations *all, struct destination *d)
{
	bool open = d->etrn && d->etrn->open_until;
	if (d->refs || d->queued || d->at_workers || d->asking || d->down_ms || open)
		return;
	all->mailboxes -= d->of_mailbox;
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
	providers_sweep(&all->providers, now_ms);
	health_sweep(&all->health, now_ms);
}

void destinations_free(struct destinations *all)
{
	struct destination *d, *next;
	HASH_ITER(hh, all->table, d, next)
	{
		HASH_DEL(all->table, d);
		destination_free(d);
	}
	providers_free(&all->providers);
	health_free(&all->health);
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
	return (d->queued || d->wanted) && !d->asking && d->down_until <= now_ms && !hosts_known(d, now_ms);
}

bool destination_open(const struct destination *d, int64_t now_ms)
{
	return d->queued && d->down_until <= now_ms && hosts_known(d, now_ms) && provider_next(d->provider) <= now_ms;
}

size_t destination_window(const struct destination *d)
{
	if (d->down_ms)
		return 1;
	return d->window.size < d->cap ? d->window.size : d->cap;
}

size_t destination_room(const struct destination *d)
{
	if (atrn_is(d))
		return atrn_room(d);
	size_t window = destination_window(d), room = provider_room(d->provider);
	if (d->connections >= window || d->open >= d->cap)
		return 0;
	if (room > d->cap - d->open)
		room = d->cap - d->open;
	return room < window - d->connections ? room : window - d->connections;
}

void destination_opened(struct destination *d)
{
	d->open++;
	if (d->provider)
		d->provider->open++;
}

void destination_closed(struct destination *d)
{
	d->open--;
	if (d->provider)
		d->provider->open--;
}

bool destination_up(struct destination *d)
{
	bool was_down = d->down_ms > 0;
	d->down_ms = 0;
	d->down_until = 0;
	window_success(&d->window, d->cap);
	return was_down;
}

void destination_down(struct destination *d, int64_t now_ms, int64_t min_ms, int64_t max_ms, const char *reason)
{
	/* Jobs that run at the same time fail at the same time: that is one failure. */
	if (d->down_until > now_ms)
		return;
	d->down_ms = d->down_ms ? 2 * d->down_ms : DOWN_FIRST_MS;
	if (d->down_ms < min_ms)
		d->down_ms = min_ms;
	if (d->down_ms > max_ms)
		d->down_ms = max_ms;
	d->down_until = now_ms + d->down_ms;
	window_down(&d->window);
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	destination_forget_hosts(d);
}

void destination_refused(struct destination *d, int64_t now_ms, int64_t max_ms, const char *reason)
{
	if (d->down_until <= now_ms && window_refusal(&d->window))
		destination_down(d, now_ms, 0, max_ms, reason);
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
	int64_t next = d->down_until, limit = provider_next(d->provider);
	why[0] = '\0';
	etrn_hold_describe(d, now_ms, why, size);
	if (why[0])
		return 0;
	if (d->down_ms)
		snprintf(why, size, "%s", d->reason);
	else if (d->queued)
		provider_describe(d->provider, now_ms, why, size);
	if (limit > next && limit != INT64_MAX && d->queued)
		next = limit;
	return next > now_ms ? next - now_ms : 0;
}
