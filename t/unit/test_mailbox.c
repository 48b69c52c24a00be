#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/mailbox.h"
#include "t/unit/suite.h"

/* All addresses of a list, separated by spaces; "!" at the end of a bad one. */
static void read_all(const char *list, char *to, size_t size)
{
	struct span rest = span_of(list);
	struct mailbox box;
	const char *why = NULL;
	enum mailbox_result result;
	size_t len = 0;
	to[0] = '\0';
	while ((result = mailbox_next(&rest, &box, &why)) != MAILBOX_END) {
		struct span found = box.address.text.len ? box.address.text : SPAN("<>");
		ck_assert(result == MAILBOX_FOUND || (why && box.whole.len));
		len += (size_t)snprintf(to + len, size - len, "%s%.*s", len ? " " : "",
					result == MAILBOX_BAD ? 1 : (int)found.len,
					result == MAILBOX_BAD ? "!" : found.at);
	}
	ck_assert_uint_eq(rest.len, 0);
}

static const struct {
	const char *list, *found;
} cases[] = {
	{"a@b", "a@b"},
	{" a@b , c@d,", "a@b c@d"},
	{",, ,a@b,,", "a@b"},
	{"", ""},
	{" \r\n\t", ""},
	{"<a@b>", "a@b"},
	{"<>", "<>"},
	{"< a@b >", "a@b"},
	{"Joe Q. Public <a@b>", "a@b"},
	{"\"Last, First\" <a@b>, c@d", "a@b c@d"},
	{"\"\\\"quoted\\\" <x@y>\" <a@b>", "a@b"},
	{"=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_X?= <a@b>", "a@b"},
	{"J\xc3\xb6rg <a@b>", "a@b"},
	{"a@b (Joe, the \\) <x@y> (nested))", "a@b"},
	{"(before) a (x) @ (y) b.c (after)", "a@b.c"},
	{"a . b @ c . d", "a.b@c.d"},
	{"\"a b\"@c", "\"a b\"@c"},
	{"friends: a@b, Joe <c@d>;, e@f", "a@b c@d e@f"},
	{"undisclosed-recipients:;", ""},
	{"g:;h: a;", "a"},
	{"root", "root"},
	{"root, daemon", "root daemon"},
	{"<@x,@y:a@b>", "a@b"},
	{"a@[192.0.2.1]", "a@[192.0.2.1]"},
	{"a@b\r\n\t, c@d\r\n , e@f", "a@b c@d e@f"},
	{"Joe\r\n <a\r\n @b>", "a@b"},
	{"a@b; c@d", "a@b c@d"}, /* as Outlook writes lists */
	{"'a@b' <c@d>", "c@d"},
	/* bad */
	{"Joe Public", "!"},
	{"a@b c@d", "!"},
	{"a@b, Joe", "a@b Joe"},
	{"<a@b", "!"},
	{"a@b>", "!"},
	{"<<a@b>>", "!"},
	{"<a@b> <c@d>", "!"},
	{"<a@b> junk", "!"},
	{"a@", "!"},
	{"@b", "!"},
	{"a@b@c", "!"},
	{"a..b@c, a.@docomo.example (x), u@c.", "a..b@c a.@docomo.example u@c"},
	{"J\xc3\xb6rg@b", "!"},
	{"\"no end", "!"},
	{"ok@b, \"no end", "ok@b !"},
	{"(no end a@b", "!"},
	{"a@b (no end", "!"},
	{"a@b, c@[192.0.2.1", "a@b !"},
	/* a bad address does not affect the others */
	{"a@b, several words, c@d", "a@b ! c@d"},
	{"a@b, <c@d> x, e@f, <g@h", "a@b ! e@f !"},
	{"a@b, c@d>, <<e@f>>, g@h", "a@b ! ! g@h"},
	/* groups */
	{"g: a@b", "!"},
	{"g: a@b, c@d", "! c@d"},
	{"g: a@b, h: c@d;", "! c@d"},
	{"undisclosed-recipients:", ""},
	{"undisclosed-recipients: (none)", ""},
	{": a@b;", "!"},
	{"a@b c: d@x;", "!"},
	{"a@b: c@d;", "!"},
	{"g (: ;): \"x:;\"@b, <@r:c@d>;", "\"x:;\"@b c@d"},
	/* controls */
	{"b@x\nc: d@x", "!"},
	{"b@x\nc@x", "!"},
	{"b@x\rc@x, d@x", "! d@x"},
	{"\"b\nc\"@x", "!"},
	{"\"b\r\n c\"@x", "\"b c\"@x"},
	{"b\x01@x, \x1b <c@d>", "! c@d"},
	{"b@x\r\n", "b@x"},
};

START_TEST(reads_lists)
{
	char found[1000];
	read_all(cases[_i].list, found, sizeof(found));
	ck_assert_str_eq(found, cases[_i].found);
}
END_TEST

static const struct {
	const char *list, *found;
} senders[] = {
	{"Acme, Inc. <billing@a.example>", "billing@a.example"},
	{"Acme Corp, Inc. <billing>", "billing"},
	{"root, joe@b.example", "joe@b.example"},
	{"root", "root"},
	{"root, daemon", "root"},
	{"<>", "<>"},
	{"a@b, c@d", "a@b"},
	{"Joe Public", "!"},
	{"", ""},
};

START_TEST(prefers_an_address)
{
	struct mailbox box;
	enum mailbox_result result;
	const char *why, *want = senders[_i].found;
	bool found = mailbox_first(span_of(senders[_i].list), &box, &result, &why);
	ck_assert(found == (want[0] && want[0] != '!'));
	ck_assert_int_eq(result, found ? MAILBOX_FOUND : want[0] ? MAILBOX_BAD : MAILBOX_END);
	if (found)
		ck_assert(span_equal(box.address.text, want[0] == '<' ? SPAN("") : span_of(want)));
}
END_TEST

START_TEST(finds_the_place_for_a_domain)
{
	static const char list[] = "Joe <root> (x), daemon (y) , a@b";
	struct span rest = span_of(list);
	struct mailbox box;
	const char *why;
	ck_assert_int_eq(mailbox_next(&rest, &box, &why), MAILBOX_FOUND);
	ck_assert_ptr_eq(box.end, strchr(list, '>'));
	ck_assert_uint_eq(box.address.domain.len, 0);
	ck_assert_int_eq(mailbox_next(&rest, &box, &why), MAILBOX_FOUND);
	ck_assert_ptr_eq(box.end, strstr(list, " (y)"));
	ck_assert_int_eq(mailbox_next(&rest, &box, &why), MAILBOX_FOUND);
	ck_assert_uint_eq(box.address.domain.len, 1);
	ck_assert_int_eq(mailbox_next(&rest, &box, &why), MAILBOX_END);
}
END_TEST

/* The longest address with the longest route, one octet more, and much more. */
START_TEST(bounds)
{
	static char list[3 * MAILBOX_ROUTE_MAX];
	struct mailbox box;
	const char *why;
	for (size_t extra = 0; extra < MAILBOX_ROUTE_MAX; extra += extra ? 97 : 1) {
		size_t route = MAILBOX_ROUTE_MAX - 4 + extra;
		memset(list, 'x', sizeof(list));
		list[0] = '<';
		for (size_t i = 1; i <= route; i += 50)
			memcpy(list + i, i == 1 ? "@" : ",@", i == 1 ? 1 : 2);
		memcpy(list + 1 + route, ":a@b>", 6);
		struct span rest = span_of(list);
		enum mailbox_result result = mailbox_next(&rest, &box, &why);
		ck_assert_int_eq(result, extra ? MAILBOX_BAD : MAILBOX_FOUND);
	}
}
END_TEST

/* Deeply nested comments take no stack and little time. */
START_TEST(deep_comments)
{
	size_t deep = 1 << 20;
	char *list = malloc(2 * deep + 4);
	memset(list, '(', deep);
	memset(list + deep, ')', deep);
	memcpy(list + 2 * deep, "a@b", 4);
	struct span rest = span_of(list);
	struct mailbox box;
	const char *why;
	ck_assert_int_eq(mailbox_next(&rest, &box, &why), MAILBOX_FOUND);
	ck_assert(span_equal(box.address.text, SPAN("a@b")));
	free(list);
}
END_TEST

/* The search for the end of an unfinished group stops at the next group, so many groups take little time. */
START_TEST(many_groups)
{
	static const char one[] = "a:<\\>,";
	enum { ONE = sizeof(one) - 1, COUNT = 1 << 18 };
	char *list = malloc(COUNT * ONE);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(list + i * ONE, one, ONE);
	struct span rest = {list, COUNT * ONE};
	struct mailbox box;
	const char *why;
	size_t bad = 0;
	while (mailbox_next(&rest, &box, &why) == MAILBOX_BAD)
		bad++;
	ck_assert_uint_eq(bad, COUNT);
	free(list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("mailbox");
	tcase_add_loop_test(tcase, reads_lists, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, prefers_an_address, 0, sizeof(senders) / sizeof(senders[0]));
	tcase_add_test(tcase, finds_the_place_for_a_domain);
	tcase_add_test(tcase, bounds);
	tcase_add_test(tcase, deep_comments);
	tcase_add_test(tcase, many_groups);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
