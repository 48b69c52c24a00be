#include "common/dkim/dkim_fields.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/suite.h"

static const char from[] = "From: <a@example.com>\r\n";

/* What is signed of HEADER: "From:1 To:2 To: " are the names of h= with what each stands for, up to the first digit. */
static const char *selected(const char *header, struct dkim_names names, bool oversign)
{
	static struct str to;
	static struct dkim_fields fields;
	const char *why;
	str_free(&to);
	str_init(&to, 1 << 16);
	if (!dkim_fields_select(span_of(header), names, oversign, &fields, &why))
		return why;
	for (size_t i = 0; i < fields.n; i++) {
		struct span value = span_skip(fields.at[i].whole, span_find(fields.at[i].whole, ':') + 1);
		struct span word = span_take_word(&value);
		str_printf(&to, "%s%s:%.*s", i ? " " : "", fields.at[i].name, SPAN_ARGS(word));
	}
	return str_text(&to);
}

static struct dkim_names standard(void)
{
	return (struct dkim_names){0};
}

/* Of several fields the last one is first. */
START_TEST(test_order)
{
	ck_assert_str_eq(selected("To:1 \r\nX-A:9 \r\nFrom:2 \r\nto:3 \r\nTO :4 \r\n", standard(), false),
			 "From:2 To:4 To:3 To:1");
	ck_assert_str_eq(selected("Received:9 \r\nReturn-Path:9 \r\nBcc:9 \r\nDKIM-Signature:9 \r\nFrom:1 \r\n"
				  "Authentication-Results:9 \r\nX-Mailer:9 \r\nFromage:9 \r\n",
				  standard(), false),
			 "From:1");
	ck_assert_str_eq(selected("List-Unsubscribe-Post:1 \r\nContent-Type:2 \r\nFrom:3 \r\nmime-version:4 \r\n"
				  "References:5 \r\nIn-Reply-To:6 \r\nList-ID:7 \r\nContent-Transfer-Encoding:8 \r\n",
				  standard(), false),
			 "From:3 In-Reply-To:6 References:5 MIME-Version:4 Content-Type:2 "
			 "Content-Transfer-Encoding:8 List-ID:7 List-Unsubscribe-Post:1");
}
END_TEST

START_TEST(test_oversign)
{
	ck_assert_str_eq(selected("From:1 \r\nTo:2 \r\nTo:3 \r\nMessage-ID:4 \r\n", standard(), true),
			 "From:1 From: Sender: Reply-To: To:3 To:2 To: Cc: Subject: Date: Message-ID:4 MIME-Version: "
			 "Content-Type: Content-Transfer-Encoding:");
}
END_TEST

START_TEST(test_own_list)
{
	static const char *const names[] = {"Subject", "to", "TO", "X-Priority", "subject"};
	const char *header = "X-Priority:1 \r\nTo:2 \r\nFrom:3 \r\nSubject:4 \r\nDate:5 \r\n";
	ck_assert_str_eq(selected(header, (struct dkim_names){names, 5}, false), "From:3 Subject:4 to:2 X-Priority:1");
	ck_assert_str_eq(selected(header, (struct dkim_names){names, 5}, true),
			 "From:3 From: Subject:4 Subject: to:2 to: X-Priority:1");
	static const char *const with_from[] = {"X-Priority", "from"};
	ck_assert_str_eq(selected(header, (struct dkim_names){with_from, 2}, false), "X-Priority:1 from:3");
}
END_TEST

START_TEST(test_longest_list)
{
	static char text[DKIM_FIELDS_NAMES_MAX][8];
	const char *names[DKIM_FIELDS_NAMES_MAX];
	for (size_t i = 0; i < DKIM_FIELDS_NAMES_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "X-%zu", i);
		names[i] = text[i];
	}
	ck_assert_str_eq(selected("X-63:1 \r\nFrom:2 \r\nX-0:3 \r\n", (struct dkim_names){names, 64}, true),
			 "From:2 From: X-0:3 X-63:1");
}
END_TEST

START_TEST(test_refused)
{
	ck_assert_str_eq(selected("", standard(), true), "it has no field From");
	ck_assert_str_eq(selected("To: a\r\n", standard(), true), "it has no field From");
	ck_assert_str_eq(selected("From: a\r\nTo: b\r\nfrom : c\r\n", standard(), true),
			 "it has more than one field From");
	ck_assert_str_eq(selected("From: a\r\nno colon\r\nTo: b\r\n", standard(), true),
			 "a line of its header is no field: it has no colon");
	ck_assert_str_eq(selected(" folded\r\nFrom: a\r\n", standard(), true),
			 "a line of its header is no field: it has no colon");
	ck_assert_str_eq(selected("From: a\r\n\r\nTo: b\r\n", standard(), true),
			 "a line of its header is no field: it has no colon");
	ck_assert_str_eq(selected("From: a\r\n: b\r\n", standard(), true),
			 "a line of its header is no field: it has no colon");
}
END_TEST

static const char *with_many(size_t n)
{
	static struct str header;
	str_free(&header);
	str_init(&header, 1 << 16);
	str_append_text(&header, from);
	for (size_t i = 0; i < n; i++)
		str_append_text(&header, "To:x \r\nX-Y: z\r\n");
	return str_text(&header);
}

START_TEST(test_many)
{
	ck_assert_uint_eq(strlen(selected(with_many(DKIM_FIELDS_MAX - 1), standard(), true)),
			  strlen(selected(from, standard(), true)) + strlen(" To:x") * (DKIM_FIELDS_MAX - 1));
	ck_assert_str_eq(selected(with_many(DKIM_FIELDS_MAX), standard(), true),
			 "it has more than 128 header fields of those that are signed");
}
END_TEST

/* No text of the message gets into h=, where ";l=0" would be a tag. */
START_TEST(test_hostile_names)
{
	ck_assert_str_eq(selected("From:1 \r\nList-ID;l=0:2 \r\nContent-;l=0;z:3 \r\nTo;:4 \r\n", standard(), false),
			 "From:1");
}
END_TEST

static const char *domain_of(const char *header)
{
	static struct str domain;
	const char *why;
	str_free(&domain);
	str_init(&domain, 1024);
	return dkim_fields_from(span_of(header), &domain, &why) ? str_text(&domain) : why;
}

START_TEST(test_from)
{
	ck_assert_str_eq(domain_of("From: a@example.com\r\n"), "example.com");
	ck_assert_str_eq(domain_of("To: b@x.example\r\nFROM : \"B, C\" <a@Sub.EXAMPLE.com>\r\n"), "sub.example.com");
	ck_assert_str_eq(domain_of("From:\r\n =?UTF-8?Q?=C3=9C?= (x@y.example)\r\n <a@example.com>\r\n"),
			 "example.com");
	ck_assert_str_eq(domain_of("From: \xC3\x9C <a@example.com>\r\n"), "example.com");
	ck_assert_str_eq(domain_of("From: Acme, Inc. <a@example.com>\r\n"), "example.com");
	ck_assert_str_eq(domain_of("From: Team: a@example.com;\r\n"), "example.com");
	ck_assert_str_eq(domain_of("From: \"x@y.example\" <a@example.com>\r\n"), "example.com");
}
END_TEST

START_TEST(test_no_from)
{
	ck_assert_str_eq(domain_of(""), "it has no field From");
	ck_assert_str_eq(domain_of("To: a@example.com\r\n"), "it has no field From");
	ck_assert_str_eq(domain_of("From: a@example.com\r\nFrom: b@example.com\r\n"),
			 "it has more than one field From");
	ck_assert_str_eq(domain_of("From: a@example.com, b@example.com\r\n"),
			 "its field From has more than one address");
	ck_assert_str_eq(domain_of("From: <a@example.com>, <b@other.example>\r\n"),
			 "its field From has more than one address");
	ck_assert_str_eq(domain_of("From: Team: a@example.com, b@other.example;\r\n"),
			 "its field From has more than one address");
	ck_assert_str_eq(domain_of("From:\r\n"), "its field From has no address with a domain");
	ck_assert_str_eq(domain_of("From: <>\r\n"), "its field From has no address with a domain");
	ck_assert_str_eq(domain_of("From: root\r\n"), "its field From has no address with a domain");
	ck_assert_str_eq(domain_of("From: undisclosed-recipients:;\r\n"),
			 "its field From has no address with a domain");
	ck_assert_str_eq(domain_of("From: a@example.com (x\r\n"), "its field From has text that is no address");
	ck_assert_str_eq(domain_of("From: a@example.com <b@other.example>\r\n"), "other.example");
	ck_assert_str_eq(domain_of("From: <a@example.com> <b@other.example>\r\n"),
			 "its field From has text that is no address");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_order, test_oversign,      test_own_list, test_longest_list, test_refused,
				      test_many,  test_hostile_names, test_from,     test_no_from};
	return run_tests("dkim_fields", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
