#include "smtpd/admit.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/policy/excess.h"
#include "smtpd/policy/naming.h"

/* The client has too many connections at a time. One line a minute says so. */
static void log_crowd(struct worker_context *w, const struct ipaddr *client, size_t most, bool refused)
{
	const struct usage_who who = {client, NULL, NULL};
	unsigned times = usage_over(w->usage, &who, clock_mono_ms());
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(client, address);
	count(COUNTER_LIMIT_AT_ONCE);
	if (times)
		log_warning(
			"client=%s limit=connections most=%zu status=%s times=%u reason=\"the client has more connections than it may have\" remedy=\"a larger connections in client, or a larger processes max; except_list for a gateway with many clients behind it\"",
			address, most, refused ? "refused" : "over-limit", times);
}

static enum reply_id within_crowd(struct worker_context *w, size_t slot, const struct ipaddr *client, struct str *about)
{
	const struct config_server *server = live_server(&w->live);
	size_t connections = clients_enter(w->clients, slot, client);
	struct clients_limit limit = clients_limit(server, client);
	bool logs = server->client.over == CONFIG_OVER_LOG && connections <= limit.share;
	size_t most = limit.most < limit.share ? limit.most : limit.share;
	if (connections <= most)
		return REPLY_NONE;
	log_crowd(w, client, most, !logs);
	if (logs)
		return REPLY_NONE;
	excess_crowd_reply(client, most, about);
	return REPLY_CLIENT_CROWDED;
}

/* The rates of new connections and of errors. */
static enum reply_id within_rate(struct worker_context *w, const struct ipaddr *client, struct str *about)
{
	const struct config_server *server = live_server(&w->live);
	const struct usage_who who = {client, NULL, NULL};
	struct usage *usage = w->usage;
	bool excepted = usage_excepted(server, client), logs = server->client.over == CONFIG_OVER_LOG;
	int64_t now = clock_mono_ms();
	struct excess excess = {server, &who, USAGE_ERRORS, 0, !logs, NULL};
	excess.wait_ms = usage_wait_ms(usage, &who, USAGE_ERRORS, 1, usage_limit(server, USAGE_ERRORS), now);
	if (!excess.wait_ms || logs || excepted) {
		excess.kind = USAGE_CONNECTIONS;
		excess.wait_ms = usage_take(usage, &who, USAGE_CONNECTIONS, 1, usage_limit(server, USAGE_CONNECTIONS),
					    logs || excepted, now);
	}
	if (!excess.wait_ms || excepted)
		return REPLY_NONE;
	excess_log(&excess, usage, now);
	if (logs)
		return REPLY_NONE;
	excess_reply(&excess, about);
	return REPLY_OVER_LIMIT_CLOSING;
}

enum reply_id admit_client(struct worker_context *w, size_t slot, const struct ipaddr *client, struct str *about)
{
	if (naming_permits(&live_server(&w->live)->xclient_list, client))
		return REPLY_NONE;
	enum reply_id refusal = within_crowd(w, slot, client, about);
	return refusal == REPLY_NONE ? within_rate(w, client, about) : refusal;
}
