#include <check.h>
#include <string.h>

#include "common/mail/address.h"
#include "t/unit/suite.h"

struct good_path {
	const char *in, *text, *local, *domain, *rest;
};

static void assert_span(struct span got, const char *expected, const char *in)
{
	ck_assert_msg(span_equal(got, span_of(expected)), "%s: got '%.*s', not '%s'", in, SPAN_ARGS(got), expected);
}

#define LOCAL_64   "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd"
#define LOCAL_256  LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64
#define LABEL_63   "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"
#define DOMAIN_255 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63

START_TEST(takes_paths)
{
	static const struct good_path cases[] = {
		{"<>", "", "", "", ""},
		{"<> SIZE=5", "", "", "", " SIZE=5"},
		{"<a@b.c>", "a@b.c", "a", "b.c", ""},
		{"  <a@b.c>\tX", "a@b.c", "a", "b.c", "\tX"},
		{"<a@b>BODY=7BIT", "a@b", "a", "b", "BODY=7BIT"},
		{"<Postmaster>", "Postmaster", "Postmaster", "", ""},
		{"a@b SIZE=5", "a@b", "a", "b", " SIZE=5"},
		{"a", "a", "a", "", ""},
		{"<\"a b\"@c>", "\"a b\"@c", "\"a b\"", "c", ""},
		{"\"a b\"@c d", "\"a b\"@c", "\"a b\"", "c", " d"},
		{"<\"a\\\"b\"@c>", "\"a\\\"b\"@c", "\"a\\\"b\"", "c", ""},
		{"<\"\"@c>", "\"\"@c", "\"\"", "c", ""},
		{"<\"u@remote\"@local>", "\"u@remote\"@local", "\"u@remote\"", "local", ""},
		{"<\"u>\"@local>x", "\"u>\"@local", "\"u>\"", "local", "x"},
		{"<u%remote@local>", "u%remote@local", "u%remote", "local", ""},
		{"<remote!u>", "remote!u", "remote!u", "", ""},
		{"<@local:u@remote>", "u@remote", "u", "remote", ""},
		{"<@a,@b,@[192.0.2.1]:u@remote>", "u@remote", "u", "remote", ""},
		{"<IMCEASMTP-u+40remote@local>", "IMCEASMTP-u+40remote@local", "IMCEASMTP-u+40remote", "local", ""},
		{"<!#$%&'*+-/=?^_`{|}~09azAZ@c>", "!#$%&'*+-/=?^_`{|}~09azAZ@c", "!#$%&'*+-/=?^_`{|}~09azAZ", "c", ""},
		{"<|cmd@c>", "|cmd@c", "|cmd", "c", ""},
		{"<-froot@c>", "-froot@c", "-froot", "c", ""},
		{"<${run{x}}@c>", "${run{x}}@c", "${run{x}}", "c", ""},
		{"<u@[192.0.2.1]>", "u@[192.0.2.1]", "u", "[192.0.2.1]", ""},
		{"<u@[IPv6:2001:db8::1]>", "u@[IPv6:2001:db8::1]", "u", "[IPv6:2001:db8::1]", ""},
		{"<u@a_b.c>", "u@a_b.c", "u", "a_b.c", ""},
		{"<" LOCAL_64 "@c>", LOCAL_64 "@c", LOCAL_64, "c", ""},
		{"<" LOCAL_256 "@c>", LOCAL_256 "@c", LOCAL_256, "c", ""},
		{"<\"" LOCAL_64 "\"@c>", "\"" LOCAL_64 "\"@c", "\"" LOCAL_64 "\"", "c", ""},
		{"<u@remote.>", "u@remote", "u", "remote", ""},
		{"<@a.:u@remote.>", "u@remote", "u", "remote", ""},
		{"u@remote. X", "u@remote", "u", "remote", " X"},
		{"< a@b>", "a@b", "a", "b", ""},
		{"<a@b\t>\t", "a@b", "a", "b", "\t"},
		{"\t< \ta@b \t> X", "a@b", "a", "b", " X"},
		{"< >", "", "", "", ""},
		{"<a..b@c>", "a..b@c", "a..b", "c", ""},
		{"<.a@c>", ".a@c", ".a", "c", ""},
		{"<a.@c>", "a.@c", "a.", "c", ""},
		{"<a...@c>", "a...@c", "a...", "c", ""},
		{"<a@" DOMAIN_255 ">", "a@" DOMAIN_255, "a", DOMAIN_255, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct good_path *c = &cases[i];
		struct address got;
		struct span rest;
		const char *why = "";
		ck_assert_msg(address_parse_path(span_of(c->in), &got, &rest, &why), "%s: %s", c->in, why);
		assert_span(got.text, c->text, c->in);
		assert_span(got.local, c->local, c->in);
		assert_span(got.domain, c->domain, c->in);
		assert_span(rest, c->rest, c->in);
	}
}
END_TEST

START_TEST(refuses_paths)
{
	static const struct span cases[] = {
		SPAN(""),
		SPAN(" "),
		SPAN("<"),
		SPAN(">"),
		SPAN("<a@b"),
		SPAN("a@b>"),
		SPAN("<a b@c>"),
		SPAN("<a@>"),
		SPAN("<@b>"),
		SPAN("<@@>"),
		SPAN("<@b:>"),
		SPAN("<@b:@c>"),
		SPAN("<@b,u@c>"),
		SPAN("<@b,:u@c>"),
		SPAN("<@b u@c>"),
		SPAN("<@-b:u@c>"),
		SPAN("<.>"),
		SPAN("<..@c>"),
		SPAN("<u@remote@local>"),
		SPAN("u@remote@local"),
		SPAN("<u@remote..>"),
		SPAN("<u@.>"),
		SPAN("<u@.remote>"),
		SPAN("<u@a..b>"),
		SPAN("<u@-dom>"),
		SPAN("<u@dom->"),
		SPAN("<u@dom,dom>"),
		SPAN("<u@[999.1.1.1]>"),
		SPAN("<u@[192.0.2.1>"),
		SPAN("<u@192.0.2.1]>"),
		SPAN("<u@[192.0.2.1]x>"),
		SPAN("<u@[IPv6:zz]>"),
		SPAN("<u@[2001:db8::1]>"),
		SPAN("<u@[]>"),
		SPAN("<;id;@c>"),
		SPAN("<a(b)@c>"),
		SPAN("<a\"b\"@c>"),
		SPAN("<\"a\"b@c>"),
		SPAN("<\"a@c>"),
		SPAN("<\"a\\"),
		SPAN("<\"a\\\"@c>"),
		SPAN("<\"a\nb\"@c>"),
		SPAN("<\"a\\\nb\"@c>"),
		SPAN("<\"a\0b\"@c>"),
		SPAN("<a\0b@c>"),
		SPAN("<a@c\0.d>"),
		SPAN("<a@c\0>"),
		SPAN("<a\r@c>"),
		SPAN("<a@c\r\n>"),
		SPAN("<a\x1b@c>"),
		SPAN("<\xc3\xa4@c>"),
		SPAN("<\"\xc3\xa4\"@c>"),
		SPAN("<a@\xc3\xa4.de>"),
		SPAN("<a\x7f@c>"),
		SPAN("<" LOCAL_256 "e@c>"),
		SPAN("<\"" LOCAL_256 "\"@c>"),
		SPAN("<a@" LABEL_63 "d.c>"),
		SPAN("<a@" DOMAIN_255 "d>"),
		SPAN("<a@" DOMAIN_255 ".d>"),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address got;
		struct span rest;
		const char *why = NULL;
		ck_assert_msg(!address_parse_path(cases[i], &got, &rest, &why), "%s", cases[i].at);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(reasons_name_the_real_thing)
{
	static const struct {
		const char *in, *why;
	} cases[] = {
		{"<a@b", "does not end in '>'"},
		{"a@b>", "no '<' before it"},
		{"<a@b c>", "a blank"},
		{"<a b@c>", "a blank in the local part needs quotes"},
		{"<a@b@c>", "two '@'"},
		{"<a@b,c@d>", "a ',' or ':'"},
		{"<a,b@c>", "needs quotes"},
		{"<a(b)@c>", "needs quotes"},
		{"<\xc3\xa4@c>", "8-bit character, and SMTPUTF8"},
		{"<a\x1b@c>", "control character"},
		{"<>x@c>", NULL},
		{"<@c>", "there is nothing before '@'"},
		{"@c", "there is nothing before '@'"},
		{"", "the local part is missing"},
		{"<a@>", "the domain is missing"},
		{"<a@.>", "two dots in a row, or one at an end"},
		{"<a@b..c>", "two dots in a row"},
		{"<a@b..>", "two dots in a row, or one at an end"},
		{"<a@-b>", "begins or ends with '-'"},
		{"<a@b;c>", "no letter, digit"},
		{"<a@b<c>", "no letter, digit"},
		{"<a@\xc3\xa4.de>", "8-bit character: an international domain"},
		{"<a@" LABEL_63 "d.c>", "longer than 63"},
		{"<a@" DOMAIN_255 ".d>", "longer than 255"},
		{"<a@[1.2.3]>", "address literal"},
		{"<\"a@c>", "quoted local part does not end"},
		{"<\"a\"b@c>", "between the quoted local part and '@'"},
		{"<" LOCAL_256 "e@c>", "longer than 256"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address got;
		struct span rest;
		const char *why = "";
		bool ok = address_parse_path(span_of(cases[i].in), &got, &rest, &why);
		ck_assert_msg(ok == !cases[i].why, "%s", cases[i].in);
		ck_assert_msg(ok || strstr(why, cases[i].why), "%s: %s", cases[i].in, why);
	}
}
END_TEST

START_TEST(dots_go_on_in_quotes)
{
	static const char *const cases[][2] = {
		{"a@b", "a@b"},
		{"a.b@c", "a.b@c"},
		{"a..b@docomo.example", "\"a..b\"@docomo.example"},
		{"a.@docomo.example", "\"a.\"@docomo.example"},
		{".a@docomo.example", "\".a\"@docomo.example"},
		{"a..b", "\"a..b\""},
		{"\"a..b\"@c", "\"a..b\"@c"},
		{"\"a@..b\"@c", "\"a@..b\"@c"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address got, again;
		struct str to;
		const char *why;
		str_init(&to, ADDRESS_MAX + 2);
		ck_assert(address_append(&to, span_of(cases[i][0])));
		assert_span(str_span(&to), cases[i][1], cases[i][0]);
		ck_assert(address_parse(span_of(cases[i][0]), &got, &why));
		ck_assert(address_parse(str_span(&to), &again, &why));
		ck_assert(span_equal(got.domain, again.domain));
		str_free(&to);
	}
}
END_TEST

START_TEST(a_bare_address_is_nothing_else)
{
	static const char *const good[] = {"", "a", "a@b", "a..b@c", "\"a b\"@[192.0.2.1]"};
	static const char *const bad[] = {"<a@b>", " a@b", "a@b ", "a@b,c@d", "@x:a@b", "<>", "a@b\r\n", "a@", "@b"};
	struct address got;
	const char *why;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(address_parse(span_of(good[i]), &got, &why), "%s", good[i]);
		assert_span(got.text, good[i], good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!address_parse(span_of(bad[i]), &got, &why), "%s", bad[i]);
}
END_TEST

static bool same(const char *a, const char *b)
{
	struct address first;
	struct address second;
	const char *why;
	ck_assert(address_parse(span_of(a), &first, &why));
	ck_assert(address_parse(span_of(b), &second, &why));
	return address_equal(&first, &second);
}

START_TEST(domains_have_no_case_and_local_parts_do)
{
	ck_assert(same("a@Example.COM", "a@example.com"));
	ck_assert(!same("A@example.com", "a@example.com"));
	ck_assert(!same("a@example.com", "a"));
	ck_assert(!same("\"a\"@b", "a@b"));
	ck_assert(same("", ""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tests = tcase_create("address");
	tcase_add_test(tests, reasons_name_the_real_thing);
	tcase_add_test(tests, dots_go_on_in_quotes);
	tcase_add_test(tests, takes_paths);
	tcase_add_test(tests, refuses_paths);
	tcase_add_test(tests, a_bare_address_is_nothing_else);
	tcase_add_test(tests, domains_have_no_case_and_local_parts_do);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
