#include "ctl/metrics/hops.h"

#include <stdlib.h>
#include <string.h>

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b;
}

static uint64_t highest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t lowest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t messages(const struct service_hop *hop)
{
	return hop->messages;
}

static uint64_t oldest(const struct service_hop *hop)
{
	return hop->oldest_s;
}

static uint64_t connections(const struct service_hop *hop)
{
	return hop->connections;
}

static uint64_t up(const struct service_hop *hop)
{
	return strcmp(hop->state, "down") != 0;
}

/* The metrics of a next hop. Those of several are added up, but of an age the highest counts, and of `up` the lowest.
 */
static const struct hop_gauge {
	const char *name, *help;
	uint64_t (*value)(const struct service_hop *hop);
	uint64_t (*join)(uint64_t a, uint64_t b);
	bool counted; /* known only when the messages were counted */
} gauges[] = {
	{"mailroot_hop_messages",
	 "Messages that wait for this next hop. The busiest 100 have a name; hop=\"other\" is the rest.", messages, sum,
	 true},
	{"mailroot_hop_oldest_seconds", "Age of the oldest message that waits for this next hop.", oldest, highest,
	 true},
	{"mailroot_hop_connections", "Connections to this next hop that have mail in hand.", connections, sum, false},
	{"mailroot_hop_up", "0: no host of this next hop takes mail at the moment. 1: otherwise.", up, lowest, false},
};

/* Busy first; a next hop that is down comes before one without mail that is up. */
static int by_load(const void *a, const void *b)
{
	const struct service_hop *x = a, *y = b;
	uint64_t of_x = x->messages + x->jobs + x->connections, of_y = y->messages + y->jobs + y->connections;
	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	if (up(x) != up(y))
		return up(x) < up(y) ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void sample(const char *server, const char *hop, uint64_t value, struct exposition *x)
{
	exposition_sample(x, "");
	exposition_label(x, "server", span_of(server));
	exposition_label(x, "hop", span_of(hop));
	exposition_number(x, value);
}

static void write_server(const struct service_server *server, const struct hop_gauge *gauge, struct exposition *x)
{
	uint64_t others = 0;
	size_t i = 0, n = 0;
	for (; i < server->hop_count; i++) {
		const struct service_hop *hop = &server->hops[i];
		if (gauge->counted && !hop->counted)
			continue;
		uint64_t value = gauge->value(hop);
		if (i < HOPS_NAMED_MAX)
			sample(server->name, hop->name, value, x);
		else
			others = n++ ? gauge->join(others, value) : value;
	}
	if (n)
		sample(server->name, "other", others, x);
}

void hops_write(const struct service *service, struct exposition *x)
{
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		if (server->hop_count)
			qsort(server->hops, server->hop_count, sizeof(server->hops[0]), by_load);
	}
	for (size_t g = 0; g < sizeof(gauges) / sizeof(gauges[0]); g++) {
		exposition_family(x, gauges[g].name, EXPOSITION_GAUGE, gauges[g].help);
		for (size_t i = 0; i < service->server_count; i++)
			write_server(&service->servers[i], &gauges[g], x);
	}
}
