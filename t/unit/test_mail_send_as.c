#include "common/mail/send_as.h"

#include <stdio.h>

#include "t/unit/suite.h"

static const struct send_as relay = {SPAN("relay@example.com"), true, true};

/* HEADER after RULE. */
static const char *rewritten(const char *header, struct send_as rule)
{
	static char text[4096];
	struct str to;
	str_init(&to, sizeof(text) - 1);
	send_as_rewrite(span_of(header), &rule, &to);
	ck_assert(!to.failed);
	snprintf(text, sizeof(text), "%s", str_text(&to));
	str_free(&to);
	return text;
}

#define CHECK(header, expected) ck_assert_str_eq(rewritten(header, relay), expected)

START_TEST(test_address)
{
	CHECK("From: copier@old.example\r\nSubject: Scan\r\n",
	      "From: <relay@example.com>\r\nSubject: Scan\r\nReply-To: <copier@old.example>\r\n");
	CHECK("Subject: Scan\r\nFROM : <copier@old.example>\r\nTo: a@b.example\r\n",
	      "Subject: Scan\r\nFrom: <relay@example.com>\r\nTo: a@b.example\r\nReply-To: <copier@old.example>\r\n");
}
END_TEST

START_TEST(test_name)
{
	CHECK("From: Copier 3 <c@old.example>\r\n",
	      "From: Copier 3 <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
	CHECK("From: \"Acme, Inc. <x>\" <c@old.example>\r\n",
	      "From: \"Acme, Inc. <x>\" <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
	CHECK("From: =?UTF-8?B?w5xiZXI=?=\r\n =?UTF-8?Q?_uns?= <c@old.example>\r\n",
	      "From: =?UTF-8?B?w5xiZXI=?=\r\n =?UTF-8?Q?_uns?= <relay@example.com>\r\n"
	      "Reply-To: <c@old.example>\r\n");
	ck_assert_str_eq(rewritten("From: Copier <c@old.example>\r\n", (struct send_as){relay.address, false, true}),
			 "From: <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
}
END_TEST

/* An unquoted name that would not be a valid phrase is omitted. */
START_TEST(test_odd_name)
{
	CHECK("From: Acme, Inc. <c@old.example>\r\n",
	      "From: Inc. <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
	CHECK("From: Joe (a <b) <c@old.example>\r\n", "From: <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
	CHECK("From: c@old.example <c@old.example>\r\n", "From: <relay@example.com>\r\nReply-To: <c@old.example>\r\n");
}
END_TEST

/* Several addresses, groups, several fields and invalid addresses become the one address. */
START_TEST(test_several)
{
	CHECK("From: A <a@old.example>, B <b@old.example>\r\nSender: b@old.example\r\n",
	      "From: A <relay@example.com>\r\nReply-To: <a@old.example>\r\n");
	CHECK("From: Staff: A <a@old.example>, b@old.example;\r\n",
	      "From: <relay@example.com>\r\nReply-To: <a@old.example>\r\n");
	CHECK("From: undisclosed-recipients:;\r\n", "From: <relay@example.com>\r\n");
	CHECK("From: copier (room 3\r\n", "From: <relay@example.com>\r\n");
	CHECK("From:\r\n", "From: <relay@example.com>\r\n");
	CHECK("From: a@old.example\r\nX: 1\r\nFrom: b@old.example\r\n",
	      "From: <relay@example.com>\r\nX: 1\r\nReply-To: <a@old.example>\r\n");
	CHECK("Subject: none\r\n", "Subject: none\r\nFrom: <relay@example.com>\r\n");
	CHECK("", "From: <relay@example.com>\r\n");
}
END_TEST

START_TEST(test_reply_to)
{
	CHECK("Reply-To: x@y.example\r\nFrom: c@old.example\r\n",
	      "Reply-To: x@y.example\r\nFrom: <relay@example.com>\r\n");
	CHECK("From: copier\r\n", "From: <relay@example.com>\r\n");
	CHECK("From: \"odd name\"@old.example\r\n",
	      "From: <relay@example.com>\r\nReply-To: <\"odd name\"@old.example>\r\n");
	ck_assert_str_eq(rewritten("From: c@old.example\r\n", (struct send_as){relay.address, true, false}),
			 "From: <relay@example.com>\r\n");
}
END_TEST

/* An address that is valid without quotes only in MAIL FROM is quoted in the header. */
START_TEST(test_dots)
{
	const struct send_as dots = {SPAN("a..b@example.com"), false, false};
	ck_assert_str_eq(rewritten("From: c@old.example\r\n", dots), "From: <\"a..b\"@example.com>\r\n");
}
END_TEST

/* A correct field stays unchanged, in whatever form it is written. */
START_TEST(test_untouched)
{
	static const char mail[] = "From:  \"R\"   <Relay@Example.COM>\r\nX-Odd : y\r\n";
	CHECK(mail, mail);
	CHECK("From: relay@example.com\r\nSender: other@example.com\r\n", "From: relay@example.com\r\n");
}
END_TEST

START_TEST(test_bound)
{
	struct str to;
	str_init(&to, 20);
	send_as_rewrite(SPAN("From: c@old.example\r\n"), &relay, &to);
	ck_assert(to.failed);
	str_free(&to);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_address,  test_name, test_odd_name,  test_several,
				      test_reply_to, test_dots, test_untouched, test_bound};
	Suite *suite = suite_create("delivery/send_as");
	TCase *all = tcase_create("all");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
