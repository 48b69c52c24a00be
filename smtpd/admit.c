#include "smtpd/admit.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/policy/excess.h"
#include "smtpd/serve.h"

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

/* False: refused, and FD is closed. */
static bool within_crowd(struct worker_context *w, size_t slot, int fd, const struct serve_tls *tls,
			 const struct ipaddr *client)
{
	const struct config_server *server = live_server(&w->live);
	size_t connections = clients_enter(w->clients, slot, client);
	struct clients_limit limit = clients_limit(server, client);
	bool logs = server->client.over == CONFIG_OVER_LOG && connections <= limit.share;
	size_t most = limit.most < limit.share ? limit.most : limit.share;
	struct str about;
	if (connections <= most)
		return true;
	log_crowd(w, client, most, !logs);
	if (logs)
		return true;
	str_init(&about, LIMIT_LINE);
	excess_crowd_reply(client, most, &about);
	serve_refusal(fd, tls, server, REPLY_CLIENT_CROWDED, str_span(&about));
	str_free(&about);
	return false;
}

static void refuse_rate(struct worker_context *w, int fd, const struct serve_tls *tls, const struct excess *excess)
{
	struct str about;
	excess_log(excess, w->usage, clock_mono_ms());
	str_init(&about, LIMIT_LINE);
	excess_reply(excess, &about);
	serve_refusal(fd, tls, excess->server, REPLY_OVER_LIMIT_CLOSING, str_span(&about));
	str_free(&about);
}

/* The rates of new connections and of errors. False: refused, and FD is closed. */
static bool within_rate(struct worker_context *w, int fd, const struct serve_tls *tls, const struct ipaddr *client)
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
		return true;
	if (!logs)
		refuse_rate(w, fd, tls, &excess);
	else
		excess_log(&excess, usage, now);
	return logs;
}

bool admit_client(struct worker_context *w, size_t slot, int fd, const struct serve_tls *tls,
		  const struct ipaddr *client)
{
	return within_crowd(w, slot, fd, tls, client) && within_rate(w, fd, tls, client);
}
