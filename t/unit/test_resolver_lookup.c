/* DNS answers to ordered hosts. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "t/unit/lookup_fixture.h"
#include "t/unit/suite.h"

START_TEST(mx_answers)
{
	static const struct span null_mx[] = {NULL_MX}, bad[] = {{"x", 1}};
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	struct lookup l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rcode = LOOKUP_NXDOMAIN, .ttl_s = 60}));
	expect(&l, LOOKUP_NEVER, "5.1.2", "example.net: the domain does not exist");
	ck_assert_uint_eq(l.ttl_s, 60);
	l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rcode = 2}));
	expect(&l, LOOKUP_LATER, "4.4.3", "no answer");
	l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rcode = LOOKUP_NO_ANSWER}));
	expect(&l, LOOKUP_LATER, "4.4.3", "no answer");
	l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rdata = null_mx, .n = 1}));
	expect(&l, LOOKUP_NEVER, "5.1.10", "does not accept mail");
	l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rdata = bad, .n = 1}));
	expect(&l, LOOKUP_NEVER, "5.4.4", "no valid host name");
	l = begin("example.net");
	ck_assert(lookup_mx(&l, &(struct lookup_answer){.n = 0}));
	ck_assert_uint_eq(lookup_host_count(&l), 1);
	ck_assert_str_eq(lookup_host(&l, 0), "example.net");
	lookup_finish(&l, false, &hosts);
	expect(&l, LOOKUP_NEVER, "5.4.4", "neither an address nor a mail exchanger");
	str_free(&hosts);
}
END_TEST

START_TEST(no_domain_name)
{
	static const char *const names[] = {"", ".", "a..b", "-a", "exa mple.net", "[192.0.2.1]", "a/b"};
	struct lookup l;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert(!lookup_begin(&l, span_of(names[i]), 25, 0));
		expect(&l, LOOKUP_NEVER, "5.1.2", "");
	}
}
END_TEST

START_TEST(addresses)
{
	static const struct span mx[] = {MX("\x00\x14", "\x01"
							"b"),
					 MX("\x00\x0a", "\x01"
							"a")};
	static const struct span v4[] = {{"\xc0\x00\x02\x01", 4}, {"\x00\x00\x00\x00", 4}, {"\xc0\x00", 2}};
	static const struct span v6[] = {{"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16},
					 {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}};
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	struct lookup l = begin("example.net");
	ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 2, .ttl_s = 500}));
	lookup_address(&l, 1, &(struct lookup_answer){.rdata = v6, .n = 2, .ttl_s = 100});
	lookup_address(&l, 1, &(struct lookup_answer){.rdata = v4, .n = 3, .ttl_s = 300});
	lookup_address(&l, 0, &(struct lookup_answer){.rdata = v4, .n = 1, .ttl_s = 300});
	lookup_address(&l, 0, &(struct lookup_answer){.ttl_s = 3600});
	lookup_finish(&l, false, &hosts);
	ck_assert_str_eq(str_text(&hosts), "a 192.0.2.1 25\nb 192.0.2.1 25\nb 2001:db8::1 25\n");
	expect(&l, LOOKUP_FOUND, "", "");
	ck_assert_uint_eq(l.ttl_s, 100);
	str_free(&hosts);
}
END_TEST

START_TEST(no_address)
{
	static const struct span mx[] = {MX("\x00\x14", "\x01"
							"b")};
	static const struct {
		int rcode;
		bool overdue;
		enum lookup_event event;
		const char *enhanced;
	} cases[] = {{LOOKUP_NOERROR, false, LOOKUP_NEVER, "5.4.4"},
		     {LOOKUP_NXDOMAIN, false, LOOKUP_NEVER, "5.4.4"},
		     {2, false, LOOKUP_LATER, "4.4.3"},
		     {LOOKUP_NO_ANSWER, false, LOOKUP_LATER, "4.4.3"},
		     {LOOKUP_NOERROR, true, LOOKUP_LATER, "4.4.3"}};
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lookup l = begin("example.net");
		ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 1}));
		lookup_address(&l, 0, &(struct lookup_answer){.rcode = cases[i].rcode});
		lookup_finish(&l, cases[i].overdue, &hosts);
		expect(&l, cases[i].event, cases[i].enhanced, "");
	}
	struct lookup l = begin("smart.example.net");
	lookup_plain(&l);
	lookup_address(&l, 0, &(struct lookup_answer){.rcode = LOOKUP_NXDOMAIN});
	lookup_finish(&l, false, &hosts);
	expect(&l, LOOKUP_NEVER, "5.1.2", "smart.example.net: there is no host");
	ck_assert_uint_eq(hosts.len, 0);
	str_free(&hosts);
}
END_TEST

/* 100 hosts with 8 addresses each: the list stays within its bounds. */
START_TEST(many)
{
	char rdata[100][16], v4[32];
	struct span mx[100], a[8], rest;
	struct host host;
	struct str hosts;
	size_t count = 0;
	for (unsigned i = 0; i < 100; i++) {
		int len = snprintf(rdata[i] + 2, sizeof(rdata[i]) - 2, "%ch%04u", 5, i);
		rdata[i][0] = 0;
		rdata[i][1] = (char)i;
		mx[i] = (struct span){rdata[i], (size_t)len + 3};
	}
	for (size_t i = 0; i < 8; i++) {
		memcpy(v4 + 4 * i, "\xc0\x00\x02", 3);
		v4[4 * i + 3] = (char)(i + 1);
		a[i] = (struct span){v4 + 4 * i, 4};
	}
	str_init(&hosts, LOOKUP_LIST_MAX);
	struct lookup l = begin("example.net");
	ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 100}));
	ck_assert_uint_eq(lookup_host_count(&l), LOOKUP_HOSTS_MAX);
	for (size_t i = 0; i < LOOKUP_HOSTS_MAX; i++) {
		lookup_address(&l, i, &(struct lookup_answer){.rdata = a, .n = 8});
		lookup_address(&l, i, &(struct lookup_answer){.rdata = a, .n = 8});
	}
	lookup_finish(&l, false, &hosts);
	for (rest = str_span(&hosts); hosts_next(&rest, &host) == 1; count++)
		ck_assert_int_eq(host.name.at[4] - '0', (int)(count / 8));
	ck_assert_uint_eq(count, HOSTS_MAX);
	str_free(&hosts);
}
END_TEST

/* A domain with hosts a (public) and b (private), or b alone. */
START_TEST(private_addresses)
{
	static const struct span mx[] = {MX("\x00\x14", "\x01"
							"b"),
					 MX("\x00\x0a", "\x01"
							"a")};
	static const struct span public = {"\xc0\x00\x02\x01", 4};
	static const struct span nets[] = {SPAN("\x0a\1\1\1"),
					   SPAN("\x7f\0\0\1"),
					   SPAN("\xa9\xfe\1\1"),
					   SPAN("\xac\x10\0\1"),
					   SPAN("\xc0\xa8\0\1"),
					   SPAN("\x64\x40\0\1"),
					   SPAN("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
					   SPAN("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
					   SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
					   SPAN("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1")};
	for (int way = 0; way < 3; way++) {
		struct str hosts;
		str_init(&hosts, LOOKUP_LIST_MAX);
		struct lookup l = begin("example.net");
		l.private_ok = way == 2;
		ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = way ? 1 : 2}));
		if (!way)
			lookup_address(&l, 0, &(struct lookup_answer){.rdata = &public, .n = 1});
		lookup_address(&l, way ? 0 : 1, &(struct lookup_answer){.rdata = &nets[_i], .n = 1});
		lookup_finish(&l, false, &hosts);
		if (way == 0)
			ck_assert_str_eq(str_text(&hosts), "a 192.0.2.1 25\n");
		else if (way == 1)
			expect(&l, LOOKUP_NEVER, "5.4.4", "private_mx yes");
		else
			expect(&l, LOOKUP_FOUND, "", "");
		str_free(&hosts);
	}
}
END_TEST

/* Signed answers: each line has its DANE requirement; a bogus answer does not count. */
START_TEST(signed_answers)
{
	static const struct span mx[] = {MX("\x00\x0a", "\x01"
							"a")};
	static const struct span address = {"\xc0\x00\x02\x01", 4};
	static const char record[] = "\3\1\1"
				     "0123456789abcdef0123456789abcdef";
	const struct span tlsa = {record, sizeof(record) - 1};
	char question[DANE_QUESTION_MAX];
	bool alias;
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	struct lookup l = begin("example.net");
	ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 1, .secure = true}));
	lookup_address(&l, 0, &(struct lookup_answer){.rdata = &address, .n = 1, .secure = true});
	ck_assert(lookup_question(&l, 0, question, &alias));
	ck_assert_str_eq(question, "_25._tcp.a");
	lookup_dane(&l, 0, &(struct lookup_answer){.rdata = &tlsa, .n = 1, .secure = true, .ttl_s = 30});
	ck_assert(!lookup_question(&l, 0, question, &alias));
	lookup_finish(&l, false, &hosts);
	ck_assert_str_eq(str_text(&hosts), "a 192.0.2.1 25 match a,example.net "
					   "31130313233343536373839616263646566303132333435363738396162636465"
					   "66\n");
	str_clear(&hosts);
	l = begin("example.net");
	ck_assert(!lookup_mx(&l, &(struct lookup_answer){.rcode = LOOKUP_BOGUS, .why = SPAN("expired\n")}));
	expect(&l, LOOKUP_LATER, "4.7.5", "example.net: DNSSEC validation failed: expired\\x0a");
	l = begin("example.net");
	ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 1}));
	lookup_address(&l, 0, &(struct lookup_answer){.rcode = LOOKUP_BOGUS, .why = SPAN("forged")});
	lookup_finish(&l, false, &hosts);
	expect(&l, LOOKUP_LATER, "4.7.5", "forged");
	ck_assert_uint_eq(hosts.len, 0);
	str_free(&hosts);
}
END_TEST

/* If a query had no answer, the result is valid for a minute only, whatever TTL DNS states. */
START_TEST(unanswered_queries_limit_the_ttl)
{
	static const struct span mx[] = {MX("\x00\x0a", "\x01"
							"a")};
	static const struct span address = {"\xc0\x00\x02\x01", 4};
	const struct lookup_answer found = {.rdata = &address, .n = 1, .secure = true, .ttl_s = 3600};
	const struct lookup_answer none = {.rcode = LOOKUP_NO_ANSWER};
	char question[DANE_QUESTION_MAX];
	bool alias;
	for (int what = 0; what < 4; what++) {
		struct str hosts;
		str_init(&hosts, LOOKUP_LIST_MAX);
		struct lookup l = begin("example.net");
		ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 1, .secure = true, .ttl_s = 3600}));
		lookup_address(&l, 0, &found);
		lookup_address(&l, 0, what == 1 ? &none : &(struct lookup_answer){.secure = true, .ttl_s = 3600});
		ck_assert(lookup_question(&l, 0, question, &alias));
		lookup_dane(&l, 0, what == 2 ? &none : &(struct lookup_answer){.secure = true, .ttl_s = 3600});
		lookup_finish(&l, what == 3, &hosts);
		ck_assert_str_eq(str_text(&hosts), what == 2 ? "a 192.0.2.1 25 later\n" : "a 192.0.2.1 25\n");
		ck_assert_uint_eq(l.ttl_s, what ? LOOKUP_DOUBT_S : 3600);
		str_free(&hosts);
	}
}
END_TEST

/* Hosts of preference 10, 20, 20, 30: which of them is this server, by name or address, and how many are left. */
START_TEST(hosts_that_are_this_server)
{
	static const struct {
		const char *fqdn;
		unsigned char address; /* the last octet of our address; host I has 192.0.2.(10 + I) */
		uint16_t port;
		size_t left;
	} cases[] = {
		{"h9", 99, 25, 4}, {"h3", 99, 25, 3}, {"H2", 99, 25, 1}, {"h0", 99, 25, 0},   {"h9", 13, 25, 3},
		{"h9", 12, 25, 1}, {"h9", 11, 25, 1}, {"h9", 10, 25, 0}, {"h0", 10, 2525, 4},
	};
	struct span mx[] = {SPAN("\0\x0a\2h0\0"), SPAN("\0\x14\2h1\0"), SPAN("\0\x14\2h2\0"), SPAN("\0\x1e\2h3\0")};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ipaddr ours = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, cases[i].address}};
		struct config_endpoint endpoint = {.ip = ours, .port = cases[i].port};
		struct config_endpoints listen = {&endpoint, 1};
		struct self self = {.fqdn = cases[i].fqdn, .listen = &listen};
		struct str hosts;
		str_init(&hosts, LOOKUP_LIST_MAX);
		struct lookup l = begin("example.net");
		l.self = &self;
		ck_assert(lookup_mx(&l, &(struct lookup_answer){.rdata = mx, .n = 4}));
		for (size_t host = 0; host < 4; host++) {
			char rdata[] = {(char)192, 0, 2, (char)(10 + lookup_host(&l, host)[1] - '0')};
			struct span a = {rdata, sizeof(rdata)};
			lookup_address(&l, host, &(struct lookup_answer){.rdata = &a, .n = 1});
		}
		lookup_finish(&l, false, &hosts);
		struct span rest = str_span(&hosts);
		struct host host;
		size_t left = 0;
		while (hosts_next(&rest, &host) == 1)
			left++;
		ck_assert_msg(left == cases[i].left, "case %zu: %zu hosts", i, left);
		ck_assert_int_eq(l.event, left ? LOOKUP_FOUND : LOOKUP_NEVER);
		if (!left)
			expect(&l, LOOKUP_NEVER, "5.4.6", "loop back");
		str_free(&hosts);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lookup");
	TCase *all = tcase_create("all");
	tcase_add_test(all, mx_answers);
	tcase_add_test(all, no_domain_name);
	tcase_add_test(all, addresses);
	tcase_add_test(all, no_address);
	tcase_add_test(all, many);
	tcase_add_loop_test(all, private_addresses, 0, 10);
	tcase_add_test(all, signed_answers);
	tcase_add_test(all, unanswered_queries_limit_the_ttl);
	tcase_add_test(all, hosts_that_are_this_server);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
