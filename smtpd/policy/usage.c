#include "smtpd/policy/usage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/fd.h"
#include "common/base/hash.h"
#include "common/config/value.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/rate.h"

enum {
	WAYS = 4, /* slots in which one key may be */
	SETS = USAGE_SLOTS / WAYS,
	USER_SETS = USAGE_USERS / WAYS, /* the first ones */
	IPV6_NET = 8,                   /* octets of an address that are compared */
	HOUR_MS = 3600 * 1000,
	OVER = USAGE_KINDS, /* in the tally, beside the kinds */
	TRIES = 1000        /* of an update while other workers update the same counter */
};
/* A rate, and which limit it was counted for. */
struct counter {
	_Atomic uint64_t word;
	_Atomic uint64_t mark;
};

/* Counts of one hour of the monotonic clock and of the one before; for people, so a race may lose some. */
struct tally {
	_Atomic uint64_t hour;
	_Atomic uint64_t now[USAGE_KINDS + 1];
	_Atomic uint64_t before[USAGE_KINDS + 1];
};

struct slot {
	_Atomic uint64_t key; /* 0 = empty */
	_Atomic int64_t used_ms;
	_Atomic int64_t told_ms; /* when its last log line was due; 0 = there was none */
	_Atomic uint32_t untold; /* how often it was over a limit since */
	uint8_t user;            /* as all here, it may be anything */
	uint8_t rule;
	char name[USAGE_NAME_MAX + 1];
	struct counter counters[USAGE_KINDS];
	struct tally tally;
};

/* Log lines about all clients, in the time of USAGE_QUIET_MS that began at SINCE_MS. */
struct lines {
	_Atomic int64_t since_ms;
	_Atomic uint32_t said;
	_Atomic uint32_t unsaid;
};

struct shared {
	struct lines lines;
	struct slot sets[SETS][WAYS];
};

struct usage {
	uint64_t secret;
	struct shared *shared;
};

static const struct {
	const char *setting;
	enum config_type type;
	size_t offset, origin;
} kinds[USAGE_KINDS] = {
	[USAGE_CONNECTIONS] = {"connection_rate", CONFIG_EVENTRATE,
			       offsetof(struct config_client_limits, connection_rate),
			       offsetof(struct config_client_limits, connection_rate_at)},
	[USAGE_MESSAGES] = {"messages", CONFIG_EVENTRATE, offsetof(struct config_client_limits, messages),
			    offsetof(struct config_client_limits, messages_at)},
	[USAGE_RECIPIENTS] = {"recipients", CONFIG_EVENTRATE, offsetof(struct config_client_limits, recipients),
			      offsetof(struct config_client_limits, recipients_at)},
	[USAGE_OCTETS] = {"octets", CONFIG_OCTETRATE, offsetof(struct config_client_limits, octets),
			  offsetof(struct config_client_limits, octets_at)},
	[USAGE_ERRORS] = {"errors", CONFIG_EVENTRATE, offsetof(struct config_client_limits, errors),
			  offsetof(struct config_client_limits, errors_at)},
};

const char *usage_setting(enum usage_kind kind)
{
	return kinds[kind].setting;
}

const struct config_rate *usage_limit(const struct config_server *server, enum usage_kind kind)
{
	return (const void *)((const char *)&server->client + kinds[kind].offset);
}

const struct config_origin *usage_origin(const struct config_server *server, enum usage_kind kind)
{
	return (const void *)((const char *)&server->client + kinds[kind].origin);
}

void usage_format(enum usage_kind kind, const struct config_rate *limit, struct str *to)
{
	config_value_format(kinds[kind].type, limit, to);
}

const struct config_client *usage_excepted(const struct config_server *server, const struct ipaddr *client)
{
	const struct policy_client who = {.ip = *client, .name_state = POLICY_NAME_UNCONFIRMED};
	const struct config_clients *list = &server->client.except_list;
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], &who))
			return &list->at[i];
	return NULL;
}

const struct config_origin *usage_written(const struct config_server *server, const struct ipaddr *client)
{
	if (usage_excepted(server, client))
		return NULL;
	for (enum usage_kind kind = 0; kind < USAGE_KINDS; kind++)
		if (usage_limit(server, kind)->count)
			return usage_origin(server, kind);
	return server->client.connections_at.line && server->client.connections != CONFIG_NONE
		       ? &server->client.connections_at
		       : NULL;
}

struct usage_who usage_counted(const struct config_server *server, enum usage_kind kind, const struct ipaddr *ip,
			       const char *user)
{
	bool early = kind == USAGE_CONNECTIONS || kind == USAGE_ERRORS;
	return (struct usage_who){ip, server->client.by == CONFIG_BY_USER && !early ? user : NULL, NULL};
}

struct usage_who usage_counted_for(const struct config_client_rule *rule, const struct ipaddr *ip, const char *user)
{
	return (struct usage_who){ip, rule->users.n ? user : NULL, rule->name};
}

struct usage_rule_limit usage_rule_limit(const struct config_client_rule *rule, enum usage_kind kind)
{
	if (kind == USAGE_MESSAGES)
		return (struct usage_rule_limit){&rule->messages, "messages", &rule->messages_at};
	if (kind == USAGE_RECIPIENTS)
		return (struct usage_rule_limit){&rule->recipient_rate, "recipient_rate", &rule->recipient_rate_at};
	return (struct usage_rule_limit){NULL, NULL, NULL};
}

/* An IPv4 address as ffff and its octets, which is no host's IPv6 network. */
uint64_t usage_net(const struct ipaddr *client)
{
	uint64_t net = 0;
	for (size_t i = 0; i < IPV6_NET; i++)
		net = net << 8 | client->octets[ipaddr_is_v4(client) ? i + IPV6_NET : i];
	return net ? net : 1;
}

struct usage *usage_new(void)
{
	struct usage *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	fd_random(&u->secret, sizeof(u->secret));
	u->shared = mmap(NULL, sizeof(*u->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (u->shared != MAP_FAILED)
		return u;
	free(u);
	return NULL;
}

void usage_free(struct usage *u)
{
	if (!u)
		return;
	munmap(u->shared, sizeof(*u->shared));
	free(u);
}

/* Never 0, which marks an empty slot. */
static uint64_t key_of(const struct usage *u, const struct usage_who *who)
{
	uint64_t key = who->user ? hash_span_nocase(u->secret, span_of(who->user)) : usage_net(who->ip);
	if (who->rule)
		key ^= hash_span_nocase(~u->secret, span_of(who->rule));
	return key ? key : 1;
}

/* Spreads keys evenly, also those that a client chose: it does not know the secret. */
static struct slot *set_of(const struct usage *u, const struct usage_who *who, uint64_t key)
{
	uint64_t hash = key ^ u->secret;
	for (int i = 0; i < 2; i++) {
		hash ^= hash >> 32;
		hash *= UINT64_C(0x9e3779b97f4a7c15);
	}
	hash ^= hash >> 32;
	return u->shared->sets[who->user ? hash % USER_SETS : USER_SETS + hash % (SETS - USER_SETS)];
}

static struct slot *find(const struct usage *u, const struct usage_who *who, uint64_t key)
{
	struct slot *set = set_of(u, who, key);
	for (size_t i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return &set[i];
	return NULL;
}

static void write_name(struct slot *slot, const struct usage_who *who)
{
	char text[IPADDR_TEXT_MAX];
	struct ipaddr net;
	slot->user = who->user != NULL;
	slot->rule = who->rule != NULL;
	if (who->user) {
		span_quotable(span_of(who->user), slot->name, sizeof(slot->name));
		return;
	}
	net = *who->ip;
	if (!ipaddr_is_v4(&net))
		memset(net.octets + IPV6_NET, 0, sizeof(net.octets) - IPV6_NET);
	ipaddr_format(&net, text);
	snprintf(slot->name, sizeof(slot->name), "%s%s", text, ipaddr_is_v4(&net) ? "" : "/64");
}

static void clear(struct slot *slot)
{
	for (size_t i = 0; i < USAGE_KINDS; i++)
		atomic_store(&slot->counters[i].word, 0);
	for (size_t i = 0; i <= OVER; i++) {
		atomic_store(&slot->tally.now[i], 0);
		atomic_store(&slot->tally.before[i], 0);
	}
	atomic_store(&slot->told_ms, 0);
	atomic_store(&slot->untold, 0);
}

/*
 * The slot of WHO, or the one that was idle for longest. When two workers take one slot at once, their counts mix: a
 * client may then wait longer than it should, for a period at most.
 */
static struct slot *find_or_take(struct usage *u, const struct usage_who *who, int64_t mono_ms)
{
	uint64_t key = key_of(u, who);
	struct slot *slot = find(u, who, key);
	if (!slot) {
		struct slot *set = set_of(u, who, key);
		slot = &set[0];
		for (size_t i = 1; i < WAYS; i++)
			if (atomic_load(&set[i].used_ms) < atomic_load(&slot->used_ms))
				slot = &set[i];
		/* A worker that dies before the last line leaves an empty slot, never a client with another name. */
		atomic_store(&slot->key, 0);
		clear(slot);
		write_name(slot, who);
		atomic_store(&slot->key, key);
	}
	atomic_store_explicit(&slot->used_ms, mono_ms, memory_order_relaxed);
	return slot;
}

static void tally_add(struct tally *t, size_t i, uint64_t n, int64_t mono_ms)
{
	uint64_t hour = (uint64_t)(mono_ms / HOUR_MS), then = atomic_load(&t->hour);
	if (hour != then && atomic_compare_exchange_strong(&t->hour, &then, hour))
		for (size_t k = 0; k <= OVER; k++) {
			uint64_t old = atomic_exchange(&t->now[k], 0);
			atomic_store(&t->before[k], hour == then + 1 ? old : 0);
		}
	atomic_fetch_add_explicit(&t->now[i], n, memory_order_relaxed);
}

/* This hour's count, and of the one before the share that is in the last 60 minutes. */
static uint64_t tally_get(const struct tally *t, size_t i, int64_t mono_ms)
{
	uint64_t hour = (uint64_t)(mono_ms / HOUR_MS), then = atomic_load(&t->hour), now = atomic_load(&t->now[i]);
	uint64_t left = HOUR_MS - (uint64_t)(mono_ms % HOUR_MS);
	if (hour == then)
		return now + (uint64_t)((unsigned __int128)atomic_load(&t->before[i]) * left / HOUR_MS);
	return hour == then + 1 ? (uint64_t)((unsigned __int128)now * left / HOUR_MS) : 0;
}

static uint64_t word_of(const struct counter *counter, const struct config_rate *limit)
{
	return atomic_load(&counter->mark) == rate_mark(limit) ? atomic_load(&counter->word) : 0;
}

int64_t usage_take(struct usage *u, const struct usage_who *who, enum usage_kind kind, uint64_t n,
		   const struct config_rate *limit, bool force, int64_t mono_ms)
{
	struct slot *slot = find_or_take(u, who, mono_ms);
	struct counter *counter = &slot->counters[kind];
	uint64_t mark = rate_mark(limit);
	int64_t wait = 0;
	if (atomic_load(&counter->mark) != mark) {
		atomic_store(&counter->word, 0);
		atomic_store(&counter->mark, mark);
	}
	uint64_t word = atomic_load(&counter->word);
	for (int i = 0; limit->count && i < TRIES; i++) {
		wait = rate_wait_ms(word, limit, n, mono_ms);
		if (wait && !force)
			return wait;
		if (atomic_compare_exchange_weak(&counter->word, &word, rate_add(word, limit, n, mono_ms)))
			break;
	}
	tally_add(&slot->tally, kind, n, mono_ms);
	return wait;
}

int64_t usage_wait_ms(const struct usage *u, const struct usage_who *who, enum usage_kind kind, uint64_t n,
		      const struct config_rate *limit, int64_t mono_ms)
{
	const struct slot *slot = limit->count ? find(u, who, key_of(u, who)) : NULL;
	return slot ? rate_wait_ms(word_of(&slot->counters[kind], limit), limit, n, mono_ms) : 0;
}

uint64_t usage_used(const struct usage *u, const struct usage_who *who, enum usage_kind kind,
		    const struct config_rate *limit, int64_t mono_ms)
{
	const struct slot *slot = find(u, who, key_of(u, who));
	return slot ? rate_used(word_of(&slot->counters[kind], limit), limit, mono_ms) : 0;
}

/* Whether SINCE_MS, which is in shared memory, lies in the last USAGE_QUIET_MS. */
static bool is_recent(int64_t since_ms, int64_t mono_ms)
{
	return since_ms > 0 && since_ms <= mono_ms && mono_ms - since_ms < USAGE_QUIET_MS;
}

static bool has_room(struct lines *lines, int64_t mono_ms)
{
	int64_t since = atomic_load(&lines->since_ms);
	if (!is_recent(since, mono_ms) && atomic_compare_exchange_strong(&lines->since_ms, &since, mono_ms))
		atomic_store(&lines->said, 0);
	if (atomic_fetch_add(&lines->said, 1) < USAGE_LINES_MAX)
		return true;
	atomic_store(&lines->said, USAGE_LINES_MAX);
	atomic_fetch_add(&lines->unsaid, 1);
	return false;
}

unsigned usage_over(struct usage *u, const struct usage_who *who, int64_t mono_ms)
{
	struct slot *slot = find_or_take(u, who, mono_ms);
	int64_t last = atomic_load(&slot->told_ms);
	tally_add(&slot->tally, OVER, 1, mono_ms);
	atomic_fetch_add(&slot->untold, 1);
	if (is_recent(last, mono_ms) || !atomic_compare_exchange_strong(&slot->told_ms, &last, mono_ms) ||
	    !has_room(&u->shared->lines, mono_ms))
		return 0;
	return atomic_exchange(&slot->untold, 0);
}

unsigned usage_take_unsaid(struct usage *u)
{
	return atomic_exchange(&u->shared->lines.unsaid, 0);
}

static void find_nearest(const struct slot *slot, const struct config_server *server, int64_t mono_ms,
			 struct usage_row *out)
{
	for (enum usage_kind i = 0; i < USAGE_KINDS; i++) {
		const struct config_rate *limit = usage_limit(server, i);
		uint64_t word = word_of(&slot->counters[i], limit);
		unsigned percent = rate_percent(word, limit, mono_ms);
		if (percent <= out->percent)
			continue;
		out->nearest = i;
		out->percent = percent;
		out->wait_ms = rate_wait_ms(word, limit, 1, mono_ms);
	}
}

bool usage_get(const struct usage *u, size_t i, const struct config_server *server, int64_t mono_ms,
	       struct usage_row *out)
{
	const struct slot *slot = &u->shared->sets[i / WAYS][i % WAYS];
	char name[sizeof(slot->name)];
	*out = (struct usage_row){.net = atomic_load(&slot->key), .user = slot->user};
	int64_t used = atomic_load(&slot->used_ms);
	out->idle_ms = used >= 0 && mono_ms > used ? mono_ms - used : 0;
	if (!out->net || out->idle_ms >= HOUR_MS || slot->rule)
		return false;
	memcpy(name, slot->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	span_quotable(span_of(name), out->name, sizeof(out->name));
	for (enum usage_kind k = 0; k < USAGE_KINDS; k++)
		out->counts[k] = tally_get(&slot->tally, k, mono_ms);
	out->over = tally_get(&slot->tally, OVER, mono_ms);
	find_nearest(slot, server, mono_ms, out);
	return true;
}
