#include <check.h>
#include <string.h>

#include "common/mail/cidr.h"
#include "t/unit/suite.h"

static struct ipaddr address(const char *text)
{
	struct ipaddr ip;
	ck_assert_msg(ipaddr_parse(span_of(text), &ip), "%s", text);
	return ip;
}

static struct cidr network(const char *text)
{
	struct cidr net;
	const char *why = "";
	ck_assert_msg(cidr_parse(span_of(text), &net, &why), "%s: %s", text, why);
	return net;
}

START_TEST(addresses_have_one_spelling)
{
	static const char *const cases[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:10.0.0.1", "10.0.0.1"},
		{"::FFFF:0a00:0001", "10.0.0.1"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::", "::"},
		{"::1", "::1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"1111:2222:3333:4444:5555:6666:255.255.255.255", "1111:2222:3333:4444:5555:6666:ffff:ffff"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[IPADDR_TEXT_MAX];
		struct ipaddr ip = address(cases[i][0]);
		ipaddr_format(&ip, text);
		ck_assert_str_eq(text, cases[i][1]);
	}
	struct ipaddr mapped = address("::ffff:10.0.0.1");
	struct ipaddr plain = address("10.0.0.1");
	ck_assert(ipaddr_equal(&mapped, &plain));
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
	static const struct span cases[] = {
		SPAN(""),
		SPAN("1.2.3"),
		SPAN("1.2.3.4.5"),
		SPAN("256.1.1.1"),
		SPAN("01.2.3.4"),
		SPAN("1.2.3.4 "),
		SPAN(" 1.2.3.4"),
		SPAN("1.2.3.4\0"),
		SPAN("0x1.2.3.4"),
		SPAN("1.2.3.-4"),
		SPAN("fe80::1%lo"),
		SPAN("[::1]"),
		SPAN(":::"),
		SPAN("1::2::3"),
		SPAN("12345::"),
		SPAN("1.2.3.4:25"),
		SPAN("localhost"),
		SPAN("::ffff:1.2.3"),
		SPAN("1:2:3:4:5:6:7:8:9"),
		SPAN("3232235777"),
		SPAN("1111:2222:3333:4444:5555:6666:255.255.255.2555"),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ipaddr ip;
		ck_assert_msg(!ipaddr_parse(cases[i], &ip), "%s", cases[i].at);
	}
}
END_TEST

START_TEST(knows_loopback)
{
	static const struct {
		const char *text;
		bool v4, loopback;
	} cases[] = {
		{"127.0.0.1", true, true}, {"127.255.255.255", true, true}, {"128.0.0.1", true, false},
		{"::1", false, true},      {"::2", false, false},           {"::ffff:127.1.1.1", true, true},
		{"0.0.0.1", true, false},  {"::127.0.0.1", false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ipaddr ip = address(cases[i].text);
		ck_assert_msg(ipaddr_is_v4(&ip) == cases[i].v4, "%s", cases[i].text);
		ck_assert_msg(ipaddr_is_loopback(&ip) == cases[i].loopback, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(networks_contain_what_they_say)
{
	static const struct {
		const char *net;
		unsigned bits;
		const char *inside, *outside;
	} cases[] = {
		{"10.0.0.0/8", 104, "10.255.255.255", "11.0.0.0"},
		{"10.0.0.0/255.0.0.0", 104, "10.0.0.1", "9.255.255.255"},
		{"10.0.0.0/255.255.254.0", 119, "10.0.1.255", "10.0.2.0"},
		{"192.0.2.1", 128, "192.0.2.1", "192.0.2.2"},
		{"192.0.2.1/32", 128, "::ffff:192.0.2.1", "192.0.2.0"},
		{"192.0.2.128/25", 121, "192.0.2.255", "192.0.2.127"},
		{"0.0.0.0/0", 96, "255.1.2.3", "2001:db8::1"},
		{"0.0.0.0/0.0.0.0", 96, "1.1.1.1", "::1"},
		{"10.0.0.0/255.255.255.255", 128, "10.0.0.0", "10.0.0.1"},
		{"::ffff:10.0.0.0/104", 104, "10.1.2.3", "11.1.2.3"},
		{"2001:db8::/32", 32, "2001:db8:ffff::1", "2001:db9::"},
		{"2001:db8:0:8000::/49", 49, "2001:db8:0:ffff::", "2001:db8:0:7fff::"},
		{"::1/128", 128, "::1", "::2"},
		{"::/0", 0, "2001:db8::1", "10.0.0.1"},
		{"8000::/1", 1, "ffff::", "7fff::"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cidr net = network(cases[i].net);
		struct ipaddr inside = address(cases[i].inside);
		struct ipaddr outside = address(cases[i].outside);
		ck_assert_msg(net.bits == cases[i].bits, "%s: %u bits", cases[i].net, net.bits);
		ck_assert_msg(cidr_contains(&net, &inside), "%s: %s", cases[i].net, cases[i].inside);
		ck_assert_msg(!cidr_contains(&net, &outside), "%s: %s", cases[i].net, cases[i].outside);
	}
}
END_TEST

START_TEST(refuses_networks_and_says_why)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{"10.0.0.1/8", "beyond the prefix"},
		{"2001:db8::1/64", "beyond the prefix"},
		{"0.0.0.1/0", "beyond the prefix"},
		{"::1/0", "beyond the prefix"},
		{"10.0.0.0/33", "0 to 32"},
		{"10.0.0.0/", "0 to 32"},
		{"10.0.0.0/-1", "0 to 32"},
		{"10.0.0.0/8/8", "0 to 32"},
		{"10.0.0.0/18446744073709551624", "0 to 32"},
		{"::/129", "0 to 128"},
		{"::/255.0.0.0", "0 to 128"},
		{"10.0.0.0/255.0.255.0", "mask"},
		{"10.0.0.0/0.255.255.255", "mask"},
		{"10.0.0.0/::", "0 to 32"},
		{"", "no IP address"},
		{"/8", "no IP address"},
		{"example.com", "no IP address"},
		{"10.0.0/8", "no IP address"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cidr net;
		const char *why = "";
		ck_assert_msg(!cidr_parse(span_of(cases[i].text), &net, &why), "%s", cases[i].text);
		ck_assert_msg(strstr(why, cases[i].word) != NULL, "%s: %s", cases[i].text, why);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cidr");
	TCase *tests = tcase_create("cidr");
	tcase_add_test(tests, addresses_have_one_spelling);
	tcase_add_test(tests, refuses_what_is_no_address);
	tcase_add_test(tests, knows_loopback);
	tcase_add_test(tests, networks_contain_what_they_say);
	tcase_add_test(tests, refuses_networks_and_says_why);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
