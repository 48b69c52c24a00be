#include "ctl/replay/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"

enum { V4_HOST_AT = 15, V6_HOST_AT = 8, OCTETS = 16 };

struct ipaddr cases_network(const struct ipaddr *client)
{
	struct ipaddr network = *client;
	size_t host = ipaddr_is_v4(client) ? V4_HOST_AT : V6_HOST_AT;
	memset(network.octets + host, 0, OCTETS - host);
	return network;
}

void cases_network_format(const struct ipaddr *network, char *to)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(network, address);
	snprintf(to, CASES_NETWORK_TEXT_MAX, "%s%s", address, ipaddr_is_v4(network) ? "/24" : "/64");
}

/* What the groups are made by, beside the domain. All of it is octets without padding, so that keys can be compared. */
struct key {
	struct ipaddr network;
	const struct config_origin *origin;
	const char *text, *fault;
	unsigned char old, outcome, depends, rule, zero[4];
};

static size_t make_key(const struct cases_group *group, struct span domain, char *to)
{
	const struct verdict *now = &group->now;
	struct key key = {
		.network = group->network,
		.origin = now->step.origin,
		.text = now->step.text,
		.fault = now->fault,
		.old = (unsigned char)group->old,
		.outcome = (unsigned char)now->outcome,
		.depends = (unsigned char)now->depends,
		.rule = (unsigned char)now->step.rule,
	};
	memcpy(to, &key, sizeof(key));
	size_t len = domain.len < DOMAIN_MAX ? domain.len : DOMAIN_MAX;
	for (size_t i = 0; i < len; i++)
		to[sizeof(key) + i] = (char)ascii_lower(domain.at[i]);
	to[sizeof(key) + len] = '\0';
	return sizeof(key) + len;
}

static struct cases_group *group_of(struct cases *cases, const struct cases_group *like, struct span domain)
{
	char key[sizeof(struct key) + DOMAIN_MAX + 1];
	size_t len = make_key(like, domain, key);
	struct cases_group *group;
	HASH_FIND(hh, cases->groups, key, len, group);
	if (group || HASH_COUNT(cases->groups) >= CASES_MAX)
		return group;
	group = malloc(sizeof(*group) + len + 1);
	if (!group)
		return NULL;
	*group = *like;
	memcpy(group->key, key, len + 1);
	group->key_len = len;
	group->domain = group->key + sizeof(struct key);
	HASH_ADD_KEYPTR(hh, cases->groups, group->key, len, group);
	if (HASH_ADDED(group))
		return group;
	free(group);
	return NULL;
}

void cases_add(struct cases *cases, const struct example *example, int64_t time_s, struct span domain, enum outcome old,
	       const struct verdict *now)
{
	struct cases_group like = {
		.network = cases_network(&example->client),
		.old = old,
		.now = *now,
		.one_client = true,
		.first_s = time_s,
		.last_s = time_s,
		.example = *example,
	};
	struct cases_group *group = group_of(cases, &like, domain);
	if (!group) {
		cases->others++;
		return;
	}
	group->count++;
	group->one_client &= ipaddr_equal(&group->example.client, &example->client);
	if (time_s >= 0 && (group->first_s < 0 || time_s < group->first_s))
		group->first_s = time_s;
	if (time_s > group->last_s)
		group->last_s = time_s;
}

void cases_free(struct cases *cases)
{
	struct cases_group *group, *next;
	HASH_ITER(hh, cases->groups, group, next)
	{
		HASH_DEL(cases->groups, group);
		free(group);
	}
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

/* What follows the network in the keys. */
static int compare_rules(const struct cases_group *a, const struct cases_group *b)
{
	size_t at = sizeof(struct ipaddr);
	return memcmp(a->key + at, b->key + at, sizeof(struct key) - at);
}

static int compare_networks(const struct cases_group *a, const struct cases_group *b)
{
	bool x = ipaddr_is_private(&a->network), y = ipaddr_is_private(&b->network);
	if (x != y)
		return x ? -1 : 1;
	return x ? memcmp(&a->network, &b->network, sizeof(a->network)) : 0;
}

static bool same_line(const struct cases_group *a, const struct cases_group *b)
{
	return !compare_rules(a, b) && !compare_networks(a, b);
}

/* Groups of one line stand together, the largest first. */
static int line_order(const void *a, const void *b)
{
	const struct cases_group *x = *(struct cases_group *const *)a, *y = *(struct cases_group *const *)b;
	int order = compare_rules(x, y);
	if (!order)
		order = compare_networks(x, y);
	if (!order)
		order = by_number(x->count, y->count);
	if (!order)
		order = strcmp(x->domain, y->domain);
	return order ? order : memcmp(&x->network, &y->network, sizeof(x->network));
}

static int largest_first(const void *a, const void *b)
{
	const struct cases_line *x = a, *y = b;
	int order = by_number(x->count, y->count);
	return order ? order : line_order(&x->largest, &y->largest);
}

static size_t collect(const struct cases *cases, bool unknowable, struct cases_group **to)
{
	size_t count = 0;
	for (struct cases_group *group = cases->groups; group; group = group->hh.next)
		if ((group->now.outcome == OUTCOME_UNKNOWABLE) == unknowable)
			to[count++] = group;
	return count;
}

size_t cases_lines(const struct cases *cases, bool unknowable, struct cases_line **lines)
{
	size_t most = HASH_COUNT(cases->groups), line_count = 0;
	*lines = most ? calloc(most, sizeof(**lines) + sizeof(struct cases_group *)) : NULL;
	if (!*lines)
		return 0;
	struct cases_group **groups = (struct cases_group **)(*lines + most); /* in the same memory, behind the lines */
	size_t group_count = collect(cases, unknowable, groups);
	qsort(groups, group_count, sizeof(*groups), line_order);
	for (size_t i = 0; i < group_count; i++) {
		if (!i || !same_line(groups[i], groups[i - 1]))
			(*lines)[line_count++] = (struct cases_line){.groups = groups + i, .largest = groups[i]};
		(*lines)[line_count - 1].group_count++;
		(*lines)[line_count - 1].count += groups[i]->count;
	}
	qsort(*lines, line_count, sizeof(**lines), largest_first);
	return line_count;
}

void cases_lines_free(struct cases_line *lines)
{
	free(lines);
}

static int domain_order(const void *a, const void *b)
{
	const struct cases_group *x = *(struct cases_group *const *)a, *y = *(struct cases_group *const *)b;
	return strcmp(x->domain, y->domain);
}

static int network_order(const void *a, const void *b)
{
	const struct cases_group *x = *(struct cases_group *const *)a, *y = *(struct cases_group *const *)b;
	return memcmp(&x->network, &y->network, sizeof(x->network));
}

static void insert(struct cases_part top[CASES_TOP], struct cases_part part)
{
	for (size_t i = 0; i < CASES_TOP; i++) {
		if (top[i].count >= part.count)
			continue;
		struct cases_part next = top[i];
		top[i] = part;
		part = next;
	}
}

size_t cases_top(struct cases_line *line, bool networks, struct cases_part top[CASES_TOP])
{
	int (*order)(const void *, const void *) = networks ? network_order : domain_order;
	size_t parts = 0;
	memset(top, 0, CASES_TOP * sizeof(*top));
	qsort(line->groups, line->group_count, sizeof(struct cases_group *), order);
	for (size_t i = 0; i < line->group_count; parts++) {
		struct cases_part part = {.group = line->groups[i]};
		for (; i < line->group_count && !order(&line->groups[i], &part.group); i++)
			part.count += line->groups[i]->count;
		insert(top, part);
	}
	return parts;
}

bool cases_one_client(const struct cases_line *line)
{
	for (size_t i = 0; i < line->group_count; i++)
		if (!line->groups[i]->one_client ||
		    !ipaddr_equal(&line->groups[i]->example.client, &line->largest->example.client))
			return false;
	return true;
}
