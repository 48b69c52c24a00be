#include "common/dns/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"

enum { CLASS_IN = 1, RESOLVCONF_MAX = 64 * 1024 };

#define RESOLVCONF "/etc/resolv.conf"

static void must(int err, const char *what)
{
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't set up DNS look-ups: %s: %s", what, ub_strerror(err));
}

static void set_option(struct ub_ctx *context, const char *name, const char *value)
{
	must(ub_ctx_set_option(context, name, value), name);
}

static void set_servers(struct ub_ctx *context, const struct config_endpoints *servers)
{
	char text[IPADDR_TEXT_MAX + 8], ip[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < servers->n; i++) {
		ipaddr_format(&servers->at[i].ip, ip);
		snprintf(text, sizeof(text), "%s@%u", ip, servers->at[i].port);
		must(ub_ctx_set_fwd(context, text), text);
	}
	if (!servers->n && ub_ctx_resolvconf(context, NULL))
		log_info(RESOLVCONF " names no server: look-ups start at the DNS root");
}

/*
 * libunbound answers for these zones itself by default, but private networks may have them. Removing a zone would also
 * remove its hosts of /etc/hosts.
 */
static void allow_private_zones(struct ub_ctx *context)
{
	static const char *const zones[] = {"test.", "home.arpa."};
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		must(ub_ctx_zone_add(context, zones[i], "typetransparent"), zones[i]);
	/* 127.0.0.1 remains localhost; other loopback addresses may have names of their own. */
	must(ub_ctx_zone_add(context, "127.in-addr.arpa.", "transparent"), "127.in-addr.arpa");
}

static void set_options(struct ub_ctx *context)
{
	static const char *const options[][2] = {
		{"do-not-query-localhost:", "no"}, /* many machines run a caching name server */
		{"outgoing-range:", "256"},
		{"cache-max-negative-ttl:", "300"},
		{"unblock-lan-zones:", "yes"}, /* our name servers know the names of private addresses */
		/* A name server is silent if the servers that it asks are silent, so its silence says nothing about
		   other names. By default libunbound would avoid a silent server for 15 minutes. */
		{"infra-cache-min-rtt:", "1000"},
		{"infra-host-ttl:", "1"},
		/* Tries of 1, 2, 3, 3, 3 s: so the next server is asked before our own deadline. */
		{"infra-cache-max-rtt:", "3000"},
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		set_option(context, options[i][0], options[i][1]);
}

bool dns_checks(const struct dns_settings *settings)
{
	const char *file = settings->trust_anchor;
	return settings->dnssec != CONFIG_NO && file && access(file, R_OK) == 0;
}

/* With dnssec auto, all answers of a server that passes no signatures on count as unsigned, not as bogus: doc/dns.md.
 */
static void set_anchor(struct ub_ctx *context, const struct dns_settings *settings)
{
	bool checks = dns_checks(settings);
	set_option(context, "module-config:", checks ? "validator iterator" : "iterator");
	if (checks) {
		set_option(context, "harden-dnssec-stripped:", settings->dnssec == CONFIG_YES ? "yes" : "no");
		must(ub_ctx_add_ta_file(context, settings->trust_anchor), settings->trust_anchor);
	} else if (settings->dnssec == CONFIG_YES) {
		log_fatal(EXIT_TEMPORARY,
			  "dnssec yes needs trust_anchor %s, which can't be read: %s; install dns-root-data",
			  settings->trust_anchor, strerror(errno));
	} else if (settings->dnssec == CONFIG_AUTO) {
		log_info("dnssec=off: trust_anchor %s can't be read: %s; install dns-root-data", settings->trust_anchor,
			 strerror(errno));
	}
}

struct ub_ctx *dns_context(const struct dns_settings *settings)
{
	struct ub_ctx *context = ub_ctx_create();
	if (!context)
		log_fatal(EXIT_TEMPORARY, "no memory for DNS look-ups");
	ub_ctx_debugout(context, NULL);
	set_options(context);
	set_anchor(context, settings);
	set_servers(context, settings->servers);
	if (ub_ctx_hosts(context, NULL))
		log_info("/etc/hosts can't be read");
	must(ub_ctx_async(context, 1), "threads");
	allow_private_zones(context);
	return context;
}

void dns_servers(const struct dns_settings *settings, struct nameservers *out)
{
	struct str text;
	nameservers_written(settings->servers, out);
	if (out->n)
		return;
	int fd = open(RESOLVCONF, O_RDONLY | O_CLOEXEC);
	str_init(&text, RESOLVCONF_MAX);
	if (fd >= 0 && fd_read_all(fd, &text) == 0)
		nameservers_resolvconf(str_span(&text), out);
	str_free(&text);
	fd_close(&fd);
}

bool dns_is_private(const struct nameservers *servers)
{
	for (size_t i = 0; i < servers->n; i++)
		if (!ipaddr_is_private(&servers->at[i].ip))
			return false;
	return servers->n;
}

bool dns_ask(struct ub_ctx *context, const char *name, enum dns_type type, void *data, ub_callback_type callback,
	     int *async_id)
{
	count(COUNTER_DNS_QUERIES);
	if (ub_resolve_async(context, name, (int)type, CLASS_IN, data, callback, async_id) == 0)
		return true;
	count(COUNTER_DNS_FAILED);
	return false;
}

void dns_cancel(struct ub_ctx *context, int async_id)
{
	count(COUNTER_DNS_FAILED);
	ub_cancel(context, async_id);
}

/* The code of RESULT, as struct lookup_answer has it. */
static int code_of(int err, const struct ub_result *result)
{
	if (err || !result)
		return LOOKUP_NO_ANSWER;
	return result->bogus ? LOOKUP_BOGUS : result->rcode;
}

void dns_answer(int err, const struct ub_result *result, struct span *rdata, struct lookup_answer *out)
{
	*out = (struct lookup_answer){.rcode = code_of(err, result), .rdata = rdata};
	if (out->rcode != LOOKUP_NOERROR && out->rcode != LOOKUP_NXDOMAIN)
		count(COUNTER_DNS_FAILED);
	if (out->rcode == LOOKUP_BOGUS)
		out->why = span_of(result->why_bogus);
	if (out->rcode < 0)
		return;
	out->secure = result->secure;
	out->ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	if (result->havedata)
		out->expanded = span_of(result->canonname);
	for (size_t i = 0; result->havedata && i < DNS_ANSWER_MAX && result->data[i]; i++)
		rdata[out->n++] = (struct span){result->data[i], (size_t)result->len[i]};
}
