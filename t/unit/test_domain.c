#include <check.h>
#include <string.h>

#include "common/mail/domain.h"
#include "t/unit/suite.h"

#define LABEL_63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

START_TEST(knows_names)
{
	static const struct {
		struct span name;
		bool ok;
	} cases[] = {
		{SPAN("a"), true},
		{SPAN("localhost"), true},
		{SPAN("Example.COM"), true},
		{SPAN("_a.b-c.9"), true},
		{SPAN(LABEL_63 ".x"), true},
		{SPAN(LABEL_63 "d.x"), false},
		{SPAN(LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63), true},
		{SPAN(LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".a"), false},
		{SPAN("xn--mnchen-3ya.de"), true},
		{SPAN("xn--"), false},
		{SPAN(""), false},
		{SPAN("."), false},
		{SPAN("a."), false},
		{SPAN(".a"), false},
		{SPAN("a..b"), false},
		{SPAN("-a"), false},
		{SPAN("a-"), false},
		{SPAN("a.-b.c"), false},
		{SPAN("a b"), false},
		{SPAN("a\0b"), false},
		{SPAN("a/b"), false},
		{SPAN("[1.2.3.4]"), false},
		{SPAN("m\xc3\xbcnchen.de"), false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(domain_valid(cases[i].name) == cases[i].ok, "%s", cases[i].name.at);
}
END_TEST

START_TEST(knows_literals)
{
	static const char *const good[] = {"[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "[IPv6:::ffff:1.2.3.4]"};
	static const char *const bad[] = {
		"[]",
		"[",
		"]",
		"192.0.2.1",
		"[192.0.2.1",
		"[999.1.1.1]",
		"[::1]",
		"[IPv6:]",
		"[IPv6:zz]",
		"[IPv6:1.2.3.4]",
		"[x-tag:y]",
		"[192.0.2.1]x",
		"",
		"[192.0.2.1]]",
		"[a.b]",
		"[ 192.0.2.1]",
		"[192.0.2.01]",
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(domain_is_literal(span_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!domain_is_literal(span_of(bad[i])), "%s", bad[i]);
}
END_TEST

/* The lower case samples of RFC 3492 section 7.1, and real names. */
START_TEST(encodes_international_names)
{
	static const char *const cases[][2] = {
		{"Example.COM", "example.com"},
		{"m\u00fcnchen.de", "xn--mnchen-3ya.de"},
		{"b\u00fccher.b\u00fccher", "xn--bcher-kva.xn--bcher-kva"},
		{"MAIL.stra\u00dfe.de", "mail.xn--strae-oqa.de"},
		{"\u00fc", "xn--tda"},
		{"\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587", "xn--ihqwcrb4cv8a8dqg056pqjye"},
		{"\u306a\u305c\u307f\u3093\u306a\u65e5\u672c\u8a9e\u3092\u8a71\u3057\u3066\u304f\u308c\u306a\u3044"
		 "\u306e\u304b",
		 "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"},
		{"\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432"
		 "\u043e\u0440"
		 "\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438",
		 "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"},
		{"\u03b5\u03bb", "xn--qxam"},
		{"porqu\u00e9nopuedensimplementehablarenespa\u00f1ol",
		 "xn--porqunopuedensimplementehablarenespaol-fmd56a"},
		{"3\u5e74b\u7d44\u91d1\u516b\u5148\u751f", "xn--3b-ww4c5e180e575a65lsy2b"},
		{"\U00020b9f", "xn--jl3i"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str to;
		const char *why = "";
		str_init(&to, DOMAIN_MAX);
		ck_assert_msg(domain_to_ascii(span_of(cases[i][0]), &to, &why), "%s: %s", cases[i][0], why);
		ck_assert_str_eq(str_text(&to), cases[i][1]);
		str_free(&to);
	}
}
END_TEST

START_TEST(refuses_international_names)
{
	static const char *const cases[] = {
		"",
		".",
		"a.",
		"a..b",
		".a",
		"-\u00fc",
		"\u00fc-",
		"M\u00dcNCHEN.de",
		"\u2163.example",
		"a\u3002b",
		"\uff41.example",
		"u\u0308.example",
		"\u0410.example",
		"a b\u00fc",
		"a\u00a0b",
		"\xff.example",
		"\xc3",
		"\xc0\xaf.example",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"a\xcc",
		LABEL_63 "d",
		LABEL_63 "\u00fc",
		"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghi\u00fc",
		"\u4e00\u5e00\u6e00\u7e00\u8e00\u9e00\u4e10\u5e10\u6e10\u7e10\u8e10\u9e10\u4e20\u5e20\u6e20"
		"\u7e20\u8e20\u9e20\u4e30\u5e30\u6e30\u7e30\u8e30\u9e30\u4e40\u5e40\u6e40",
		LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".a",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str to;
		const char *why = NULL;
		str_init(&to, 1000);
		str_append_text(&to, "before");
		ck_assert_msg(!domain_to_ascii(span_of(cases[i]), &to, &why), "%s", cases[i]);
		ck_assert_ptr_nonnull(why);
		ck_assert_str_eq(str_text(&to), "before");
		str_free(&to);
	}
}
END_TEST

START_TEST(does_not_pass_the_bound_of_its_target)
{
	struct str to;
	const char *why;
	str_init(&to, 14);
	ck_assert(!domain_to_ascii(SPAN("m\xc3\xbcnchen"), &to, &why) || to.len <= 14);
	str_clear(&to);
	ck_assert(!domain_to_ascii(SPAN("m\xc3\xbcnchen.de"), &to, &why));
	ck_assert_uint_eq(to.len, 0);
	str_free(&to);
}
END_TEST

START_TEST(patterns_match_as_documented)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{"example.com", "example.com", true},
		{"example.com", "EXAMPLE.com", true},
		{"example.com", "a.example.com", false},
		{"*.example.com", "a.example.com", true},
		{"*.Example.com", "b.a.eXample.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "badexample.com", false},
		{"*.example.com", "a.example.org", false},
		{"*", "example.com", true},
		{"*", "", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(domain_pattern_match(span_of(cases[i].pattern), span_of(cases[i].name)) == cases[i].match,
			      "%s %s", cases[i].pattern, cases[i].name);
}
END_TEST

START_TEST(patterns_are_checked)
{
	static const char *const good[] = {"*", "example.com", "*.example.com", "*.com", "localhost"};
	static const struct {
		const char *pattern, *word;
	} bad[] = {
		{".example.com", "*.example.com"},
		{"*example.com", "'*'"},
		{"a.*.com", "'*'"},
		{"*.*.com", "'*'"},
		{"**", "'*'"},
		{"a*", "'*'"},
		{"*.", "name"},
		{"", "name"},
		{"a..b", "name"},
		{"[192.0.2.1]", "name"},
		{"a b", "name"},
	};
	const char *why;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(domain_pattern_valid(span_of(good[i]), &why), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!domain_pattern_valid(span_of(bad[i].pattern), &why), "%s", bad[i].pattern);
		ck_assert_msg(strstr(why, bad[i].word) != NULL, "%s: %s", bad[i].pattern, why);
	}
}
END_TEST

START_TEST(the_most_specific_pattern_weighs_most)
{
	static const char *const from_light_to_heavy[] = {"*", "*.x", "*.a.x", "*.b.a.x", "c.b.a.x"};
	for (size_t i = 1; i < 5; i++)
		ck_assert_uint_gt(domain_pattern_weight(span_of(from_light_to_heavy[i])),
				  domain_pattern_weight(span_of(from_light_to_heavy[i - 1])));
	ck_assert_uint_eq(domain_pattern_weight(SPAN("*")), 0);
	ck_assert_uint_gt(domain_pattern_weight(SPAN("a.x")), domain_pattern_weight(SPAN("*.x")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("domain");
	TCase *tests = tcase_create("domain");
	tcase_add_test(tests, knows_names);
	tcase_add_test(tests, knows_literals);
	tcase_add_test(tests, encodes_international_names);
	tcase_add_test(tests, refuses_international_names);
	tcase_add_test(tests, does_not_pass_the_bound_of_its_target);
	tcase_add_test(tests, patterns_match_as_documented);
	tcase_add_test(tests, patterns_are_checked);
	tcase_add_test(tests, the_most_specific_pattern_weighs_most);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
