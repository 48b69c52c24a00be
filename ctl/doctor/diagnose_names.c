/* Our names in DNS: fqdn, the name of our address, the mail exchangers of our domains. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/dns/reverse.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/ways.h"

enum { DOMAINS_MAX = 20, SEED = 1 };

/* Names that no other network knows. "test" may be that of a laboratory with a DNS of its own. */
static bool is_internal(struct span name)
{
	static const char *const tops[] = {".local", ".localdomain", ".localhost", ".lan",     ".internal", ".home",
					   ".corp",  ".intranet",    ".private",   ".invalid", ".home.arpa"};
	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (span_ends_nocase(name, span_of(tops[i])))
			return true;
	return span_equal_nocase(name, SPAN("localhost"));
}

/* Whether other hosts may not take NAME, without asking DNS; it was said then. */
static bool say_fault(struct doctor *d, enum finding_severity severity, const char *where, const char *setting,
		      const char *name)
{
	const char *what = NULL;
	if (is_internal(span_of(name)))
		what = doctor_text(
			d, _("%s %s is a name that only your own network knows; many hosts refuse mail of such a host"),
			setting, name);
	else if (!strchr(name, '.'))
		what = doctor_text(d,
				   _("%s %s has no dot, so it is no full name; many hosts refuse mail of such a host"),
				   setting, name);
	if (what)
		doctor_find(d, severity, where, what,
			    doctor_text(d,
					_("set %s to the name that DNS has for this machine, such as mail.example.com"),
					setting));
	return what;
}

static bool is_own(const struct self *self, const struct ipaddr *ip)
{
	for (size_t i = 0; i < self->n; i++)
		if (ipaddr_equal(&self->at[i], ip))
			return true;
	return false;
}

/* Whether one of ALL is an address of this machine; true as well if a gateway hides those. */
static bool leads_here(const struct config_server *server, const struct ask_addresses *all)
{
	struct self self;
	struct ipaddr sources[WAYS_SOURCES_MAX];
	self_load(server, &self);
	for (size_t i = 0; i < all->n; i++)
		if (is_own(&self, &all->at[i]))
			return true;
	size_t n = ways_sources(server, sources);
	for (size_t i = 0; i < n; i++)
		if (!ipaddr_is_private(&sources[i]))
			return false;
	return true;
}

static void examine_name(struct doctor *d, struct ask *ask, const struct config_server *server, const char *setting,
			 const char *name, const struct config_origin *at)
{
	const char *where = doctor_place(d, at);
	enum finding_severity severity = ways_direct(server) ? FINDING_ERROR : FINDING_WARNING;
	struct ask_addresses found;
	if (say_fault(d, severity, where, setting, name))
		return;
	ask_addresses(ask, name, &found);
	if (found.rcode != LOOKUP_NOERROR && found.rcode != LOOKUP_NXDOMAIN)
		doctor_find(d, FINDING_NOTE, where,
			    doctor_text(d, _("%s %s: DNS gave no answer, so it was not examined"), setting, name),
			    _("run doctor again"));
	else if (!found.n)
		doctor_find(
			d, severity, where,
			doctor_text(
				d,
				_("%s %s has no address in DNS; many hosts refuse mail of a host whose name does not exist"),
				setting, name),
			doctor_text(d, _("add an A record for %s, or set %s to the name that DNS has"), name, setting));
	else if (!leads_here(server, &found))
		doctor_find(
			d, FINDING_WARNING, where,
			doctor_text(d, _("%s %s has an address in DNS that is none of this machine's"), setting, name),
			_("correct the A record, or the setting"));
}

void diagnose_fqdn(struct doctor *d)
{
	struct config_outbound_block block;
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		examine_name(d, &ask, server, "fqdn", server->fqdn, &server->fqdn_at);
		for (size_t j = 0; config_outbound_block(server, j, &block); j++)
			if (block.outbound->helo_name && strcasecmp(block.outbound->helo_name, server->fqdn) != 0)
				examine_name(d, &ask, server, "helo_name", block.outbound->helo_name,
					     &block.outbound->helo_name_at);
	}
}

/* The confirmed name of IP. */
static void look_up_name(struct ask *ask, const struct ipaddr *ip, struct reverse *r)
{
	char zone[REVERSE_ZONE_MAX];
	struct ask_answer answer;
	enum dns_type type = ipaddr_is_v4(ip) ? DNS_A : DNS_AAAA;
	reverse_begin(r, ip);
	reverse_zone(ip, zone);
	ask_name(ask, zone, DNS_PTR, &answer);
	bool more = reverse_ptr(r, &answer.answer);
	ask_free(&answer);
	for (size_t i = 0; more && i < r->count; i++) {
		ask_name(ask, r->names[i], type, &answer);
		reverse_address(r, i, &answer.answer);
		ask_free(&answer);
	}
	reverse_finish(r, true);
}

/* A name with the numbers of its address in it is that of a customer's line, and many refuse it. */
static bool is_generic(const struct ipaddr *ip, const char *name)
{
	unsigned hits = 0;
	char number[8];
	if (!ipaddr_is_v4(ip))
		return false;
	for (int i = 12; i < 16; i++) {
		snprintf(number, sizeof(number), "%u", ip->octets[i]);
		hits += strstr(name, number) != NULL;
	}
	return hits == 4;
}

static void examine_reverse(struct doctor *d, struct ask *ask, const struct config_server *server,
			    const struct ipaddr *ip)
{
	char address[IPADDR_TEXT_MAX];
	struct reverse r;
	ipaddr_format(ip, address);
	look_up_name(ask, ip, &r);
	if (r.failed && !r.name)
		doctor_find(d, FINDING_NOTE, address,
			    _("DNS gave no answer for the name of our address, so it was not examined"),
			    _("run doctor again"));
	else if (!r.count)
		doctor_find(
			d, FINDING_ERROR, address,
			_("our address has no name in DNS (PTR); Gmail, Microsoft 365 and others refuse mail from it"),
			doctor_text(d, _("let the provider of the address set its PTR record to %s"), server->fqdn));
	else if (!r.name)
		doctor_find(
			d, FINDING_ERROR, address,
			doctor_text(
				d,
				_("the name of our address, %s, does not lead back to it; Gmail, Microsoft 365 and others refuse mail from it"),
				r.names[0]),
			doctor_text(
				d,
				_("add an A or AAAA record of %s with %s, or let the provider set the PTR record to %s"),
				r.names[0], address, server->fqdn));
	else if (is_generic(ip, r.name))
		doctor_find(
			d, FINDING_WARNING, address,
			doctor_text(
				d,
				_("the name of our address, %s, looks like that of a customer's line; many hosts refuse those"),
				r.name),
			doctor_text(d, _("let the provider of the address set its PTR record to %s"), server->fqdn));
	else if (strcasecmp(r.name, server->fqdn) != 0)
		doctor_find(
			d, FINDING_NOTE, address,
			doctor_text(
				d, _("the name of our address is %s, while we say %s in EHLO; some filters count that"),
				r.name, server->fqdn),
			_("let both be the same name"));
}

void diagnose_reverse(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ipaddr ours[WAYS_SOURCES_MAX];
		struct ask ask;
		bool behind;
		if (!ways_direct(server))
			continue;
		ask_open(&ask, d->config, server, d->until);
		size_t n = ways_public(server, &ask, ours, &behind);
		for (size_t j = 0; j < n; j++)
			examine_reverse(d, &ask, server, &ours[j]);
		if (!n)
			doctor_find(
				d, FINDING_NOTE, doctor_place(d, &server->fqdn_at),
				doctor_text(
					d,
					_("server %s sends from a private address, and fqdn %s has no public one, so the address that others see is not known here"),
					server->name, server->fqdn),
				_("see to it that the gateway's address has a PTR record whose name leads back to it"));
	}
}

static void examine_exchanger(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
			      const char *host, bool *here)
{
	struct ask_addresses found;
	struct ipaddr ip;
	if (ipaddr_parse(span_of(host), &ip)) {
		doctor_find(
			d, FINDING_ERROR, domain,
			doctor_text(d, _("its MX record has an address, %s: it must have the name of a host"), host),
			_("give the address a name (A record), and write that name into the MX record"));
		return;
	}
	ask_addresses(ask, host, &found);
	*here |= strcasecmp(host, server->fqdn) == 0 || (found.n && leads_here(server, &found));
	if ((found.rcode == LOOKUP_NOERROR || found.rcode == LOOKUP_NXDOMAIN) && !found.n)
		doctor_find(d, FINDING_ERROR, domain,
			    doctor_text(d, _("its mail exchanger %s has no address in DNS"), host),
			    _("add an A record, or correct the MX record"));
	else if (found.alias_of[0])
		doctor_find(
			d, FINDING_WARNING, domain,
			doctor_text(
				d,
				_("its mail exchanger %s is an alias (CNAME) of %s, which RFC 2181 forbids; some hosts do not follow it"),
				host, found.alias_of),
			doctor_text(d, _("write %s into the MX record"), found.alias_of));
}

static void examine_exchangers(struct doctor *d, struct ask *ask, const struct config_server *server,
			       const char *domain, struct lookup *l)
{
	bool here = false;
	if (l->no_mx) {
		struct ask_addresses found;
		ask_addresses(ask, domain, &found);
		if (found.rcode == LOOKUP_NOERROR && !found.n)
			doctor_find(
				d, FINDING_ERROR, domain,
				_("it has neither an MX record nor an address in DNS, so no mail comes here for it, and senders of it are refused"),
				doctor_text(d, _("add an MX record: %s. MX 10 %s."), domain, server->fqdn));
		return;
	}
	for (size_t i = 0; i < lookup_host_count(l); i++)
		examine_exchanger(d, ask, server, domain, lookup_host(l, i), &here);
	if (!here)
		doctor_find(
			d, FINDING_NOTE, domain,
			doctor_text(d, _("its mail exchangers, %s first, are not this machine"), lookup_host(l, 0)),
			_("nothing, if a filter or a gateway takes the mail first; otherwise correct the MX record"));
}

static void examine_domain(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain)
{
	static struct lookup l;
	struct ask_answer answer;
	if (!strchr(domain, '.') || is_internal(span_of(domain)) || !lookup_begin(&l, span_of(domain), 25, SEED))
		return;
	ask_name(ask, domain, DNS_MX, &answer);
	if (lookup_mx(&l, &answer.answer))
		examine_exchangers(d, ask, server, domain, &l);
	else if (answer.answer.rcode == LOOKUP_NXDOMAIN)
		doctor_find(
			d, FINDING_ERROR, domain,
			_("the domain does not exist in DNS: no mail comes here for it, and senders of it are refused"),
			doctor_text(d, _("register it, and add an MX record: %s. MX 10 %s."), domain, server->fqdn));
	else if (answer.answer.rcode == LOOKUP_NO_ANSWER)
		doctor_find(d, FINDING_NOTE, domain,
			    _("DNS gave no answer for its MX records, so they were not examined"),
			    _("run doctor again"));
	else
		doctor_find(d, FINDING_ERROR, domain, doctor_text(d, _("its MX records keep mail away: %s"), l.text),
			    _("correct the MX records"));
	ask_free(&answer);
}

void diagnose_mx(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		for (size_t j = 0; j < server->local_domain_count && j < DOMAINS_MAX; j++)
			examine_domain(d, &ask, server, server->local_domains[j].name);
		for (size_t j = 0; j < server->alias_domain_count && j < DOMAINS_MAX; j++)
			examine_domain(d, &ask, server, server->alias_domains[j].name);
	}
}
