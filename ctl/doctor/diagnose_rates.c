/* Limits of providers (rate): shares that leave much unused, and servers that count apart what the provider counts
 * together. */
#include "common/base/language.h"
#include "common/config/value.h"
#include "ctl/doctor/diagnose.h"

enum { HOSTS_TEXT_MAX = 4096 };

static void examine_share(struct doctor *d, const struct config_outbound *outbound)
{
	const struct config_shared_rate *rate = &outbound->rate;
	if (config_rate_is_wasted(rate))
		doctor_find(
			d, FINDING_WARNING, doctor_place(d, &outbound->rate_at),
			doctor_text(
				d,
				_("the share of this machine, rounded down, is %lld in a period: all machines together send %lld of %lld messages"),
				(long long)rate->count, (long long)config_rate_together(rate), (long long)rate->whole),
			_("if the provider permits it, write the limit of a longer period"));
}

/* The block of the server, and those of its remote domains and connectors that do not inherit its rate. */
static void examine_shares(struct doctor *d, const struct config_server *server)
{
	const struct config_outbound *whole = &server->outbound;
	examine_share(d, whole);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (server->remote_domains[i].outbound.rate_at.token != whole->rate_at.token)
			examine_share(d, &server->remote_domains[i].outbound);
	for (size_t i = 0; i < server->connector_count; i++)
		if (server->connectors[i].outbound.rate_at.token != whole->rate_at.token)
			examine_share(d, &server->connectors[i].outbound);
}

static bool same_hosts(const struct config_server *a, const struct config_server *b)
{
	struct str first, second;
	str_init(&first, HOSTS_TEXT_MAX);
	str_init(&second, HOSTS_TEXT_MAX);
	config_value_format(CONFIG_HOSTS, &a->smart_host, &first);
	config_value_format(CONFIG_HOSTS, &b->smart_host, &second);
	bool same = span_equal_nocase(str_span(&first), str_span(&second));
	str_free(&first);
	str_free(&second);
	return same;
}

static bool has_limit(const struct config_server *server)
{
	return server->smart_host.n && server->outbound.rate.count;
}

/* What B sends in the period of A, rounded up. */
static int64_t in_period(const struct config_shared_rate *a, const struct config_shared_rate *b)
{
	return (b->count * a->period_ms + b->period_ms - 1) / b->period_ms;
}

static void examine_pair(struct doctor *d, const struct config_server *a, const struct config_server *b)
{
	const struct config_shared_rate *rate = &a->outbound.rate;
	if (!has_limit(a) || !has_limit(b) || !same_hosts(a, b))
		return;
	int64_t permitted = rate->parts ? rate->whole : rate->count,
		together = rate->count + in_period(rate, &b->outbound.rate);
	if (together <= permitted)
		return;
	doctor_find(
		d, FINDING_WARNING, doctor_place(d, &b->outbound.rate_at),
		doctor_text(
			d,
			_("virtual servers %s and %s send to the same hosts and count apart: together %lld messages, where the rate of %s permits %lld"),
			a->name, b->name, (long long)together, a->name, (long long)permitted),
		_("if the provider counts them together, give each a share, such as rate 30/1m share 1/2"));
}

void diagnose_rates(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		examine_shares(d, &d->config->servers[i]);
		for (size_t j = 0; j < i; j++)
			examine_pair(d, &d->config->servers[j], &d->config->servers[i]);
	}
}
