#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/mail/mime.h"
#include "smtpd/pickup/pickup_notice.h"
#include "t/unit/suite.h"

static const char id[] = "0123456789ABCDEFGHJKMNPQ";
static struct submission submission;

static void refuse(size_t count)
{
	submission = (struct submission){.sender = "app@example.com", .refused_count = count};
	for (size_t i = 0; i < count && i < SUBMISSION_REFUSED_MAX; i++)
		submission.refused[i] =
			(struct submission_refused){SPAN("To"), SPAN("not an address"), "several words", false};
	str_init(&submission.header, 1000);
	str_append_text(&submission.header, "Subject: half\r\n");
}

static void write_notice(enum config_language language, struct str *to)
{
	static struct span to_them[] = {SPAN("app@example.com"), SPAN("b@partner.example")};
	const struct notice_rcpts rcpts = {.at = to_them, .n = 2};
	const struct pickup_notice notice = {.fqdn = "mail.example.com",
					     .rcpts = &rcpts,
					     .domain = "example.com",
					     .id = id,
					     .date = "Mon, 30 Nov 2026 09:00:00 +0000",
					     .where = "the pickup folder",
					     .language = language};
	str_init(to, PICKUP_NOTICE_MAX);
	pickup_notice_write(&notice, &submission, to);
	ck_assert(!to->failed && mime_plain(str_span(to)));
}

static void holds(const struct str *text, const char *what)
{
	ck_assert_msg(strstr(str_text(text), what) != NULL, "no \"%s\" in\n%s", what, str_text(text));
}

/* The part in base64 begins with TEXT, which is less than a line. */
static void begins_with(const struct str *notice, const char *text)
{
	static const char before[] = "Content-Transfer-Encoding: base64\r\n\r\n";
	struct str encoded;
	str_init(&encoded, 1000);
	str_append_text(&encoded, before);
	base64_append(&encoded, text, strlen(text) / 3 * 3);
	holds(notice, str_text(&encoded));
	str_free(&encoded);
}

START_TEST(english_is_plain)
{
	struct str text;
	refuse(2);
	write_notice(CONFIG_LANGUAGE_EN, &text);
	holds(&text, "x-sender: <>\r\nx-receiver: app@example.com\r\nx-receiver: b@partner.example\r\nReceived: ");
	holds(&text, "\r\nSubject: Undelivered: some recipients are not valid addresses\r\nAuto-Submitted");
	holds(&text, "Content-Type: text/plain; charset=us-ascii\r\n\r\nYour message was sent, but not");
	holds(&text, "\r\n  To: not an address\r\n    several words\r\n");
	holds(&text, "Final-Recipient: rfc822; not an address\r\nAction: failed\r\nStatus: 5.1.3\r\n");
	holds(&text, "Content-Type: text/rfc822-headers\r\n\r\nSubject: half\r\n");
	ck_assert_ptr_null(strstr(str_text(&text), "More recipients"));
	str_free(&text);
	str_free(&submission.header);
}
END_TEST

START_TEST(unknown_recipients_are_called_so)
{
	struct str text;
	refuse(2);
	submission.refused[1] =
		(struct submission_refused){SPAN("Cc"), SPAN("bob@example.com"), "there is no such recipient", true};
	write_notice(CONFIG_LANGUAGE_EN, &text);
	holds(&text, "\r\nSubject: Undelivered: some recipients do not exist\r\n");
	holds(&text, "Final-Recipient: rfc822; not an address\r\nAction: failed\r\nStatus: 5.1.3\r\n");
	holds(&text, "Final-Recipient: rfc822; bob@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n");
	str_free(&text);
	str_free(&submission.header);
}
END_TEST

START_TEST(japanese_is_encoded)
{
	struct str text, subject;
	refuse(2);
	write_notice(CONFIG_LANGUAGE_JA, &text);
	str_init(&subject, 1000);
	str_append_text(&subject, "\r\nSubject: ");
	mime_append_words(&subject, SPAN("【配信不能】正しくない宛先があります"));
	str_append_text(&subject, "\r\nAuto-Submitted");
	holds(&text, str_text(&subject));
	holds(&text, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	begins_with(&text, "メールを送信しましたが");
	holds(&text, "Final-Recipient: rfc822; not an address\r\nAction: failed\r\n");
	str_free(&subject);
	str_free(&text);
	str_free(&submission.header);
}
END_TEST

START_TEST(each_language_says_how_many_more)
{
	struct str few, many;
	refuse(SUBMISSION_REFUSED_MAX);
	write_notice((enum config_language)_i, &few);
	submission.refused_count += 7;
	write_notice((enum config_language)_i, &many);
	ck_assert_uint_gt(many.len, few.len);
	if (_i == CONFIG_LANGUAGE_EN)
		holds(&many, "\r\nMore recipients like these: 7\r\n");
	str_free(&few);
	str_free(&many);
	str_free(&submission.header);
}
END_TEST

START_TEST(a_header_of_8_bits_is_left_out)
{
	struct str text;
	refuse(1);
	str_append_text(&submission.header, "X: \xe9\r\n");
	write_notice(CONFIG_LANGUAGE_EN, &text);
	ck_assert_ptr_null(strstr(str_text(&text), "text/rfc822-headers"));
	str_free(&text);
	str_free(&submission.header);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pickup notice");
	TCase *tcase = tcase_create("pickup notice");
	tcase_add_test(tcase, english_is_plain);
	tcase_add_test(tcase, unknown_recipients_are_called_so);
	tcase_add_test(tcase, japanese_is_encoded);
	tcase_add_loop_test(tcase, each_language_says_how_many_more, 0, CONFIG_LANGUAGE_COUNT);
	tcase_add_test(tcase, a_header_of_8_bits_is_left_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
