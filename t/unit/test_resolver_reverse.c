#include "common/dns/reverse.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NAME(wire)                                                                                                     \
	{                                                                                                              \
		wire, sizeof(wire)                                                                                     \
	}

static struct ipaddr address(const char *text)
{
	struct ipaddr ip;
	ck_assert(ipaddr_parse(span_of(text), &ip));
	return ip;
}

static struct reverse begin(const char *client)
{
	struct reverse r;
	struct ipaddr ip = address(client);
	reverse_begin(&r, &ip);
	return r;
}

static const struct {
	const char *ip, *zone;
} zones[] = {
	{"192.0.2.17", "17.2.0.192.in-addr.arpa"},
	{"::ffff:10.0.0.1", "1.0.0.10.in-addr.arpa"},
	{"255.255.255.255", "255.255.255.255.in-addr.arpa"},
	{"2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	{"::", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"},
};

START_TEST(test_zone)
{
	char zone[REVERSE_ZONE_MAX];
	struct ipaddr ip = address(zones[_i].ip);
	reverse_zone(&ip, zone);
	ck_assert_str_eq(zone, zones[_i].zone);
}
END_TEST

static const struct span two_names[] = {NAME("\4zeta\4test"), NAME("\4Beta\4test"), NAME("\4zETA\4test")};
static const struct span v4[] = {{"\xc0\0\2\1", 4}, {"\xc0\0\2\2", 4}};
static const struct span other[] = {{"\xc0\0\2\3", 4}, {"\xc0\0", 2}};

static struct lookup_answer answer(int rcode, const struct span *rdata, size_t n)
{
	return (struct lookup_answer){.rcode = rcode, .ttl_s = 60, .rdata = rdata, .n = n};
}

static struct reverse asked(const char *client)
{
	struct reverse r = begin(client);
	struct lookup_answer ptr = answer(LOOKUP_NOERROR, two_names, 3);
	ck_assert(reverse_ptr(&r, &ptr));
	ck_assert_uint_eq(r.count, 2);
	ck_assert_str_eq(r.names[0], "beta.test");
	ck_assert_str_eq(r.names[1], "zeta.test");
	return r;
}

/* The first name in alphabetical order that resolves to the address, whatever came first. */
START_TEST(test_confirmed)
{
	struct lookup_answer good = answer(LOOKUP_NOERROR, v4, 2), bad = answer(LOOKUP_NOERROR, other, 2);
	struct reverse r = asked("192.0.2.2");
	reverse_address(&r, 1, &good);
	reverse_address(&r, 0, &bad);
	reverse_finish(&r, true);
	ck_assert_str_eq(r.name, "zeta.test");
	r = asked("192.0.2.2");
	reverse_address(&r, 1, &good);
	reverse_address(&r, 0, &good);
	reverse_finish(&r, true);
	ck_assert_str_eq(r.name, "beta.test");
	ck_assert_str_eq(r.why, "");
	r = asked("192.0.2.2");
	reverse_address(&r, 1, &good);
	reverse_finish(&r, false);
	ck_assert_str_eq(r.name, "zeta.test");
}
END_TEST

START_TEST(test_unconfirmed)
{
	struct lookup_answer bad = answer(LOOKUP_NOERROR, other, 2), gone = answer(LOOKUP_NXDOMAIN, NULL, 0);
	struct lookup_answer failed = answer(2, NULL, 0), none = answer(LOOKUP_NO_ANSWER, NULL, 0);
	struct reverse r = asked("192.0.2.2");
	reverse_address(&r, 0, &bad);
	reverse_address(&r, 1, &gone);
	reverse_finish(&r, true);
	ck_assert_ptr_null(r.name);
	ck_assert_str_eq(r.why, "beta.test does not resolve to the address");
	r = asked("192.0.2.2");
	reverse_address(&r, 0, &failed);
	reverse_address(&r, 1, &bad);
	reverse_finish(&r, true);
	ck_assert_str_eq(r.why, "DNS gave no answer about beta.test");
	r = begin("192.0.2.2");
	ck_assert(!reverse_ptr(&r, &gone));
	reverse_finish(&r, true);
	ck_assert_str_eq(r.why, "the address has no name in DNS");
	r = begin("192.0.2.2");
	ck_assert(!reverse_ptr(&r, &none));
	reverse_finish(&r, true);
	ck_assert_str_eq(r.why, "DNS gave no answer in time");
	r = begin("192.0.2.2");
	reverse_finish(&r, false);
	ck_assert_str_eq(r.why, "DNS gave no answer in time");
}
END_TEST

/* An address of the other family that ends in the same octets does not confirm a name. */
START_TEST(test_families)
{
	static const struct span v6[] = {{"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\2", 16}};
	struct lookup_answer mapped = answer(LOOKUP_NOERROR, v6, 1);
	struct reverse r = asked("192.0.2.2");
	reverse_address(&r, 0, &mapped);
	reverse_finish(&r, true);
	ck_assert_ptr_null(r.name);
}
END_TEST

START_TEST(test_hostile_names)
{
	static char long_label[70] = "\77";
	const struct span rdata[] = {NAME(""),
				     NAME("\3a b\4test"),
				     NAME("\3a\nb\4test"),
				     NAME("\3a\"b\4test"),
				     {"\4test", 5},
				     {"\77", 1},
				     {"", 0},
				     {long_label, sizeof(long_label)},
				     NAME("\1*\4test"),
				     NAME("\1a\1b"),
				     NAME("\1b\1b"),
				     NAME("\1c\1b"),
				     NAME("\1d\1b"),
				     NAME("\1e\1b")};
	struct lookup_answer ptr = answer(LOOKUP_NOERROR, rdata, sizeof(rdata) / sizeof(rdata[0]));
	struct reverse r = begin("192.0.2.2");
	ck_assert(reverse_ptr(&r, &ptr));
	ck_assert_uint_eq(r.count, REVERSE_NAMES_MAX);
	ck_assert_str_eq(r.names[0], "a.b");
	ck_assert_str_eq(r.names[3], "d.b");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reverse");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_zone, 0, sizeof(zones) / sizeof(zones[0]));
	tcase_add_test(tcase, test_confirmed);
	tcase_add_test(tcase, test_unconfirmed);
	tcase_add_test(tcase, test_families);
	tcase_add_test(tcase, test_hostile_names);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
