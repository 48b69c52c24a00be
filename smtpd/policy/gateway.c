#include "smtpd/policy/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/hash.h"
#include "common/base/language.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/usage.h"

enum { ENTRY_MAX = 4500 };

enum { AGED_AT = 1000 }; /* sessions of one worker; then older ones count half */

/*
 * The majority vote of Boyer and Moore: a session of the candidate adds a vote, another one takes one away. The
 * remaining votes are at most the candidate's sessions, and close to them when nearly all sessions are its own.
 */
struct vote {
	struct ipaddr favourite;
	uint32_t votes;
	uint32_t sessions;
	uint64_t names; /* of the candidate: one bit each, by hash */
};

struct gateway {
	size_t slots;
	struct vote *shared;
};

struct gateway *gateway_new(size_t slots)
{
	struct gateway *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->slots = slots;
	g->shared = mmap(NULL, slots * sizeof(*g->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->shared != MAP_FAILED)
		return g;
	free(g);
	return NULL;
}

void gateway_free(struct gateway *g)
{
	if (g)
		munmap(g->shared, g->slots * sizeof(*g->shared));
	free(g);
}

static uint64_t name_bit(struct span name)
{
	return UINT64_C(1) << (hash_span_nocase(HASH_START, name) >> 58);
}

void gateway_count(struct gateway *g, size_t slot, const struct ipaddr *client, struct span helo)
{
	struct vote *v = &g->shared[slot];
	if (v->sessions >= AGED_AT) {
		v->sessions /= 2;
		v->votes /= 2;
		v->names = 0;
	}
	v->sessions++;
	if (!v->votes) {
		v->favourite = *client;
		v->names = 0;
	}
	if (!ipaddr_equal(&v->favourite, client)) {
		v->votes--;
		return;
	}
	v->votes++;
	v->names |= name_bit(helo);
}

/* The votes in one worker's slot, bounded: the memory is shared. */
static struct vote look(const struct gateway *g, size_t slot)
{
	struct vote v = g->shared[slot];
	if (v.sessions > AGED_AT)
		v.sessions = AGED_AT;
	if (v.votes > v.sessions)
		v.votes = v.sessions;
	return v;
}

/* The votes of all workers together. */
static struct vote count_all(const struct gateway *g)
{
	struct vote all = {.votes = 0};
	uint64_t left = 0, votes = 0, sessions = 0;
	for (size_t i = 0; i < g->slots; i++) {
		struct vote v = look(g, i);
		bool same = ipaddr_equal(&v.favourite, &all.favourite);
		if (!same && v.votes > left)
			all.favourite = v.favourite;
		left = same ? left + v.votes : left > v.votes ? left - v.votes : v.votes - left;
	}
	for (size_t i = 0; i < g->slots; i++) {
		struct vote v = look(g, i);
		sessions += v.sessions;
		if (!v.votes || !ipaddr_equal(&v.favourite, &all.favourite))
			continue;
		votes += v.votes;
		all.names |= v.names;
	}
	all.sessions = (uint32_t)sessions;
	all.votes = (uint32_t)votes;
	return all;
}

static bool is_gateway(const struct vote *v)
{
	return v->sessions >= GATEWAY_SESSIONS_MIN &&
	       (uint64_t)v->votes * 100 >= (uint64_t)v->sessions * GATEWAY_PERCENT &&
	       __builtin_popcountll(v->names) >= GATEWAY_NAMES_MIN;
}

static void warn_of_relay(const struct vote *all, const struct config_server *server, const char *address,
			  struct str *to)
{
	struct policy_client client = {.ip = all->favourite, .name_state = POLICY_NAME_UNCONFIRMED};
	struct policy_decision relay;
	policy_relay_from(server, &client, (struct span){NULL, 0}, POLICY_RELAY_LISTED, &relay);
	if (!relay.accepted)
		return;
	const struct policy_step *step = &relay.steps[0];
	char entry[ENTRY_MAX];
	int len = snprintf(entry, sizeof(entry), "%.300s", step->text ? step->text : "relay allow");
	if (step->origin->line)
		snprintf(entry + len, sizeof(entry) - (size_t)len, " (%s:%u)", step->origin->file, step->origin->line);
	str_printf(
		to,
		N_("%u of the last %u sessions, of clients with many names, came from %s, which may relay by %s: if it is a gateway (NAT, proxy, container bridge), every host behind it may relay, too: make the gateway keep the clients' addresses (a load balancer: listen ... proxy), or remove it from relay list"),
		all->votes, all->sessions, address, entry);
}

static void warn_of_limits(const struct vote *all, const struct config_server *server, const char *address,
			   struct str *to)
{
	const struct config_origin *at = usage_written(server, &all->favourite);
	if (!at)
		return;
	str_append_text(to, to->len ? "; " : "");
	str_printf(
		to,
		N_("%u of the last %u sessions, of clients with many names, came from %s, which is one client for the limits at %s:%u: if it is a gateway (NAT, proxy, load balancer), add it to except_list in client"),
		all->votes, all->sessions, address, at->file, at->line);
}

void gateway_warn(const struct gateway *g, const struct config_server *server, struct str *to)
{
	struct vote all = count_all(g);
	char address[IPADDR_TEXT_MAX];
	if (!is_gateway(&all))
		return;
	ipaddr_format(&all.favourite, address);
	warn_of_relay(&all, server, address, to);
	warn_of_limits(&all, server, address, to);
}
