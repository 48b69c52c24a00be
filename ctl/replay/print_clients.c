#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/print_parts.h"
#include "ctl/table.h"

enum { NETWORKS_SHOWN = 15, PUBLIC_SHOWN = 20, MISSING_SHOWN = 10, STRANGERS_MIN = 5, DATE_LEN = 10 };

struct network {
	struct ipaddr ip;
	uint64_t clients, sessions, messages, accepted, refused, relayed;
	char name[CENSUS_NAME_MAX]; /* of its client if there is only one */
};

static size_t add_to_networks(struct network *networks, size_t count, const struct client *client)
{
	struct ipaddr ip = cases_network(&client->ip);
	if (!count || !ipaddr_equal(&networks[count - 1].ip, &ip))
		networks[count++] = (struct network){.ip = ip};
	struct network *network = &networks[count - 1];
	network->clients++;
	network->sessions += client->sessions;
	network->messages += client->messages;
	network->accepted += client->accepted;
	network->refused += client->refused;
	network->relayed += client->relayed + client->authenticated;
	memcpy(network->name, network->clients == 1 ? client->name : "",
	       network->clients == 1 ? sizeof(network->name) : 1);
	return count;
}

static int most_messages_first(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	if (x->messages != y->messages)
		return x->messages < y->messages ? 1 : -1;
	return memcmp(&x->ip, &y->ip, sizeof(x->ip));
}

static void add_row(struct table *table, const struct network *network)
{
	const uint64_t values[] = {network->clients,  network->sessions, network->messages,
				   network->accepted, network->refused,  network->relayed};
	char address[CASES_NETWORK_TEXT_MAX], numbers[6][24];
	struct span cells[8] = {{0}};
	cases_network_format(&network->ip, address);
	cells[0] = span_of(address);
	for (size_t i = 0; i < 6; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%llu", (unsigned long long)values[i]);
		cells[1 + i] = span_of(values[i] ? numbers[i] : "");
	}
	cells[7] = span_of(network->name);
	table_add(table, cells);
}

void print_clients(const struct replay *replay)
{
	static const char *const headings[] = {N_("NETWORK"),  N_("CLIENTS"), N_("SESSIONS"), N_("MESSAGES"),
					       N_("ACCEPTED"), N_("REFUSED"), N_("RELAYED"),  "HELO"};
	const struct census *census = &replay->census;
	struct network *networks = calloc(HASH_COUNT(census->all) + 1, sizeof(*networks));
	struct table table;
	size_t count = 0;
	if (!networks)
		return;
	for (const struct client *client = census->all; client; client = client->hh.next)
		count = add_to_networks(networks, count, client);
	qsort(networks, count, sizeof(*networks), most_messages_first);
	printf(_("\nClients (addresses: %u, networks: %zu); accepted, refused and relayed are recipients at the old server\n"),
	       HASH_COUNT(census->all), count);
	table_init(&table, 8, 0x7e, headings);
	for (size_t i = 0; i < count && i < NETWORKS_SHOWN; i++)
		add_row(&table, &networks[i]);
	table_print(&table, 2, stdout);
	table_free(&table);
	if (count > NETWORKS_SHOWN)
		printf(_("  and %zu more networks; --json has all clients\n"), count - NETWORKS_SHOWN);
	if (census->others)
		printf(_("  %llu rows are of clients beyond the first %d, which are not listed here\n"),
		       (unsigned long long)census->others, CENSUS_MAX);
	free(networks);
}

static void entry_text(const struct relay_entry *entry, char *to)
{
	struct ipaddr network = cases_network(&entry->first->ip);
	if (entry->network)
		cases_network_format(&network, to);
	else
		ipaddr_format(&entry->first->ip, to);
}

static void print_entry(const struct relay_entry *entry)
{
	char text[CASES_NETWORK_TEXT_MAX], last[MOMENT_TEXT_MAX];
	entry_text(entry, text);
	moment_format(entry->last_s, last);
	printf("        %slist %-*s  # ", entry->ours ? "" : "#", entry->ours ? 20 : 19, text);
	if (entry->network)
		printf(_("%zu clients, "), entry->clients);
	printf(ngettext("%llu recipient", "%llu recipients", entry->recipients), (unsigned long long)entry->recipients);
	if (!entry->network && entry->first->name[0])
		printf(_(", HELO %s"), entry->first->name);
	if (last[0])
		printf(_(", last seen %.*s"), DATE_LEN, last);
	if (entry->listed)
		printf(_("; in relay list already"));
	puts(entry->ours ? "" : _("; a public address: only if the host is yours"));
}

static void print_authenticated(const struct census *census)
{
	size_t count = 0;
	for (const struct client *client = census->all; client; client = client->hh.next)
		count += client->authenticated > 0;
	if (count)
		printf(ngettext(
			       "%zu client relayed after AUTH, and needs a user here, or relay list: `mailrootctl user add NAME` adds one.\n",
			       "%zu clients relayed after AUTH, and need users here, or relay list: `mailrootctl user add NAME` adds one.\n",
			       count),
		       count);
}

/* Private ones by address, then public ones, most recipients first. */
static int private_first(const void *a, const void *b)
{
	const struct relay_entry *x = a, *y = b;
	if (x->ours != y->ours)
		return x->ours ? -1 : 1;
	if (!x->ours && x->recipients != y->recipients)
		return x->recipients < y->recipients ? 1 : -1;
	return memcmp(&x->first->ip, &y->first->ip, sizeof(x->first->ip));
}

static size_t relay_entries(const struct replay *replay, struct relay_entry **entries)
{
	const struct client *next = replay->census.all;
	size_t count = 0;
	*entries = calloc(HASH_COUNT(replay->census.all) + 1, sizeof(**entries));
	while (*entries && census_next_entry(replay->server, &next, *entries + count))
		count++;
	if (count)
		qsort(*entries, count, sizeof(**entries), private_first);
	return count;
}

static void print_entries(const struct relay_entry *entries, size_t count)
{
	size_t strangers = 0, missing = 0;
	puts("    relay {");
	for (size_t i = 0; i < count; i++) {
		strangers += !entries[i].ours;
		missing += entries[i].ours && !entries[i].listed;
		if (strangers <= PUBLIC_SHOWN)
			print_entry(&entries[i]);
	}
	if (strangers > PUBLIC_SHOWN)
		printf(_("        # and %zu more public addresses; --json has all\n"), strangers - PUBLIC_SHOWN);
	puts("    }");
	if (!missing)
		puts(_("relay list has all of them that have private addresses."));
}

void print_relay(const struct replay *replay)
{
	struct relay_entry *entries;
	size_t count = relay_entries(replay, &entries);
	if (count) {
		printf(_("\nClients that relayed without AUTH, as relay list of virtual_server %s:\n"),
		       replay->server->name);
		print_entries(entries, count);
	} else {
		puts(_("\nNo client relayed without AUTH: relay list may stay as it is."));
	}
	print_authenticated(&replay->census);
	free(entries);
}

/* A domain, and from how many public networks mail for it is refused now. */
struct missing {
	const char *domain;
	size_t networks;
};

static int by_domain(const void *a, const void *b)
{
	return strcmp(((const struct missing *)a)->domain, ((const struct missing *)b)->domain);
}

static int most_networks_first(const void *a, const void *b)
{
	const struct missing *x = a, *y = b;
	if (x->networks != y->networks)
		return x->networks < y->networks ? 1 : -1;
	return strcmp(x->domain, y->domain);
}

/* The domains in FOUND, each once. */
static size_t merge(struct missing *found, size_t count)
{
	size_t kept = 0;
	qsort(found, count, sizeof(*found), by_domain);
	for (size_t i = 0; i < count; i++) {
		if (kept && strcmp(found[kept - 1].domain, found[i].domain) == 0)
			found[kept - 1].networks++;
		else
			found[kept++] = found[i];
	}
	qsort(found, kept, sizeof(*found), most_networks_first);
	return kept;
}

void print_missing_domains(const struct replay *replay)
{
	struct missing *found = calloc(HASH_COUNT(replay->cases.groups) + 1, sizeof(*found));
	char clean[CASES_TEXT_MAX];
	size_t count = 0;
	if (!found)
		return;
	for (const struct cases_group *group = replay->cases.groups; group; group = group->hh.next)
		if (group->old == OUTCOME_ACCEPTED && group->now.outcome == OUTCOME_REFUSED && !group->now.fault &&
		    group->domain[0] && !ipaddr_is_private(&group->network))
			found[count++] = (struct missing){group->domain, 1};
	count = merge(found, count);
	for (size_t i = 0; i < count && i < MISSING_SHOWN && found[i].networks >= STRANGERS_MIN; i++) {
		span_clean(span_of(found[i].domain), clean, sizeof(clean));
		if (!i)
			putchar('\n');
		printf(_("Mail for %s came from %zu public networks, and would be refused now. If that is a domain of yours, write it as local_domain, alias_domain, or remote_domain with relay yes.\n"),
		       clean, found[i].networks);
	}
	free(found);
}
