/* The way out: the next hops of the configuration, and port 25 of the Internet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/net.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/hop.h"
#include "ctl/doctor/jobs.h"
#include "ctl/doctor/ways.h"

enum { TARGETS_MAX = 32, EXCHANGERS_MAX = 2, SEED = 1, SMTP_PORT = 25, SPARE_MS = 1000 };

/* An address of a next hop. */
struct target {
	const struct config_server *server;
	const struct ways_hop *way;
	struct hop hop;
	char name[DOMAIN_MAX + 1];
};
struct targets {
	struct target at[TARGETS_MAX];
	size_t n;
};

static void add_target(const struct config_server *server, const struct ways_hop *way, const char *name,
		       const struct ipaddr *ip, struct targets *out)
{
	if (out->n == TARGETS_MAX)
		return;
	struct target *t = &out->at[out->n++];
	const struct config_outbound *outbound = way->outbound;
	*t = (struct target){.server = server, .way = way};
	if (name)
		snprintf(t->name, sizeof(t->name), "%s", name);
	t->hop = (struct hop){.ip = *ip,
			      .port = way->host->port ? way->host->port : (uint16_t)outbound->port,
			      .name = name ? t->name : NULL,
			      .hello = outbound->helo_name ? outbound->helo_name : server->fqdn,
			      .outbound = outbound};
}

static void add_host(struct ask *ask, const struct config_server *server, const struct ways_hop *way, const char *name,
		     struct targets *out)
{
	struct ask_addresses found;
	ask_addresses(ask, name, &found);
	for (size_t i = 0; i < found.n; i++)
		add_target(server, way, name, &found.at[i], out);
}

/* The most preferred mail exchangers of NAME, or NAME itself. */
static void add_exchangers(struct ask *ask, const struct config_server *server, const struct ways_hop *way,
			   struct targets *out)
{
	static struct lookup l;
	struct ask_answer answer;
	lookup_begin(&l, span_of(way->host->name), 0, SEED);
	ask_name(ask, way->host->name, DNS_MX, &answer);
	bool found = lookup_mx(&l, &answer.answer);
	ask_free(&answer);
	for (size_t i = 0; found && i < lookup_host_count(&l) && i < EXCHANGERS_MAX; i++)
		add_host(ask, server, way, lookup_host(&l, i), out);
}

/* Names that DNS does not know are in the report of diagnose_config. */
static void find_targets(struct doctor *d, const struct config_server *server, const struct ways_hop *ways, size_t n,
			 struct targets *out)
{
	struct ask ask;
	ask_open(&ask, d->config, server, d->until);
	for (size_t i = 0; i < n; i++) {
		const struct config_host *host = ways[i].host;
		if (host->kind == CONFIG_HOST_IP)
			add_target(server, &ways[i], NULL, &host->ip, out);
		else if (d->dns && host->kind == CONFIG_HOST_MX)
			add_exchangers(&ask, server, &ways[i], out);
		else if (d->dns)
			add_host(&ask, server, &ways[i], host->name, out);
	}
}

/* The fault as a digit, then the words. */
static void examine_target(void *context, size_t which, struct str *to)
{
	const struct targets *targets = context;
	char why[TALK_WHY_MAX] = "";
	enum hop_fault fault = hop_examine(&targets->at[which].hop, why);
	str_printf(to, "%u%s", (unsigned)fault, why);
}

static const char *remedy_of(enum hop_fault fault)
{
	static const char *const remedies[] = {
		[HOP_GOOD] = "",
		[HOP_UNREACHABLE] = "correct the host or its port, or open the firewall on the way",
		[HOP_REFUSES] = "ask the operator of the host, with this reply",
		[HOP_WITHOUT_TLS] = "correct the port (587, or 465 with implicit TLS), or ask the operator of the host",
		[HOP_TLS_FAILS] = "correct tls_name, tls_ca or tls_fingerprint, or ask the operator of the host",
		[HOP_WITHOUT_AUTH] = "set auth to a mechanism that the host offers, or correct the port (587 or 465)"};
	return remedies[fault];
}

static void say_target(struct doctor *d, const struct target *target, enum hop_fault fault, const char *why,
		       bool others)
{
	char address[NET_TEXT_MAX];
	net_format(&target->hop.ip, target->hop.port, address);
	doctor_find(d, others ? FINDING_WARNING : FINDING_ERROR, doctor_place(d, &target->way->host->origin),
		    doctor_text(d, "%s %s (%s): %s", target->way->setting, target->way->host->name, address, why),
		    remedy_of(fault));
}

/* Without IPv6 here, no IPv6 address can be reached; the others suffice. */
static void judge(struct doctor *d, const struct targets *targets, const struct jobs_result *results)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct target *target = &targets->at[i];
		const char *text = str_text(&results[i].text);
		bool others = false;
		if (!results[i].complete || text[0] == '0' + HOP_GOOD)
			continue;
		for (size_t j = 0; j < targets->n; j++)
			others |= targets->at[j].way == target->way && results[j].complete &&
				  str_text(&results[j].text)[0] == '0' + HOP_GOOD;
		enum hop_fault fault = (enum hop_fault)(text[0] - '0');
		if (!others || fault != HOP_UNREACHABLE || ipaddr_is_v4(&target->hop.ip))
			say_target(d, target, fault, text + 1, others);
	}
}

static void say_loops(struct doctor *d, const struct config_server *server, const struct targets *targets)
{
	struct self self;
	self_load(server, &self);
	for (size_t i = 0; i < targets->n; i++) {
		const struct target *t = &targets->at[i];
		if (self_is_address(&self, &t->hop.ip, t->hop.port))
			doctor_find(d, FINDING_ERROR, doctor_place(d, &t->way->host->origin),
				    doctor_text(d,
						"%s %s is this server itself: mail for it would go round in a circle",
						t->way->setting, t->way->host->name),
				    "name the host that takes the mail");
	}
}

void diagnose_hops(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_hop ways[WAYS_HOPS_MAX];
		struct jobs_result results[TARGETS_MAX];
		static struct targets targets;
		targets.n = 0;
		find_targets(d, server, ways, ways_hops(server, ways), &targets);
		const struct jobs jobs = {
			.run = examine_target, .context = &targets, .n = targets.n, .until = d->until - SPARE_MS};
		jobs_run(&jobs, results);
		judge(d, &targets, results);
		say_loops(d, server, &targets);
		jobs_free(results, targets.n);
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
static bool examine_far(struct doctor *d, const struct hop *hop)
{
	char why[TALK_WHY_MAX];
	enum hop_fault fault = hop_examine(hop, why);
	if (fault == HOP_REFUSES)
		doctor_find(
			d, FINDING_WARNING, hop->name,
			doctor_text(d, "a large receiver of mail does not greet us: %s", why),
			"the reply says why; often the address is on a blocklist, or its provider forbids mail servers");
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
			d, FINDING_ERROR, "port 25",
			"no mail exchanger of the Internet can be reached: port 25 outwards is blocked, by a firewall or the provider",
			"let the provider open it, or send by a smart_host on port 587 or 465");
	else
		doctor_find(
			d, FINDING_NOTE, "port 25",
			"DNS knows no mail exchanger of gmail.com and outlook.com, so it was not examined whether port 25 is blocked",
			"see to it that this machine may connect to port 25 of other hosts");
}
