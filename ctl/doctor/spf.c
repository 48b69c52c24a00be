#include "ctl/doctor/spf.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/dns/mx.h"
#include "common/dns/reverse.h"
#include "common/dns/txt.h"
#include "ctl/doctor/spf_macro.h"

/* An evaluation over all records. */
struct check {
	const struct spf_dns *dns;
	const struct spf_query *query;
	struct spf_verdict *out;
	unsigned voids;
};

static enum spf_result check_domain(struct check *c, const char *domain);

const char *spf_word(enum spf_result result)
{
	static const char *const words[] = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
	return words[result];
}

static enum spf_result broken(struct check *c, enum spf_result result, const char *what, const char *name)
{
	char clean[SPF_TERM_MAX];
	span_clean(span_of(name), clean, sizeof(clean));
	snprintf(c->out->why, sizeof(c->out->why), "%s: %s", clean, what);
	return result;
}

/* The records of a domain that are SPF. */
struct found {
	struct str text; /* the last one */
	unsigned count;
};

static void take_text(void *to, struct span rdata)
{
	struct found *found = to;
	struct str text;
	str_init(&text, SPF_RECORD_MAX);
	if (txt_join(rdata, &text) && spf_record_is(str_span(&text))) {
		found->count++;
		str_clear(&found->text);
		str_append(&found->text, str_span(&text));
	}
	str_free(&text);
}

/* The question of a term. Counts answers without a record. SPF_PASS: there is an answer. */
static enum spf_result ask(struct check *c, const char *name, enum dns_type type,
			   void (*take)(void *to, struct span rdata), void *to, const size_t *records)
{
	int rcode = c->dns->ask(c->dns->context, name, type, take, to);
	if (rcode != LOOKUP_NOERROR && rcode != LOOKUP_NXDOMAIN)
		return broken(c, SPF_TEMPERROR, _("DNS gives no answer"), name);
	if (!*records && ++c->voids > SPF_VOIDS_MAX)
		return broken(c, SPF_PERMERROR, _("the record names more than 2 names that do not exist"), name);
	return SPF_PASS;
}

struct addresses {
	const struct ipaddr *ip;
	unsigned bits; /* of 128 */
	bool match;
	size_t n;
};

static void take_address(void *to, struct span rdata)
{
	struct addresses *a = to;
	struct ipaddr ip = {{[10] = 0xff, [11] = 0xff}};
	size_t size = ipaddr_is_v4(a->ip) ? 4 : 16;
	a->n++;
	if (rdata.len != size)
		return;
	memcpy(ip.octets + 16 - size, rdata.at, size);
	struct cidr net = cidr_of(&ip, a->bits);
	a->match |= cidr_contains(&net, a->ip);
}

/* Whether NAME has an address in whose network, by the bits of TERM, the client is. SPF_PASS: *match is known. */
static enum spf_result match_host(struct check *c, const struct spf_term *term, const char *name, bool *match)
{
	bool v4 = ipaddr_is_v4(&c->query->ip);
	struct addresses a = {.ip = &c->query->ip,
			      .bits = v4 ? term->v4_bits + SPF_V6_BITS - SPF_V4_BITS : term->v6_bits};
	enum spf_result result = ask(c, name, v4 ? DNS_A : DNS_AAAA, take_address, &a, &a.n);
	*match |= a.match;
	return result;
}

struct hosts {
	char names[SPF_HOSTS_MAX][DOMAIN_MAX + 1];
	size_t n;    /* may be more than are kept */
	size_t skip; /* octets before the name */
};

static void take_host(void *to, struct span rdata)
{
	struct hosts *hosts = to;
	size_t len;
	char name[DOMAIN_MAX + 1];
	if (rdata.len <= hosts->skip || !mx_name(span_skip(rdata, hosts->skip), name, &len))
		return;
	if (hosts->n < SPF_HOSTS_MAX)
		snprintf(hosts->names[hosts->n], sizeof(hosts->names[0]), "%s", name);
	hosts->n++;
}

static enum spf_result match_mx(struct check *c, const struct spf_term *term, const char *name, bool *match)
{
	struct hosts hosts = {.skip = 2};
	enum spf_result result = ask(c, name, DNS_MX, take_host, &hosts, &hosts.n);
	if (result == SPF_PASS && hosts.n > SPF_HOSTS_MAX)
		return broken(c, SPF_PERMERROR, _("it has more than 10 mail exchangers, which SPF does not permit"),
			      name);
	for (size_t i = 0; i < hosts.n && result == SPF_PASS && !*match; i++)
		if (hosts.names[i][0])
			result = match_host(c, term, hosts.names[i], match);
	return result;
}

static bool is_below(const char *name, const char *domain)
{
	size_t a = strlen(name), b = strlen(domain);
	return a >= b && span_equal_nocase(span_of(name + (a - b)), span_of(domain)) &&
	       (a == b || name[a - b - 1] == '.');
}

/* A failure of DNS in ptr is no match (RFC 7208 5.5). */
static void match_ptr(struct check *c, const struct spf_term *term, const char *name, bool *match)
{
	char zone[REVERSE_ZONE_MAX];
	struct hosts hosts = {.skip = 0};
	const struct spf_term whole = {.kind = term->kind, .v4_bits = SPF_V4_BITS, .v6_bits = SPF_V6_BITS};
	reverse_zone(&c->query->ip, zone);
	if (ask(c, zone, DNS_PTR, take_host, &hosts, &hosts.n) != SPF_PASS)
		return;
	for (size_t i = 0; i < hosts.n && i < SPF_HOSTS_MAX && !*match; i++)
		if (is_below(hosts.names[i], name))
			match_host(c, &whole, hosts.names[i], match);
}

static void count_record(void *to, struct span rdata)
{
	(void)rdata;
	++*(size_t *)to;
}

static enum spf_result match_include(struct check *c, const char *name, bool *match)
{
	enum spf_result result = check_domain(c, name);
	*match = result == SPF_PASS;
	if (result == SPF_NONE)
		return broken(c, SPF_PERMERROR, _("the record includes it, but it has no SPF record"), name);
	return result == SPF_TEMPERROR || result == SPF_PERMERROR ? result : SPF_PASS;
}

static bool expand(struct check *c, struct span text, const char *domain, char name[SPF_NAME_MAX + 1])
{
	const struct spf_macros macros = {.ip = c->query->ip,
					  .sender = span_of(c->query->sender),
					  .domain = span_of(domain),
					  .helo = span_of(c->query->helo)};
	return text.len ? spf_macro_expand(text, &macros, name) : span_copy(span_of(domain), name, SPF_NAME_MAX + 1);
}

static enum spf_result count_lookup(struct check *c, const char *domain)
{
	if (++c->out->lookups > SPF_LOOKUPS_MAX)
		return broken(c, SPF_PERMERROR, _("the record needs more than 10 look-ups, includes counted"), domain);
	return SPF_PASS;
}

/* SPF_PASS: *match is known; otherwise the result of the evaluation. */
static enum spf_result match_term(struct check *c, const struct spf_term *term, const char *domain, bool *match)
{
	char name[SPF_NAME_MAX + 1];
	size_t records = 0;
	*match = term->kind == SPF_ALL;
	if (term->kind == SPF_IP4 || term->kind == SPF_IP6)
		*match = cidr_contains(&term->net, &c->query->ip);
	if (term->kind == SPF_ALL || term->kind == SPF_IP4 || term->kind == SPF_IP6)
		return SPF_PASS;
	enum spf_result result = count_lookup(c, domain);
	if (result != SPF_PASS || !expand(c, term->domain, domain, name))
		return result; /* a name that can't be asked for does not match */
	switch (term->kind) {
	case SPF_INCLUDE:
		return match_include(c, name, match);
	case SPF_A:
		return match_host(c, term, name, match);
	case SPF_MX:
		return match_mx(c, term, name, match);
	case SPF_PTR:
		match_ptr(c, term, name, match);
		c->out->why[0] = '\0';
		return SPF_PASS;
	default:
		result = ask(c, name, DNS_A, count_record, &records, &records);
		*match = records > 0;
		return result;
	}
}

static enum spf_result decide(struct check *c, const struct spf_term *term, const char *domain)
{
	char text[SPF_TERM_MAX / 2], name[SPF_TERM_MAX / 2 - 4];
	span_clean(term->text, text, sizeof(text));
	span_clean(span_of(domain), name, sizeof(name));
	snprintf(c->out->term, sizeof(c->out->term), "%s of %s", text, name);
	bool net = term->kind == SPF_IP4 || term->kind == SPF_IP6;
	unsigned whole = term->kind == SPF_IP4 ? SPF_V6_BITS - SPF_V4_BITS : 0;
	c->out->open |= term->qualifier == '+' && (term->kind == SPF_ALL || (net && term->net.bits == whole));
	switch (term->qualifier) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	default:
		return SPF_PASS;
	}
}

static enum spf_result check_redirect(struct check *c, struct span redirect, const char *domain)
{
	char name[SPF_NAME_MAX + 1];
	enum spf_result result = count_lookup(c, domain);
	if (result != SPF_PASS)
		return result;
	if (!expand(c, redirect, domain, name))
		return broken(c, SPF_PERMERROR, _("redirect leads to no name"), domain);
	result = check_domain(c, name);
	return result == SPF_NONE
		       ? broken(c, SPF_PERMERROR, _("the record redirects there, but it has no SPF record"), name)
		       : result;
}

static enum spf_result check_record(struct check *c, struct span text, const char *domain)
{
	struct spf_record record;
	char why[SPF_WHY_MAX];
	if (!spf_record_parse(text, &record, why))
		return broken(c, SPF_PERMERROR, why, domain);
	for (size_t i = 0; i < record.n; i++) {
		bool match = false;
		enum spf_result result = match_term(c, &record.terms[i], domain, &match);
		if (result != SPF_PASS)
			return result;
		if (match)
			return decide(c, &record.terms[i], domain);
	}
	if (record.redirect.len)
		return check_redirect(c, record.redirect, domain);
	c->out->term[0] = '\0'; /* that of an include, whose record decided nothing here */
	return SPF_NEUTRAL;
}

static enum spf_result check_domain(struct check *c, const char *domain)
{
	struct found found = {.count = 0};
	enum spf_result result = SPF_NONE;
	str_init(&found.text, SPF_RECORD_MAX);
	int rcode = c->dns->ask(c->dns->context, domain, DNS_TXT, take_text, &found);
	if (rcode != LOOKUP_NOERROR && rcode != LOOKUP_NXDOMAIN)
		result = broken(c, SPF_TEMPERROR, _("DNS gives no answer"), domain);
	else if (found.count > 1)
		result = broken(c, SPF_PERMERROR, _("it has more than one SPF record, and receivers use none"), domain);
	else if (found.count)
		result = check_record(c, str_span(&found.text), domain);
	str_free(&found.text);
	return result;
}

void spf_evaluate(const struct spf_dns *dns, const struct spf_query *query, struct spf_verdict *out)
{
	struct check c = {.dns = dns, .query = query, .out = out};
	*out = (struct spf_verdict){.result = SPF_NONE};
	out->result = check_domain(&c, query->domain);
}
