/* The way out: the next hops of the configuration, and port 25 of the Internet. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/net/net.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/hop.h"
#include "ctl/doctor/jobs.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/ways.h"

enum { TARGETS_MAX = 6, EXCHANGERS_MAX = 2, SEED = 1, SMTP_PORT = 25, SPARE_MS = 1000, HOSTS_FILE_MS = 500 };

/* The addresses of a next hop, and what was found at each. */
struct target {
	struct ipaddr ip;
	char name[DOMAIN_MAX + 1]; /* "" = it has only its address */
	enum hop_fault fault;
	char why[TALK_WHY_MAX];
};
struct targets {
	struct target at[TARGETS_MAX];
	size_t n;
};

static void add_host(struct ask *ask, const char *name, struct targets *out)
{
	struct ask_addresses found;
	ask_addresses(ask, name, &found);
	for (size_t i = 0; i < found.n && out->n < TARGETS_MAX; i++) {
		struct target *target = &out->at[out->n++];
		target->ip = found.at[i];
		snprintf(target->name, sizeof(target->name), "%s", name);
	}
}

/* The most preferred mail exchangers of NAME, or NAME itself. */
static void add_exchangers(struct ask *ask, const char *name, struct targets *out)
{
	static struct lookup l;
	struct ask_answer answer;
	lookup_begin(&l, span_of(name), 0, SEED);
	ask_name(ask, name, DNS_MX, &answer);
	bool found = lookup_mx(&l, &answer.answer);
	ask_free(&answer);
	for (size_t i = 0; found && i < lookup_host_count(&l) && i < EXCHANGERS_MAX; i++)
		add_host(ask, lookup_host(&l, i), out);
}

/* Names that DNS does not know are in the report of diagnose_config. Without DNS, /etc/hosts has some. */
static void find_targets(struct doctor *d, const struct config_server *server, const struct config_host *host,
			 struct targets *out)
{
	struct ask ask;
	*out = (struct targets){.n = 0};
	if (host->kind == CONFIG_HOST_IP) {
		out->at[out->n++].ip = host->ip;
		return;
	}
	ask_open(&ask, d->config, server, d->dns ? d->until : clock_mono_ms() + HOSTS_FILE_MS);
	if (host->kind == CONFIG_HOST_MX)
		add_exchangers(&ask, host->name, out);
	else
		add_host(&ask, host->name, out);
}

static const char *remedy_of(enum hop_fault fault)
{
	static const char *const remedies[] = {
		[HOP_GOOD] = "",
		[HOP_UNREACHABLE] = N_("correct the host or its port, or open the firewall on the way"),
		[HOP_REFUSES] = N_("ask the operator of the host, with this reply"),
		[HOP_WITHOUT_TLS] =
			N_("correct the port (587, or 465 with implicit TLS), or ask the operator of the host"),
		[HOP_TLS_FAILS] = N_("correct tls_name, tls_ca or tls_fingerprint, or ask the operator of the host"),
		[HOP_WITHOUT_AUTH] =
			N_("set auth to a mechanism that the host offers, or correct the port (587 or 465)")};
	return remedies[fault][0] ? _(remedies[fault]) : "";
}

/* OTHERS: another address of the host is well. Without IPv6 here, none of its addresses can be reached. */
static void say_target(struct doctor *d, const struct ways_hop *way, const struct target *target, uint16_t port,
		       bool others)
{
	char address[NET_TEXT_MAX];
	if (target->fault == HOP_GOOD || (others && target->fault == HOP_UNREACHABLE && !ipaddr_is_v4(&target->ip)))
		return;
	net_format(&target->ip, port, address);
	doctor_find(d, others ? FINDING_WARNING : FINDING_ERROR, doctor_place(d, &way->host->origin),
		    doctor_text(d, "%s %s (%s): %s", way->setting, way->host->name, address, target->why),
		    remedy_of(target->fault));
}

static void say_loops(struct doctor *d, const struct config_server *server, const struct ways_hop *way,
		      const struct targets *targets, uint16_t port)
{
	struct self self;
	self_load(server, &self);
	for (size_t i = 0; i < targets->n; i++)
		if (self_is_address(&self, &targets->at[i].ip, port))
			doctor_find(
				d, FINDING_ERROR, doctor_place(d, &way->host->origin),
				doctor_text(d, _("%s %s is this server itself: mail for it would go round in a circle"),
					    way->setting, way->host->name),
				_("name the host that takes the mail"));
}

/* A host that takes less than we do. */
static void say_size(struct doctor *d, const struct config_server *server, const struct ways_hop *way, uint64_t size)
{
	int64_t ours = server->messages.max_message_size;
	if (!size || size >= (uint64_t)ours)
		return;
	doctor_find(
		d, FINDING_NOTE, doctor_place(d, &way->host->origin),
		doctor_text(
			d,
			_("%s %s takes messages of at most %llu octets; larger ones are taken here (max_message_size) and returned later"),
			way->setting, way->host->name, (unsigned long long)size),
		_("set max_message_size to that number, so that the sender learns it at once"));
}

/* The next hops of a virtual server, each of which is a job. */
struct hops {
	struct doctor *d;
	const struct config_server *server;
	struct ways_hop ways[WAYS_HOPS_MAX];
	size_t n;
};

static void examine_targets(struct hop *hop, struct targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		struct target *target = &targets->at[i];
		hop->ip = target->ip;
		hop->name = target->name[0] ? target->name : NULL;
		target->fault = hop_examine(hop, target->why);
	}
}

static void examine_way(void *context, size_t which, struct str *to)
{
	const struct hops *hops = context;
	const struct ways_hop *way = &hops->ways[which];
	const struct config_outbound *outbound = way->outbound;
	static struct targets targets;
	struct doctor *d = hops->d;
	char why[TALK_WHY_MAX];
	struct hop hop = {.port = way->host->port ? way->host->port : (uint16_t)outbound->port,
			  .hello = outbound->helo_name ? outbound->helo_name : hops->server->fqdn,
			  .outbound = outbound};
	bool well = false;
	bool ready = hop_prepare(&hop, why);
	rights_drop(d->config);
	str_init(&d->found, JOBS_TEXT_MAX);
	if (!ready)
		return; /* diagnose_config says what is wrong with the files */
	find_targets(d, hops->server, way->host, &targets);
	examine_targets(&hop, &targets);
	for (size_t i = 0; i < targets.n; i++)
		well |= targets.at[i].fault == HOP_GOOD;
	for (size_t i = 0; i < targets.n; i++)
		say_target(d, way, &targets.at[i], hop.port, well);
	say_loops(d, hops->server, way, &targets, hop.port);
	say_size(d, hops->server, way, hop.size);
	str_append(to, str_span(&d->found));
}

void diagnose_hops(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		static struct hops hops;
		struct jobs_result results[WAYS_HOPS_MAX];
		hops = (struct hops){.d = d, .server = &d->config->servers[i]};
		hops.n = ways_hops(hops.server, hops.ways);
		const struct jobs jobs = {
			.run = examine_way, .context = &hops, .n = hops.n, .until = d->until - SPARE_MS};
		jobs_run(&jobs, results);
		for (size_t j = 0; j < hops.n; j++) {
			str_append(&d->found, str_span(&results[j].text));
			if (!results[j].complete)
				doctor_find(d, FINDING_WARNING, doctor_place(d, &hops.ways[j].host->origin),
					    doctor_text(d, _("%s %s did not answer in time"), hops.ways[j].setting,
							hops.ways[j].host->name),
					    remedy_of(HOP_UNREACHABLE));
		}
		jobs_free(results, hops.n);
	}
}

/* Hosts that take mail from everywhere, so that only a firewall can keep us from them. */
static const char *const far_domains[] = {"gmail.com", "outlook.com"};
enum { FAR_DOMAINS = sizeof(far_domains) / sizeof(far_domains[0]) };

static bool find_exchanger(struct ask *ask, const char *domain, struct hop *out, char *name)
{
	static struct lookup l;
	struct ask_answer answer;
	struct ask_addresses found = {.n = 0};
	lookup_begin(&l, span_of(domain), SMTP_PORT, SEED);
	ask_name(ask, domain, DNS_MX, &answer);
	if (lookup_mx(&l, &answer.answer) && !l.no_mx) {
		snprintf(name, DOMAIN_MAX + 1, "%s", lookup_host(&l, 0));
		ask_addresses(ask, name, &found);
	}
	ask_free(&answer);
	for (size_t i = 0; i < found.n; i++) {
		*out = (struct hop){.ip = found.at[i], .port = SMTP_PORT, .name = name};
		if (ipaddr_is_v4(&found.at[i]))
			return true;
	}
	return found.n;
}

/* True: a connection was made, whatever was said. */
static bool examine_far(struct doctor *d, struct hop *hop)
{
	char why[TALK_WHY_MAX];
	enum hop_fault fault = hop_examine(hop, why);
	if (fault == HOP_REFUSES)
		doctor_find(
			d, FINDING_WARNING, hop->name,
			doctor_text(d, _("a large receiver of mail does not greet us: %s"), why),
			_("the reply says why; often the address is on a blocklist, or its provider forbids mail servers"));
	return fault != HOP_UNREACHABLE;
}

void diagnose_port25(struct doctor *d)
{
	char name[DOMAIN_MAX + 1];
	bool direct = false;
	struct hop hop;
	struct ask ask;
	unsigned asked = 0;
	for (size_t i = 0; i < d->config->server_count; i++)
		direct |= ways_direct(&d->config->servers[i]);
	if (!direct)
		return;
	ask_open(&ask, d->config, &d->config->servers[0], d->until);
	for (size_t i = 0; i < FAR_DOMAINS; i++) {
		if (!find_exchanger(&ask, far_domains[i], &hop, name))
			continue;
		asked++;
		if (examine_far(d, &hop))
			return;
	}
	if (asked)
		doctor_find(
			d, FINDING_ERROR, _("port 25"),
			_("no mail exchanger of the Internet can be reached: port 25 outwards is blocked, by a firewall or the provider"),
			_("let the provider open it, or send by a smart_host on port 587 or 465"));
	else
		doctor_find(
			d, FINDING_NOTE, _("port 25"),
			_("DNS knows no mail exchanger of gmail.com and outlook.com, so it was not examined whether port 25 is blocked"),
			_("see to it that this machine may connect to port 25 of other hosts"));
}
