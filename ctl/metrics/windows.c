#include "ctl/metrics/windows.h"

#include <string.h>

/* The queue names a drop folder by its path, and "notices" is written to the spool. */
static bool is_local(const struct service_hop *hop)
{
	return hop->name[0] == '/' || strcmp(hop->name, "notices") == 0;
}

static uint64_t on_their_way(const struct service_server *server, bool local)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server->hop_count; i++) {
		if (is_local(&server->hops[i]) == local)
			n += server->hops[i].jobs + server->hops[i].at_workers;
	}
	return n;
}

static uint64_t waiting(const struct service_server *server, bool local)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server->hop_count; i++) {
		const struct service_hop *hop = &server->hops[i];
		uint64_t moving = hop->jobs + hop->at_workers;
		if (is_local(hop) == local && hop->messages > moving)
			n += hop->messages - moving;
	}
	return n;
}

static uint64_t local_queue(const struct service_server *server)
{
	return on_their_way(server, true);
}

static uint64_t local_retry(const struct service_server *server)
{
	return waiting(server, true);
}

static uint64_t remote_queue(const struct service_server *server)
{
	return on_their_way(server, false);
}

static uint64_t remote_retry(const struct service_server *server)
{
	return waiting(server, false);
}

static uint64_t inbound(const struct service_server *server)
{
	return server->sessions;
}

static uint64_t outbound(const struct service_server *server)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server->hop_count; i++)
		n += server->hops[i].connections;
	return n;
}

static uint64_t undeliverable(const struct service_server *server)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server->hop_count; i++) {
		if (strcmp(server->hops[i].state, "down") == 0)
			n += server->hops[i].messages;
	}
	return n;
}

static uint64_t unrouted(const struct service_server *server)
{
	const char *text = service_fact(&server->queue, "new");
	uint64_t n = 0;
	return text && span_to_u64(span_of(text), UINT64_MAX, &n) ? n : 0;
}

static const struct windows_metric {
	const char *name;
	enum exposition_type type;
	const char *help;
	uint64_t (*value)(const struct service_server *server); /* NULL = the sum of `counters` */
	unsigned count;
	enum counter counters[WINDOWS_SUM_MAX];
} metrics[] = {
#define C1(a)                                                                                                          \
	1,                                                                                                             \
	{                                                                                                              \
		COUNTER_##a                                                                                            \
	}
#define C2(a, b)                                                                                                       \
	2,                                                                                                             \
	{                                                                                                              \
		COUNTER_##a, COUNTER_##b                                                                               \
	}
#define C3(a, b, c)                                                                                                    \
	3,                                                                                                             \
	{                                                                                                              \
		COUNTER_##a, COUNTER_##b, COUNTER_##c                                                                  \
	}
#define C4(a, b, c, d)                                                                                                 \
	4,                                                                                                             \
	{                                                                                                              \
		COUNTER_##a, COUNTER_##b, COUNTER_##c, COUNTER_##d                                                     \
	}
#define CHOOSE(a, b, c, d, list, ...) list
#define COUNTED(name, help, ...)                                                                                       \
	{"windows_smtp_" name, EXPOSITION_COUNTER, help, NULL, CHOOSE(__VA_ARGS__, C4, C3, C2, C1)(__VA_ARGS__)},
#define GAUGE(name, help, function) {"windows_smtp_" name, EXPOSITION_GAUGE, help, function, 0, {0}},
#define NOTHING(name, type, help)   {"windows_smtp_" name, EXPOSITION_##type, help, NULL, 0, {0}},
#include "ctl/metrics/windows.def"
};
enum { METRICS = sizeof(metrics) / sizeof(metrics[0]) };

static uint64_t value_of(const struct windows_metric *metric, const struct service_server *server,
			 const struct counters *page)
{
	uint64_t sum = 0;
	if (metric->value)
		return metric->value(server);
	for (unsigned i = 0; i < metric->count; i++)
		sum += counters_value(page, metric->counters[i]);
	return sum;
}

void windows_write(const struct scrape *scrape, struct exposition *x)
{
	for (size_t i = 0; i < METRICS; i++) {
		exposition_family(x, metrics[i].name, metrics[i].type, metrics[i].help);
		for (size_t at = 0; at < scrape->service.server_count; at++) {
			const struct service_server *server = &scrape->service.servers[at];
			if (!scrape->pages[at])
				continue;
			exposition_sample(x, "");
			exposition_label(x, "site", span_of(server->name));
			exposition_number(x, value_of(&metrics[i], server, scrape->pages[at]));
		}
	}
}
