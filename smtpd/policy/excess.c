#include "smtpd/policy/excess.h"

#include "common/base/clock.h"
#include "common/base/log.h"

enum { RATE_TEXT_MAX = 64, SECOND_MS = 1000 };

void excess_reply(const struct excess *e, struct str *to)
{
	char name[USAGE_NAME_MAX + 1], wait[CLOCK_TEXT_MAX];
	if (e->who->user)
		span_clean(span_of(e->who->user), name, sizeof(name));
	else
		ipaddr_format(e->who->ip, name);
	clock_duration((e->wait_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS, wait);
	str_printf(to, "%s %s has reached its limit %s ", e->who->user ? "User" : "Client", name,
		   usage_setting(e->kind));
	usage_format(e->kind, usage_limit(e->server, e->kind), to);
	str_printf(to, ", try again in %s", wait);
}

void excess_crowd_reply(const struct ipaddr *client, size_t most, struct str *to)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(client, address);
	str_printf(to, "%s: at most %zu at a time", address, most);
}

void excess_log(const struct excess *e, struct usage *usage, int64_t mono_ms)
{
	unsigned times = usage_over(usage, e->who, mono_ms);
	const char *setting = usage_setting(e->kind);
	char client[IPADDR_TEXT_MAX], user[USAGE_NAME_MAX + 1] = "";
	struct str rate;
	if (!times)
		return;
	ipaddr_format(e->who->ip, client);
	if (e->who->user)
		span_quotable(span_of(e->who->user), user, sizeof(user));
	str_init(&rate, RATE_TEXT_MAX);
	usage_format(e->kind, usage_limit(e->server, e->kind), &rate);
	log_warning(
		"client=%s%s%s limit=%s rate=%s status=%s times=%u reason=\"the %s has reached a limit of client\" remedy=\"a larger %s in client; except_list for a gateway with many clients behind it\"",
		client, *user ? " user=" : "", user, setting, str_text(&rate), e->refused ? "refused" : "over-limit",
		times, *user ? "user" : "client", setting);
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
