#include "common/mail/dsn.h"
#include "common/mail/xtext.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(notify)
{
	static const struct {
		const char *text;
		unsigned bits;
	} good[] = {{"NEVER", DSN_NEVER},
		    {"success", DSN_SUCCESS},
		    {"Failure,DELAY", DSN_FAILURE | DSN_DELAY},
		    {"DELAY,SUCCESS,FAILURE", DSN_DELAY | DSN_SUCCESS | DSN_FAILURE}};
	static const char *const bad[] = {"",         "NEVER,SUCCESS",  "SUCCESS,NEVER",   "SUCCESS,",
					  ",SUCCESS", "SUCCESS,,DELAY", "SUCCESS SUCCESS", "DELAY,DELAY",
					  "ALL",      "NEVERR"};
	unsigned bits;
	char text[DSN_NOTIFY_TEXT_MAX];
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert(dsn_parse_notify(span_of(good[i].text), &bits));
		ck_assert_uint_eq(bits, good[i].bits);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!dsn_parse_notify(span_of(bad[i]), &bits), "%s", bad[i]);
	dsn_notify_text(DSN_SUCCESS | DSN_FAILURE | DSN_DELAY, text);
	ck_assert_str_eq(text, "SUCCESS,FAILURE,DELAY");
	dsn_notify_text(0, text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(without_notify_failures_and_delays_are_reported)
{
	ck_assert(dsn_wants(0, DSN_FAILURE) && dsn_wants(0, DSN_DELAY) && !dsn_wants(0, DSN_SUCCESS));
	ck_assert(!dsn_wants(DSN_NEVER, DSN_FAILURE) && !dsn_wants(DSN_NEVER, DSN_DELAY));
	ck_assert(dsn_wants(DSN_SUCCESS, DSN_SUCCESS) && !dsn_wants(DSN_SUCCESS, DSN_FAILURE));
}
END_TEST

START_TEST(ret)
{
	enum dsn_ret out;
	ck_assert(dsn_parse_ret(SPAN("full"), &out) && out == DSN_RET_FULL);
	ck_assert(dsn_parse_ret(SPAN("HDRS"), &out) && out == DSN_RET_HDRS);
	ck_assert(!dsn_parse_ret(SPAN("HDR"), &out) && !dsn_parse_ret(SPAN(""), &out));
	ck_assert_str_eq(dsn_ret_text(DSN_RET_FULL), "FULL");
}
END_TEST

/* The exact bounds: 100 octets of ENVID, 500 of ORCPT with its type. */
START_TEST(bounds)
{
	char text[DSN_ORCPT_MAX + 2];
	struct span out;
	memset(text, 'a', sizeof(text));
	ck_assert(dsn_parse_envid((struct span){text, DSN_ENVID_MAX}, &out));
	ck_assert(!dsn_parse_envid((struct span){text, DSN_ENVID_MAX + 1}, &out));
	memcpy(text, "rfc822;", 7);
	ck_assert(dsn_parse_orcpt((struct span){text, DSN_ORCPT_MAX}, &out));
	ck_assert(!dsn_parse_orcpt((struct span){text, DSN_ORCPT_MAX + 1}, &out));
}
END_TEST

/* Characters that would end a line or a field of a notice are refused in every encoding. */
START_TEST(nothing_but_printable_text)
{
	static const struct span bad[] = {SPAN("a+0D+0AX-Evil:+20b"),
					  SPAN("+00"),
					  SPAN("+7F"),
					  SPAN("+FF"),
					  SPAN("a\r\nb"),
					  SPAN("a\0b"),
					  SPAN("a b"),
					  SPAN("a=b"),
					  SPAN("+"),
					  SPAN("+4"),
					  SPAN("+4g"),
					  SPAN("+4a"),
					  SPAN("\xc3\xa4"),
					  SPAN("+09")};
	struct span out;
	char orcpt[64];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(orcpt, "rfc822;", 7);
		memcpy(orcpt + 7, bad[i].at, bad[i].len);
		ck_assert_msg(!dsn_parse_envid(bad[i], &out), "%zu", i);
		ck_assert_msg(!dsn_parse_orcpt((struct span){orcpt, bad[i].len + 7}, &out), "%zu", i);
	}
	ck_assert(!dsn_parse_orcpt(SPAN("bob@example.com"), &out));
	ck_assert(!dsn_parse_orcpt(SPAN(";bob"), &out) && !dsn_parse_orcpt(SPAN("rfc822;"), &out));
	ck_assert(!dsn_parse_orcpt(SPAN("rf:c;bob"), &out));
}
END_TEST

START_TEST(there_and_back)
{
	char plain[64], coded[64], all[200], printable[96];
	ck_assert_uint_eq(xtext_decode(SPAN("a+2Bb+3D+20c"), plain), 6);
	ck_assert_str_eq(plain, "a+b= c");
	ck_assert(dsn_encode(span_of(plain), coded, sizeof(coded)));
	ck_assert_str_eq(coded, "a+2Bb+3D+20c");
	for (char c = ' '; c <= '~'; c++)
		printable[c - ' '] = c;
	ck_assert(dsn_encode((struct span){printable, 95}, all, sizeof(all)));
	ck_assert_uint_eq(xtext_decode(span_of(all), all), 95);
	ck_assert_int_eq(memcmp(all, printable, 95), 0);
	ck_assert(dsn_encode(SPAN("abc"), coded, 4) && !dsn_encode(SPAN("abc"), coded, 3));
	ck_assert(!dsn_encode(SPAN("a\n"), coded, sizeof(coded)) && !dsn_encode(SPAN(""), coded, sizeof(coded)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dsn");
	TCase *tests = tcase_create("dsn");
	tcase_add_test(tests, notify);
	tcase_add_test(tests, without_notify_failures_and_delays_are_reported);
	tcase_add_test(tests, ret);
	tcase_add_test(tests, bounds);
	tcase_add_test(tests, nothing_but_printable_text);
	tcase_add_test(tests, there_and_back);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
