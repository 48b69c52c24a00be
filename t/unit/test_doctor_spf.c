/* SPF: the zone and the examples of RFC 7208, appendix A and 7.4, syntax errors, limits. */
#include "ctl/doctor/spf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/spf_macro.h"
#include "t/unit/suite.h"

/* A record of the DNS of a test. TXT: the text, with '|' between its strings. */
struct record {
	const char *name;
	enum dns_type type;
	const char *value;
};

/* Appendix A.1, and records of A.3 and A.4. */
static const struct record zone[] = {
	{"example.com", DNS_MX, "mail-a.example.com"},
	{"example.com", DNS_MX, "mail-b.example.com"},
	{"example.com", DNS_A, "192.0.2.10"},
	{"example.com", DNS_A, "192.0.2.11"},
	{"amy.example.com", DNS_A, "192.0.2.65"},
	{"bob.example.com", DNS_A, "192.0.2.66"},
	{"mail-a.example.com", DNS_A, "192.0.2.129"},
	{"mail-b.example.com", DNS_A, "192.0.2.130"},
	{"www.example.com", DNS_A, "192.0.2.10"},
	{"example.org", DNS_MX, "mail-c.example.org"},
	{"mail-c.example.org", DNS_A, "192.0.2.140"},
	{"10.2.0.192.in-addr.arpa", DNS_PTR, "example.com"},
	{"65.2.0.192.in-addr.arpa", DNS_PTR, "amy.example.com"},
	{"129.2.0.192.in-addr.arpa", DNS_PTR, "mail-a.example.com"},
	{"4.0.0.10.in-addr.arpa", DNS_PTR, "bob.example.com"},
	{"77.2.0.192.in-addr.arpa", DNS_PTR, "silent.example.com"},
	{"la.example.org", DNS_TXT, "v=spf1 redirect=example.org"},
	{"example.org", DNS_TXT, "v=spf1 include:example.com include:example.net -all"},
	{"example.net", DNS_TXT, "other text"},
	{"example.net", DNS_TXT, "v=spf1 ip4:192.0.2.200 -a|ll"},
	{"mary.mobile-users._spf.example.com", DNS_A, "127.0.0.2"},
	{"15.15.168.192.joel.remote-users._spf.example.com", DNS_A, "127.0.0.2"},
	{"six.example.com", DNS_AAAA, "2001:db8:1::1"},
	{"two.example.com", DNS_TXT, "v=spf1 -all"},
	{"two.example.com", DNS_TXT, "v=SPF1"},
	{"loop.example.com", DNS_TXT, "v=spf1 include:loop.example.com"},
	{"dead.example.com", DNS_TXT, "v=spf1 a:silent.example.com -all"},
	{"open.example.com", DNS_TXT, "v=spf1 +all"},
};

/* The record of example.com, which each test sets. */
static const char *of_example_com;

static size_t wire(const char *name, char *to)
{
	size_t n = 0;
	struct span rest = span_of(name);
	while (rest.len) {
		struct span label = span_take(&rest, '.');
		to[n++] = (char)label.len;
		memcpy(to + n, label.at, label.len);
		n += label.len;
	}
	to[n++] = '\0';
	return n;
}

static size_t encode(const struct record *r, char *to)
{
	struct ipaddr ip;
	size_t n = 0;
	struct span rest = span_of(r->value);
	switch (r->type) {
	case DNS_TXT:
		while (rest.len) {
			struct span part = span_take(&rest, '|');
			to[n++] = (char)part.len;
			memcpy(to + n, part.at, part.len);
			n += part.len;
		}
		return n;
	case DNS_MX:
		memcpy(to, "\0\12", 2);
		return 2 + wire(r->value, to + 2);
	case DNS_PTR:
		return wire(r->value, to);
	default:
		ck_assert(ipaddr_parse(rest, &ip));
		n = r->type == DNS_A ? 4 : 16;
		memcpy(to, ip.octets + 16 - n, n);
		return n;
	}
}

static int ask(void *context, const char *name, enum dns_type type, void (*take)(void *to, struct span rdata), void *to)
{
	char rdata[1024];
	bool exists = false;
	(void)context;
	if (strstr(name, "silent"))
		return LOOKUP_NO_ANSWER;
	const struct record own = {"example.com", DNS_TXT, of_example_com};
	for (size_t i = 0; i <= sizeof(zone) / sizeof(zone[0]); i++) {
		const struct record *r = i ? &zone[i - 1] : &own;
		if (strcasecmp(r->name, name) != 0)
			continue;
		exists = true;
		if (r->type == type && r->value)
			take(to, (struct span){rdata, encode(r, rdata)});
	}
	return exists ? LOOKUP_NOERROR : LOOKUP_NXDOMAIN;
}

static struct spf_verdict verdict;

static enum spf_result check(const char *record, const char *ip, const char *domain, const char *sender)
{
	const struct spf_dns dns = {.ask = ask};
	struct spf_query query = {.domain = domain, .sender = sender, .helo = "mail.example.com"};
	ck_assert(ipaddr_parse(span_of(ip), &query.ip));
	of_example_com = record;
	spf_evaluate(&dns, &query, &verdict);
	return verdict.result;
}

static const struct {
	const char *record, *ip;
	enum spf_result result;
} examples[] = {
	/* A.1 */
	{"v=spf1 +all", "192.0.2.1", SPF_PASS},
	{"v=spf1 a -all", "192.0.2.10", SPF_PASS},
	{"v=spf1 a -all", "192.0.2.11", SPF_PASS},
	{"v=spf1 a -all", "192.0.2.12", SPF_FAIL},
	{"v=spf1 a:example.org -all", "192.0.2.10", SPF_FAIL},
	{"v=spf1 mx -all", "192.0.2.129", SPF_PASS},
	{"v=spf1 mx -all", "192.0.2.130", SPF_PASS},
	{"v=spf1 mx -all", "192.0.2.10", SPF_FAIL},
	{"v=spf1 mx:example.org -all", "192.0.2.140", SPF_PASS},
	{"v=spf1 mx mx:example.org -all", "192.0.2.130", SPF_PASS},
	{"v=spf1 mx mx:example.org -all", "192.0.2.140", SPF_PASS},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", SPF_PASS},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", SPF_PASS},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", SPF_FAIL},
	{"v=spf1 ptr -all", "192.0.2.65", SPF_PASS},
	{"v=spf1 ptr -all", "192.0.2.140", SPF_FAIL},
	{"v=spf1 ptr -all", "10.0.0.4", SPF_FAIL},
	{"v=spf1 ptr ?all", "192.0.2.77", SPF_NEUTRAL},
	{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", SPF_FAIL},
	{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", SPF_PASS},
	{"v=spf1 ip4:192.0.2.130/28 -all", "192.0.2.129", SPF_PASS},
	/* The rest of the language. */
	{"v=spf1", "192.0.2.1", SPF_NEUTRAL},
	{"v=spf1 ~all", "192.0.2.1", SPF_SOFTFAIL},
	{"v=spf1 ?all", "192.0.2.1", SPF_NEUTRAL},
	{"V=SPF1 A -ALL", "192.0.2.10", SPF_PASS},
	{"v=spf1 ip6:2001:db8::/32 -all", "2001:db8::5", SPF_PASS},
	{"v=spf1 ip6:2001:db8::/32 -all", "192.0.2.1", SPF_FAIL},
	{"v=spf1 a:six.example.com//48 -all", "2001:db8:1:2::3", SPF_PASS},
	{"v=spf1 a:six.example.com/24//64 -all", "2001:db8:1:2::3", SPF_FAIL},
	{"v=spf1 include:example.net -all", "192.0.2.200", SPF_PASS},
	{"v=spf1 include:example.net ~all", "192.0.2.201", SPF_SOFTFAIL},
	{"v=spf1 redirect=example.net", "192.0.2.200", SPF_PASS},
	{"v=spf1 redirect=example.net", "192.0.2.201", SPF_FAIL},
	{"v=spf1 exists:%{l1r}.mobile-users._spf.%{d} -all", "192.0.2.1", SPF_PASS},
	{"v=spf1 later=x.example.com exp=e.%{d} -all", "192.0.2.1", SPF_FAIL},
	/* Errors, wherever they are. */
	{"v=spf1 -all ip4:192.0.2.300", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 +all ipv4:192.0.2.1", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 ip4:192.0.2.1/33", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 ip4:2001:db8::1", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 ip4", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 include: -all", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 all:x.example.com", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 a:%{x}.example.com", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 a:host", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 redirect=a.example.com redirect=b.example.com", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 include:none.example.com -all", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 include:two.example.com -all", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 redirect=none.example.com", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 include:loop.example.com", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 a:x1.test a:x2.test a:x3.test +all", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 a:x1.test a:x2.test +all", "192.0.2.1", SPF_PASS},
	{"v=spf1 a a a a a a a a a a +all", "192.0.2.1", SPF_PASS},
	{"v=spf1 a a a a a a a a a a a +all", "192.0.2.1", SPF_PERMERROR},
	{"v=spf1 a:silent.example.com +all", "192.0.2.1", SPF_TEMPERROR},
	{"v=spf1 include:dead.example.com +all", "192.0.2.1", SPF_TEMPERROR},
	{"v=spf10 -all", "192.0.2.1", SPF_NONE},
	{"spf", "192.0.2.1", SPF_NONE},
};

START_TEST(records_mean_what_the_rfc_says)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		enum spf_result result = check(examples[i].record, examples[i].ip, "example.com", "mary@example.com");
		ck_assert_msg(result == examples[i].result, "%s for %s: %s (%s)", examples[i].record, examples[i].ip,
			      spf_word(result), verdict.why);
		bool error = result == SPF_TEMPERROR || result == SPF_PERMERROR;
		ck_assert_msg(error == (verdict.why[0] != '\0'), "%s: %s", examples[i].record, verdict.why);
	}
}
END_TEST

/* A.2: includes and redirects over domains; A.4: users. */
START_TEST(records_lead_to_other_domains)
{
	const char *record = "v=spf1 a -all";
	ck_assert_int_eq(check(record, "192.0.2.10", "example.org", "a@example.org"), SPF_PASS);
	ck_assert_str_eq(verdict.term, "include:example.com of example.org");
	ck_assert_int_eq(check(record, "192.0.2.200", "la.example.org", "a@la.example.org"), SPF_PASS);
	ck_assert_uint_eq(verdict.lookups, 4);
	ck_assert_int_eq(check(record, "192.0.2.201", "la.example.org", "a@la.example.org"), SPF_FAIL);
	ck_assert_str_eq(verdict.term, "-all of example.org");
	ck_assert_int_eq(check("v=spf1 include:example.net", "192.0.2.201", "example.com", "a@b.test"), SPF_NEUTRAL);
	ck_assert_str_eq(verdict.term, ""); /* "-all of example.net" decided only about the include */
	record = "v=spf1 exists:%{ir}.%{l1r+-}.remote-users._spf.%{d} -all";
	ck_assert_int_eq(check(record, "192.168.15.15", "example.com", "joel@example.com"), SPF_PASS);
	ck_assert_int_eq(check(record, "192.168.15.16", "example.com", "joel@example.com"), SPF_FAIL);
}
END_TEST

START_TEST(a_record_that_permits_every_host_is_noticed)
{
	check("v=spf1 include:open.example.com -all", "192.0.2.1", "example.com", "a@example.com");
	ck_assert(verdict.result == SPF_PASS && verdict.open);
	check("v=spf1 ip4:0.0.0.0/0 -all", "192.0.2.1", "example.com", "a@example.com");
	ck_assert(verdict.open);
	check("v=spf1 ip4:192.0.0.0/8 -all", "192.0.2.1", "example.com", "a@example.com");
	ck_assert(verdict.result == SPF_PASS && !verdict.open);
	check("v=spf1 -all", "192.0.2.1", "example.com", "a@example.com");
	ck_assert(!verdict.open);
}
END_TEST

/* 7.4 */
static const struct {
	const char *text, *result;
} macros[] = {
	{"%{s}", "strong-bad@email.example.com"},
	{"%{o}", "email.example.com"},
	{"%{d}", "email.example.com"},
	{"%{d4}", "email.example.com"},
	{"%{d3}", "email.example.com"},
	{"%{d2}", "example.com"},
	{"%{d1}", "com"},
	{"%{dr}", "com.example.email"},
	{"%{d2r}", "example.email"},
	{"%{l}", "strong-bad"},
	{"%{l-}", "strong.bad"},
	{"%{lr}", "strong-bad"},
	{"%{lr-}", "bad.strong"},
	{"%{l1r-}", "strong"},
	{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
	{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
	{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
	{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
	{"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
};

START_TEST(macros_are_replaced)
{
	struct spf_macros m = {
		.sender = SPAN("strong-bad@email.example.com"), .domain = SPAN("email.example.com"), .helo = SPAN("h")};
	char name[SPF_NAME_MAX + 1], longer[300] = "";
	ck_assert(ipaddr_parse(SPAN("192.0.2.3"), &m.ip));
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		ck_assert(spf_macro_valid(span_of(macros[i].text)));
		ck_assert(spf_macro_expand(span_of(macros[i].text), &m, name));
		ck_assert_str_eq(name, macros[i].result);
	}
	ck_assert(ipaddr_parse(SPAN("2001:db8::cb01"), &m.ip));
	ck_assert(spf_macro_expand(SPAN("%{ir}.%{v}._spf.%{d2}"), &m, name));
	ck_assert_str_eq(name, "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
	ck_assert(spf_macro_expand(SPAN("%{S}.x.com"), &m, name));
	ck_assert_str_eq(name, "strong-bad%40email.example.com.x.com");
	for (int i = 0; i < 9; i++)
		strcat(longer, "twenty-nine-octets-in-a-label.");
	strcat(longer, "com");
	ck_assert(spf_macro_expand(span_of(longer), &m, name));
	ck_assert_uint_eq(strlen(name), 8 * 30 + 3);
	ck_assert(!spf_macro_expand(SPAN("a..b.com"), &m, name));
	ck_assert(!spf_macro_valid(SPAN("%{d")) && !spf_macro_valid(SPAN("%{d0}")) && !spf_macro_valid(SPAN("%")) &&
		  !spf_macro_valid(SPAN("a.1")) && spf_macro_valid(SPAN("%%.a.com")));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {records_mean_what_the_rfc_says, records_lead_to_other_domains,
				      a_record_that_permits_every_host_is_noticed, macros_are_replaced};
	return run_tests("spf", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
