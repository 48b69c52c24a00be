#include "common/dns/lookup.h"

#include "common/base/language.h"

#include <stdio.h>
#include <string.h>

static bool decide(struct lookup *l, enum lookup_event event, const char *enhanced, const char *text)
{
	l->event = event;
	l->enhanced = enhanced;
	snprintf(l->text, sizeof(l->text), "%s: %s", l->name, text);
	return event == LOOKUP_FOUND;
}

/* The answer may be forged: mail waits. The text names DNSSEC, so that it is not mistaken for a broken server. */
static bool decide_bogus(struct lookup *l, struct span why)
{
	char clean[LOOKUP_TEXT_MAX - DOMAIN_MAX - 64];
	span_clean(why, clean, sizeof(clean));
	l->event = LOOKUP_LATER;
	l->enhanced = "4.7.5";
	snprintf(l->text, sizeof(l->text), "%s: %s%s%s", l->name, N_("DNSSEC validation failed"), *clean ? ": " : "",
		 clean);
	return false;
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
	return decide(l, LOOKUP_NEVER, "5.1.2", N_("this is not a valid domain name"));
}

void lookup_plain(struct lookup *l)
{
	l->name_is_host = true;
	l->secure = true;
	l->hosts.n = 1;
	span_copy(span_of(l->name), l->hosts.hosts[0].name, sizeof(l->hosts.hosts[0].name));
}

bool lookup_mx(struct lookup *l, const struct lookup_answer *answer)
{
	if (answer->rcode == LOOKUP_NXDOMAIN) {
		note_ttl(l, answer);
		return decide(l, LOOKUP_NEVER, "5.1.2", N_("the domain does not exist"));
	}
	if (answer->rcode == LOOKUP_BOGUS)
		return decide_bogus(l, answer->why);
	if (answer->rcode != LOOKUP_NOERROR)
		return decide(l, LOOKUP_LATER, "4.4.3", N_("DNS gave no answer for its MX records"));
	note_ttl(l, answer);
	dane_name(answer->expanded, l->name, l->expanded);
	for (size_t i = 0; i < answer->n; i++)
		mx_add(&l->hosts, answer->rdata[i]);
	if (l->hosts.n == 0 && l->hosts.null_mx)
		return decide(l, LOOKUP_NEVER, "5.1.10", N_("the domain does not accept mail (null MX)"));
	if (l->hosts.n == 0 && answer->n)
		return decide(l, LOOKUP_NEVER, "5.4.4", N_("its MX records have no valid host name"));
	l->no_mx = l->hosts.n == 0;
	if (l->no_mx)
		lookup_plain(l);
	l->secure = answer->secure;
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

/* 4 or 16 octets, and not 0.0.0.0 or ::, which would be this machine. */
static bool usable(struct span rdata, struct ipaddr *ip)
{
	static const unsigned char nowhere[16];
	*ip = (struct ipaddr){{[10] = 0xff, [11] = 0xff}};
	if ((rdata.len != 4 && rdata.len != 16) || memcmp(rdata.at, nowhere, rdata.len) == 0)
		return false;
	memcpy(ip->octets + 16 - rdata.len, rdata.at, rdata.len);
	return true;
}

static struct dane_answer dane_answer(const struct lookup_answer *answer)
{
	return (struct dane_answer){.good = answer->rcode == LOOKUP_NOERROR || answer->rcode == LOOKUP_NXDOMAIN,
				    .secure = answer->secure,
				    .expanded = answer->expanded,
				    .rdata = answer->rdata,
				    .n = answer->n};
}

void lookup_address(struct lookup *l, size_t host, const struct lookup_answer *answer)
{
	struct lookup_addresses *addresses = &l->addresses[host];
	struct ipaddr ip;
	struct dane_answer signs = dane_answer(answer);
	if (answer->rcode == LOOKUP_BOGUS && !l->bogus)
		l->bogus = !decide_bogus(l, answer->why);
	l->failed |= !signs.good;
	if (signs.good)
		note_ttl(l, answer);
	dane_address(&l->dane[host], lookup_host(l, host), &signs);
	l->missing |= l->name_is_host && answer->rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer->n && addresses->n < LOOKUP_ADDRESSES_MAX; i++)
		if (usable(answer->rdata[i], &ip))
			addresses->at[addresses->n++] = ip;
}

bool lookup_question(struct lookup *l, size_t host, char to[DANE_QUESTION_MAX], bool *alias)
{
	struct dane *dane = &l->dane[host];
	if (dane->step == DANE_NOTHING)
		dane_begin(dane, l->secure);
	return dane_question(dane, lookup_host(l, host), l->port, to, alias);
}

void lookup_dane(struct lookup *l, size_t host, const struct lookup_answer *answer)
{
	struct dane_answer signs = dane_answer(answer);
	if (signs.good)
		note_ttl(l, answer);
	dane_take(&l->dane[host], &signs);
}

/* The names that the certificate may have (RFC 7672 3.2.2): first the host's, then those of the recipient's domain. */
static void append_names(const struct lookup *l, size_t host, struct str *to)
{
	const struct dane *dane = &l->dane[host];
	const char *name = dane->by_expanded ? dane->expanded : lookup_host(l, host);
	str_append_text(to, name);
	if (!l->name_is_host || strcasecmp(name, l->name) != 0)
		str_printf(to, ",%s", l->name);
	if (*l->expanded)
		str_printf(to, ",%s", l->expanded);
}

/* IPv4 comes first: on machines with incomplete IPv6 each IPv6 attempt would time out. SEED rotates the addresses. */
static size_t append_addresses(struct lookup *l, struct host *line, size_t host, bool v4, struct str *to)
{
	const struct lookup_addresses *addresses = &l->addresses[host];
	size_t count = 0;
	for (size_t i = 0; i < addresses->n; i++) {
		line->ip = addresses->at[(i + l->seed) % addresses->n];
		if (ipaddr_is_v4(&line->ip) != v4)
			continue;
		if (!l->private_ok && ipaddr_is_private(&line->ip)) {
			l->private = true;
			continue;
		}
		hosts_append(to, line);
		count++;
	}
	return count;
}

static size_t append_host(struct lookup *l, size_t host, struct str *to)
{
	const struct dane *dane = &l->dane[host];
	struct host line = {.name = span_of(lookup_host(l, host)), .port = l->port, .dane = dane->result};
	struct str names, records;
	str_init(&names, HOST_NAMES_MAX);
	str_init(&records, TLSA_LIST_MAX);
	if (dane->result == HOST_DANE_MATCH)
		append_names(l, host, &names);
	for (size_t i = 0; i < dane->count; i++)
		tlsa_append(&records, &dane->records[i]);
	line.names = str_span(&names);
	line.records = str_span(&records);
	size_t count = append_addresses(l, &line, host, true, to);
	count += append_addresses(l, &line, host, false, to);
	str_free(&names);
	str_free(&records);
	return count;
}

static bool is_self(const struct lookup *l, size_t host)
{
	const struct lookup_addresses *addresses = &l->addresses[host];
	bool found = self_is_name(l->self, span_of(lookup_host(l, host)), l->port);
	for (size_t i = 0; i < addresses->n; i++)
		found |= self_is_address(l->self, &addresses->at[i], l->port);
	return found;
}

/* Keeps only the hosts that are more preferred than this server (RFC 5321 5.1). True if none is. */
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

/* Appends as many hosts as fit. Of the first host at least some addresses fit; a later host fits whole or is omitted.
 */
static bool append_hosts(struct lookup *l, struct str *to)
{
	size_t count = 0;
	for (size_t host = 0; host < lookup_host_count(l) && count + l->addresses[host].n <= HOSTS_MAX; host++) {
		size_t before = to->len;
		count += append_host(l, host, to);
		if (!to->failed)
			continue;
		to->failed = false;
		if (before)
			to->len = before;
		break;
	}
	return to->len > 0;
}

/* Describes the answer of DNS, for `explain route`; it is cut if it is too long. */
static void describe_found(struct lookup *l)
{
	size_t host = 0, len;
	decide(l, LOOKUP_FOUND, "",
	       l->no_mx          ? N_("no MX, so the name itself is the host")
	       : l->name_is_host ? "found"
				 : "MX");
	for (; !l->name_is_host && host < lookup_host_count(l) && (len = strlen(l->text)) < sizeof(l->text); host++)
		snprintf(l->text + len, sizeof(l->text) - len, "%s %u %s", host ? "," : "",
			 l->hosts.hosts[host].preference, lookup_host(l, host));
	len = strlen(l->text);
	if (l->secure && (l->no_mx || !l->name_is_host))
		snprintf(l->text + len, sizeof(l->text) - len, "; %s", N_("signed"));
}

/* A host may be missing, or be skipped without TLSA records, until DNS is queried again, so that must be soon. */
static void limit_ttl(struct lookup *l, bool failed)
{
	bool doubt = failed || l->failed;
	for (size_t host = 0; host < lookup_host_count(l); host++)
		doubt |= l->dane[host].result == HOST_DANE_LATER;
	if (doubt && l->ttl_s > LOOKUP_DOUBT_S)
		l->ttl_s = LOOKUP_DOUBT_S;
}

void lookup_finish(struct lookup *l, bool failed, struct str *hosts)
{
	limit_ttl(l, failed);
	if (leads_to_self(l))
		decide(l, LOOKUP_NEVER, "5.4.6",
		       N_("mail for it would loop back to this server: make it a local domain, or give it a route"));
	else if (append_hosts(l, hosts))
		describe_found(l);
	else if (l->bogus)
		return; /* decide_bogus has set the text */
	else if (failed || l->failed)
		decide(l, LOOKUP_LATER, "4.4.3", N_("DNS gave no answer in time"));
	else if (l->private)
		decide(l, LOOKUP_NEVER, "5.4.4",
		       N_("its mail exchangers have only addresses of private networks; if this is intended, write private_mx yes in a remote_domain"));
	else if (l->missing)
		decide(l, LOOKUP_NEVER, "5.1.2", N_("there is no host with this name"));
	else if (l->name_is_host)
		decide(l, LOOKUP_NEVER, "5.4.4", N_("it has neither an address nor a mail exchanger"));
	else
		decide(l, LOOKUP_NEVER, "5.4.4", N_("none of its mail exchangers has an address"));
}
