#include "smtpd/policy/excess.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"

enum { RATE_TEXT_MAX = 64, SECOND_MS = 1000 };

static struct usage_rule_limit limit_of(const struct excess *e)
{
	if (e->rule)
		return usage_rule_limit(e->rule, e->kind);
	return (struct usage_rule_limit){usage_limit(e->server, e->kind), usage_setting(e->kind),
					 usage_origin(e->server, e->kind)};
}

void excess_reply(const struct excess *e, struct str *to)
{
	const struct usage_rule_limit limit = limit_of(e);
	char name[USAGE_NAME_MAX + 1], wait[CLOCK_TEXT_MAX];
	if (e->who->user)
		span_clean(span_of(e->who->user), name, sizeof(name));
	else
		ipaddr_format(e->who->ip, name);
	clock_duration((e->wait_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS, wait);
	str_printf(to, "%s %s has reached its limit %s ", e->who->user ? "User" : "Client", name, limit.setting);
	usage_format(e->kind, limit.limit, to);
	if (e->rule)
		str_printf(to, " of client rule %s", e->rule->name);
	str_printf(to, ", try again in %s", wait);
}

void excess_crowd_reply(const struct ipaddr *client, size_t most, struct str *to)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(client, address);
	str_printf(to, "%s: at most %zu at a time", address, most);
}

static void log_rule(const struct excess *e, const char *client, const char *user, const char *rate, unsigned times)
{
	const struct usage_rule_limit limit = limit_of(e);
	log_warning(
		"client=%s%s%s limit=%s rate=%s rule=%s place=%s:%u status=refused times=%u reason=\"the %s has reached a limit of its client rule\" remedy=\"a larger %s in client_rule %s\"",
		client, *user ? " user=" : "", user, limit.setting, rate, e->rule->name, limit.origin->file,
		limit.origin->line, times, *user ? "user" : "client", limit.setting, e->rule->name);
}

void excess_log(const struct excess *e, struct usage *usage, int64_t mono_ms)
{
	static const enum counter counters[USAGE_KINDS] = {
		[USAGE_CONNECTIONS] = COUNTER_LIMIT_CONNECTIONS, [USAGE_MESSAGES] = COUNTER_LIMIT_MESSAGES,
		[USAGE_RECIPIENTS] = COUNTER_LIMIT_RECIPIENTS,   [USAGE_OCTETS] = COUNTER_LIMIT_OCTETS,
		[USAGE_ERRORS] = COUNTER_LIMIT_ERRORS,
	};
	const struct usage_rule_limit limit = limit_of(e);
	unsigned times = usage_over(usage, e->who, mono_ms);
	char client[IPADDR_TEXT_MAX], user[USAGE_NAME_MAX + 1] = "";
	struct str rate;
	count(counters[e->kind]);
	if (!times)
		return;
	ipaddr_format(e->who->ip, client);
	if (e->who->user)
		span_quotable(span_of(e->who->user), user, sizeof(user));
	str_init(&rate, RATE_TEXT_MAX);
	usage_format(e->kind, limit.limit, &rate);
	if (e->rule)
		log_rule(e, client, user, str_text(&rate), times);
	else
		log_warning(
			"client=%s%s%s limit=%s rate=%s status=%s times=%u reason=\"the %s has reached a limit of client\" remedy=\"a larger %s in client; except_list for a gateway with many clients behind it\"",
			client, *user ? " user=" : "", user, limit.setting, str_text(&rate),
			e->refused ? "refused" : "over-limit", times, *user ? "user" : "client", limit.setting);
	str_free(&rate);
}

void excess_log_unsaid(struct usage *usage)
{
	unsigned clients = usage_take_unsaid(usage);
	if (clients)
		log_warning(
			"clients=%u status=over-limit reason=\"these clients reached a limit of client, too; the log names no more than %d in a minute\" remedy=\"mailrootctl clients --all\"",
			clients, USAGE_LINES_MAX);
}
