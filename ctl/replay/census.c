#include "ctl/replay/census.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/replay/cases.h"
#include "smtpd/policy/policy.h"

struct client *census_take(struct census *census, const struct row *row)
{
	struct client *client;
	HASH_FIND(hh, census->all, &row->client, sizeof(row->client), client);
	if (!client && HASH_COUNT(census->all) < CENSUS_MAX) {
		client = calloc(1, sizeof(*client));
		if (!client)
			return NULL;
		*client = (struct client){.ip = row->client, .last_s = ROW_NO_TIME};
		HASH_ADD(hh, census->all, ip, sizeof(client->ip), client);
		if (!HASH_ADDED(client)) {
			free(client);
			client = NULL;
		}
	}
	if (!client) {
		census->others++;
		return NULL;
	}
	if (row->time_s > client->last_s)
		client->last_s = row->time_s;
	if (row->name.len)
		span_clean(row->name, client->name, sizeof(client->name));
	return client;
}

void census_free(struct census *census)
{
	struct client *client, *next;
	HASH_ITER(hh, census->all, client, next)
	{
		HASH_DEL(census->all, client);
		free(client);
	}
}

static int by_address(struct client *a, struct client *b)
{
	return memcmp(&a->ip, &b->ip, sizeof(a->ip));
}

void census_sort(struct census *census)
{
	HASH_SORT(census->all, by_address);
}

static bool is_listed(const struct config_server *server, const struct client *client)
{
	const struct config_clients *list = &server->relay.list;
	const struct policy_client asked = {.ip = client->ip, .name_state = POLICY_NAME_UNCONFIRMED};
	if (server->relay.allow != CONFIG_ONLY_LISTED)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], &asked))
			return true;
	return false;
}

static void add_client(const struct config_server *server, const struct client *client, struct relay_entry *to)
{
	to->clients++;
	to->recipients += client->relayed;
	to->listed &= is_listed(server, client);
	if (client->last_s > to->last_s)
		to->last_s = client->last_s;
}

static bool same_network(const struct client *a, const struct client *b)
{
	struct ipaddr x = cases_network(&a->ip), y = cases_network(&b->ip);
	return ipaddr_equal(&x, &y);
}

bool census_next_entry(const struct config_server *server, const struct client **next, struct relay_entry *out)
{
	const struct client *client = *next;
	while (client && !client->relayed)
		client = client->hh.next;
	*next = NULL;
	if (!client)
		return false;
	struct relay_entry whole = {
		.first = client, .listed = true, .network = true, .ours = true, .last_s = ROW_NO_TIME};
	const struct client *at = client;
	for (; at && same_network(at, client); at = at->hh.next)
		if (at->relayed)
			add_client(server, at, &whole);
	*out = whole;
	if (whole.clients >= CENSUS_NETWORK_FROM && ipaddr_is_private(&client->ip)) {
		*next = at;
		return true;
	}
	*out = (struct relay_entry){.first = client, .listed = true, .last_s = ROW_NO_TIME};
	out->ours = ipaddr_is_private(&client->ip);
	add_client(server, client, out);
	*next = client->hh.next;
	return true;
}
