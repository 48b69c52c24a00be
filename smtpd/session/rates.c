#include "smtpd/session/rates.h"

#include "common/base/clock.h"
#include "smtpd/policy/excess.h"
#include "smtpd/session/permits.h"

static struct usage_who who(const struct session *s, enum usage_kind kind)
{
	return usage_counted(s->config, kind, &s->client.ip, s->client.user);
}

static bool is_lenient(const struct session *s)
{
	return s->config->client.over == CONFIG_OVER_LOG || usage_excepted(s->config, &s->client.ip);
}

static void refuse(struct session *s, const struct excess *excess)
{
	bool over = excess->kind == USAGE_ERRORS;
	struct str text;
	if (excess->kind == USAGE_MESSAGES || excess->kind == USAGE_OCTETS) {
		over = ++s->over > LIMIT_OVER;
		s->pause_ms = s->over > 1 ? LIMIT_OVER_PAUSE_MS : 0;
	}
	str_init(&text, LIMIT_LINE);
	excess_reply(excess, &text);
	if (over)
		session_reply_quietly(s, REPLY_OVER_LIMIT_CLOSING, span_of(s->config->fqdn), str_span(&text));
	else
		session_reply_quietly(s, REPLY_OVER_LIMIT, str_span(&text), (struct span){0});
	str_free(&text);
}

/* A client in except_list is counted, but neither refused nor logged. */
static bool permit(struct session *s, enum usage_kind kind, const struct usage_who *client, int64_t wait_ms)
{
	const struct excess excess = {s->config, client, kind, wait_ms, s->config->client.over == CONFIG_OVER_TEMPFAIL,
				      NULL};
	if (!wait_ms || usage_excepted(s->config, &s->client.ip))
		return true;
	excess_log(&excess, s->usage, clock_mono_ms());
	if (excess.refused)
		refuse(s, &excess);
	return !excess.refused;
}

static bool take(struct session *s, enum usage_kind kind, uint64_t n)
{
	if (!s->usage)
		return true;
	const struct usage_who client = who(s, kind);
	int64_t wait_ms =
		usage_take(s->usage, &client, kind, n, usage_limit(s->config, kind), is_lenient(s), clock_mono_ms());
	return permit(s, kind, &client, wait_ms);
}

/* The limit of the client rule: it holds whatever `client` says. */
static bool take_for_rule(struct session *s, enum usage_kind kind)
{
	const struct config_client_rule *rule = permits_rule(s);
	const struct config_rate *limit = rule ? usage_rule_limit(rule, kind).limit : NULL;
	if (!s->usage || !limit || !limit->count)
		return true;
	const struct usage_who client = usage_counted_for(rule, &s->client.ip, s->client.user);
	int64_t now = clock_mono_ms();
	const struct excess excess = {
		s->config, &client, kind, usage_take(s->usage, &client, kind, 1, limit, false, now), true, rule};
	if (!excess.wait_ms)
		return true;
	excess_log(&excess, s->usage, now);
	refuse(s, &excess);
	return false;
}

static bool has_room(struct session *s, enum usage_kind kind, uint64_t n)
{
	if (!s->usage)
		return true;
	const struct usage_who client = who(s, kind);
	int64_t wait_ms = usage_wait_ms(s->usage, &client, kind, n, usage_limit(s->config, kind), clock_mono_ms());
	return permit(s, kind, &client, wait_ms);
}

/* Neither limit counts what the other one refuses. */
static bool take_one(struct session *s, enum usage_kind kind)
{
	bool fits = is_lenient(s) || has_room(s, kind, 1);
	return fits && take_for_rule(s, kind) && take(s, kind, 1);
}

bool rates_message(struct session *s, uint64_t declared)
{
	return has_room(s, USAGE_OCTETS, declared ? declared : 1) && take_one(s, USAGE_MESSAGES);
}

bool rates_recipient(struct session *s)
{
	return take_one(s, USAGE_RECIPIENTS);
}

void rates_octets(struct session *s, uint64_t octets)
{
	if (!s->usage)
		return;
	const struct usage_who client = who(s, USAGE_OCTETS);
	usage_take(s->usage, &client, USAGE_OCTETS, octets, usage_limit(s->config, USAGE_OCTETS), true,
		   clock_mono_ms());
}

bool rates_error(struct session *s)
{
	return take(s, USAGE_ERRORS, 1);
}
