#include "delivery/lookup.h"

#include <stdio.h>
#include <string.h>

static bool decide(struct lookup *l, enum lookup_event event, const char *enhanced, const char *format)
{
	l->event = event;
	l->enhanced = enhanced;
	snprintf(l->text, sizeof(l->text), "%s: %s", l->name, format);
	return event == LOOKUP_FOUND;
}

static void note_ttl(struct lookup *l, const struct lookup_answer *answer)
{
	if (answer->ttl_s < l->ttl_s)
		l->ttl_s = answer->ttl_s;
}

bool lookup_begin(struct lookup *l, struct span name, uint16_t port, uint64_t seed)
{
	*l = (struct lookup){.port = port, .seed = seed, .ttl_s = LOOKUP_TTL_MAX_S, .enhanced = ""};
	if (domain_valid(name) && span_copy(name, l->name, sizeof(l->name)))
		return true;
	return decide(l, LOOKUP_NEVER, "5.1.2", "this is no domain name");
}

void lookup_plain(struct lookup *l)
{
	l->nothing_else = true;
	l->hosts.n = 1;
	span_copy(span_of(l->name), l->hosts.hosts[0].name, sizeof(l->hosts.hosts[0].name));
}

bool lookup_mx(struct lookup *l, const struct lookup_answer *answer)
{
	if (answer->rcode == LOOKUP_NXDOMAIN) {
		note_ttl(l, answer);
		return decide(l, LOOKUP_NEVER, "5.1.2", "the domain does not exist");
	}
	if (answer->rcode != LOOKUP_NOERROR)
		return decide(l, LOOKUP_LATER, "4.4.3", "DNS gave no answer for its mail exchangers");
	note_ttl(l, answer);
	for (size_t i = 0; i < answer->n; i++)
		mx_add(&l->hosts, answer->rdata[i]);
	if (l->hosts.n == 0 && l->hosts.null_mx)
		return decide(l, LOOKUP_NEVER, "5.1.10", "the domain takes no mail (null MX)");
	if (l->hosts.n == 0 && answer->n)
		return decide(l, LOOKUP_NEVER, "5.4.4", "its MX records name no host");
	if (l->hosts.n == 0)
		lookup_plain(l);
	mx_sort(&l->hosts, l->seed);
	return true;
}

size_t lookup_host_count(const struct lookup *l)
{
	return l->hosts.n < LOOKUP_HOSTS_MAX ? l->hosts.n : LOOKUP_HOSTS_MAX;
}

const char *lookup_host(const struct lookup *l, size_t host)
{
	return l->hosts.hosts[host].name;
}

/* 4 or 16 octets that lead somewhere: 0.0.0.0 and :: would lead to ourselves. */
static bool usable(struct span rdata, struct ipaddr *ip)
{
	static const unsigned char nowhere[16];
	*ip = (struct ipaddr){{[10] = 0xff, [11] = 0xff}};
	if ((rdata.len != 4 && rdata.len != 16) || memcmp(rdata.at, nowhere, rdata.len) == 0)
		return false;
	memcpy(ip->octets + 16 - rdata.len, rdata.at, rdata.len);
	return true;
}

void lookup_address(struct lookup *l, size_t host, const struct lookup_answer *answer)
{
	struct lookup_addresses *addresses = &l->addresses[host];
	struct ipaddr ip;
	if (answer->rcode != LOOKUP_NOERROR && answer->rcode != LOOKUP_NXDOMAIN)
		l->failed = true;
	else
		note_ttl(l, answer);
	l->missing |= l->nothing_else && answer->rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer->n && addresses->n < LOOKUP_ADDRESSES_MAX; i++)
		if (usable(answer->rdata[i], &ip))
			addresses->at[addresses->n++] = ip;
}

/* IPv4 first: where IPv6 is half set up each attempt would cost its time-out. Equals begin anywhere. */
static void append_host(const struct lookup *l, size_t host, bool v4, struct str *to)
{
	const struct lookup_addresses *addresses = &l->addresses[host];
	for (size_t i = 0; i < addresses->n; i++) {
		const struct ipaddr *ip = &addresses->at[(i + l->seed) % addresses->n];
		if (ipaddr_is_v4(ip) == v4)
			hosts_append(to,
				     &(struct host){.name = span_of(lookup_host(l, host)), .ip = *ip, .port = l->port});
	}
}

static bool is_self(const struct lookup *l, size_t host)
{
	const struct lookup_addresses *addresses = &l->addresses[host];
	bool found = self_is_name(l->self, span_of(lookup_host(l, host)), l->port);
	for (size_t i = 0; i < addresses->n; i++)
		found |= self_is_address(l->self, &addresses->at[i], l->port);
	return found;
}

/* Whom we are to pass mail on to is more preferred than we (RFC 5321 5.1). True when nobody is. */
static bool leads_to_self(struct lookup *l)
{
	for (size_t host = 0; l->self && host < lookup_host_count(l); host++) {
		if (!is_self(l, host))
			continue;
		uint16_t preference = l->hosts.hosts[host].preference;
		while (host && l->hosts.hosts[host - 1].preference == preference)
			host--;
		l->hosts.n = host;
		return !host;
	}
	return false;
}

static size_t append_hosts(const struct lookup *l, struct str *to)
{
	size_t count = 0;
	for (size_t host = 0; host < lookup_host_count(l) && count + l->addresses[host].n <= HOSTS_MAX; host++) {
		size_t before = to->len;
		append_host(l, host, true, to);
		append_host(l, host, false, to);
		if (to->failed || to->len > LOOKUP_LIST_MAX) {
			to->len = before;
			to->failed = false;
			break;
		}
		count += l->addresses[host].n;
	}
	return count;
}

void lookup_finish(struct lookup *l, bool failed, struct str *hosts)
{
	if (leads_to_self(l))
		decide(l, LOOKUP_NEVER, "5.4.6",
		       "this leads back to us, so mail would go in a circle: make it a local domain, or give it a "
		       "route");
	else if (append_hosts(l, hosts))
		decide(l, LOOKUP_FOUND, "", "found");
	else if (failed || l->failed)
		decide(l, LOOKUP_LATER, "4.4.3", "DNS gave no answer in time");
	else if (l->missing)
		decide(l, LOOKUP_NEVER, "5.1.2", "there is no host of this name");
	else if (l->nothing_else)
		decide(l, LOOKUP_NEVER, "5.4.4", "it has neither an address nor a mail exchanger");
	else
		decide(l, LOOKUP_NEVER, "5.4.4", "none of its mail exchangers has an address");
}
