#include "common/tls/sni.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { RSA = 6, EC = 408 };

START_TEST(test_match)
{
	static const struct {
		struct span name, asked;
		bool match;
	} cases[] = {
		{SPAN("mail.example.com"), SPAN("mail.example.com"), true},
		{SPAN("mail.example.com"), SPAN("MAIL.Example.COM"), true},
		{SPAN("mail.example.com"), SPAN("mail.example.co"), false},
		{SPAN("mail.example.com"), SPAN("a.mail.example.com"), false},
		{SPAN("*.example.com"), SPAN("mail.EXAMPLE.com"), true},
		{SPAN("*.example.com"), SPAN("a.mail.example.com"), false},
		{SPAN("*.example.com"), SPAN("example.com"), false},
		{SPAN("*.example.com"), SPAN(".example.com"), false},
		{SPAN("*.example.com"), SPAN("*.example.com"), false},
		{SPAN("*"), SPAN("example"), false},
		{SPAN("*."), SPAN("example"), false},
		{SPAN("m*.example.com"), SPAN("mail.example.com"), false},
		{SPAN(""), SPAN(""), false},
		{SPAN("mail.example.com"), SPAN("mail.example.com."), false},
		{SPAN("mail.example.com"), SPAN("mail.example.com\0"), false},
		{SPAN("mail.example.com"), SPAN("mail.example.com\\"), false},
		{SPAN("*.example.com"), SPAN("a\0b.example.com"), false},
		{SPAN("*.example.com"), SPAN("../x.example.com"), false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(tls_sni_match(cases[i].name, cases[i].asked) == cases[i].match, "case %zu", i);
}
END_TEST

static const struct span ours[] = {SPAN("mail.example.com"), SPAN("example.com")};
static const struct span wild[] = {SPAN("*.example.com"), SPAN("*.example.net")};
static const struct span other[] = {SPAN("mail.example.org")};

START_TEST(test_choose)
{
	static const struct tls_sni_certificate list[] = {
		{EC, ours, 2}, {RSA, ours, 1}, {EC, wild, 2}, {RSA, wild, 2}, {RSA, other, 1},
	};
	static const struct {
		const char *asked;
		uint32_t chosen;
	} cases[] = {
		{"mail.example.com", 1 << 0 | 1 << 1},
		{"example.com", 1 << 0},
		{"www.example.com", 1 << 2 | 1 << 3},
		{"www.example.net", 1 << 2 | 1 << 3},
		{"mail.example.org", 1 << 4},
		{"nobody.example.org", 1 << 0 | 1 << 1},
		{"", 1 << 0 | 1 << 1},
		{"-", 1 << 0 | 1 << 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(tls_sni_choose(list, 5, span_of(cases[i].asked)) == cases[i].chosen, "%s",
			      cases[i].asked);
	ck_assert_uint_eq(tls_sni_choose(list, 0, SPAN("mail.example.com")), 0);
}
END_TEST

/* An exact name precedes an earlier wildcard, but only for the same type of key. */
START_TEST(test_exact_before_wildcard)
{
	static const struct tls_sni_certificate list[] = {{EC, wild, 2}, {RSA, wild, 2}, {EC, ours, 2}, {EC, ours, 2}};
	ck_assert_uint_eq(tls_sni_choose(list, 4, SPAN("mail.example.com")), 1 << 2 | 1 << 1);
	ck_assert_uint_eq(tls_sni_choose(list, 4, SPAN("www.example.com")), 1 << 0 | 1 << 1);
}
END_TEST

/* For an unknown name: the first certificate, and others with its first name, but none of other names. */
START_TEST(test_first)
{
	static const struct tls_sni_certificate strangers[] = {{RSA, ours, 2}, {EC, other, 1}};
	static const struct tls_sni_certificate wildcards[] = {{RSA, wild, 1}, {EC, ours, 1}, {EC, wild, 1}};
	static const struct tls_sni_certificate nameless[] = {{RSA, NULL, 0}, {EC, NULL, 0}};
	char longest[256];
	memset(longest, 'a', sizeof(longest));
	ck_assert_uint_eq(tls_sni_choose(strangers, 2, SPAN("x.example.net")), 1);
	ck_assert_uint_eq(tls_sni_choose(strangers, 2, (struct span){longest, 255}), 1);
	ck_assert_uint_eq(tls_sni_choose(wildcards, 3, SPAN("")), 1 << 0 | 1 << 2);
	ck_assert_uint_eq(tls_sni_choose(nameless, 2, SPAN("mail.example.com")), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_sni");
	TCase *tcase = tcase_create("sni");
	tcase_add_test(tcase, test_match);
	tcase_add_test(tcase, test_choose);
	tcase_add_test(tcase, test_exact_before_wildcard);
	tcase_add_test(tcase, test_first);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
