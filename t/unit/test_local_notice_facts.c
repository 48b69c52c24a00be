/* What the journal of a message says of each recipient. */
#include "delivery/local/notice_facts.h"

#include <check.h>
#include <stdio.h>

#include "t/unit/notice_sample.h"
#include "t/unit/suite.h"

START_TEST(folds_the_journal)
{
	struct notice_fact f[5];
	ck_assert_uint_eq(notice_facts(SPAN(journal_text), &(struct envelope){.rcpt_count = 5}, f), 3);
	ck_assert_int_eq(f[0].action, NOTICE_FAILED);
	ck_assert_int_eq(f[1].action, NOTICE_NOTHING);
	ck_assert_int_eq(f[2].action, NOTICE_NOTHING);
	ck_assert(span_equal(f[0].line.text, SPAN("no such user here")) && !f[0].expired);
	/* Expired: the last reply of a host is more useful than the fact that we gave up. The other recipient was
	 * never tried. */
	ck_assert(f[3].action == NOTICE_FAILED && f[3].expired && f[4].action == NOTICE_FAILED && !f[4].expired);
	ck_assert(span_equal(notice_cause(&f[3])->text, SPAN("later")));
	ck_assert_uint_eq(notice_facts(SPAN(""), &(struct envelope){.rcpt_count = 5}, f), 0);
	ck_assert_uint_eq(notice_facts(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"),
				       &(struct envelope){.rcpt_count = 5}, f),
			  5);
	ck_assert_uint_eq(notice_facts(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"
					    "2026-11-21T02:30:00Z 2-3 deleted 0 - - by an operator\n"),
				       &(struct envelope){.rcpt_count = 5}, f),
			  3);
}
END_TEST

START_TEST(every_action)
{
	static const char text[] =
		DELAYED("01:00", "*") "2026-11-21T02:00:00Z 0 delivered 0 2.0.0 - /drop/x.eml\n"
				      "2026-11-21T02:00:00Z 1 relayed 250 2.0.0 mx[192.0.2.1]:25 ok\n"
				      "2026-11-21T02:00:00Z 2 warned 0 - - 00000000CCCCCCCCCCCCCCCC\n";
	static const enum notice_action expected[] = {NOTICE_DELIVERED, NOTICE_RELAYED, NOTICE_NOTHING, NOTICE_DELAYED};
	struct notice_fact f[4];
	ck_assert_uint_eq(notice_facts(SPAN(text), &(struct envelope){.rcpt_count = 4}, f), 3);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(f[i].action, expected[i]);
	ck_assert_str_eq(notice_action_name(f[1].action), "relayed");
}
END_TEST

/* An alias has no lines of its own but those of the notice. */
START_TEST(an_expanded_alias_is_told_once)
{
	struct dsn_rcpt dsn[2] = {{.expanded = true}};
	const struct envelope with_alias = {.rcpt_count = 2, .dsn_rcpts = dsn};
	struct notice_fact f[2];
	ck_assert_uint_eq(
		notice_facts(SPAN("2026-11-21T02:00:00Z 1 delivered 250 2.0.0 mx[192.0.2.1]:25 ok\n"), &with_alias, f),
		1);
	ck_assert_int_eq(f[0].action, NOTICE_EXPANDED);
	ck_assert_str_eq(notice_action_name(f[0].action), "expanded");
	ck_assert_uint_eq(notice_status(&f[0]).class, 2);
	ck_assert_uint_eq(notice_facts(SPAN("2026-11-21T02:00:00Z 0 noticed 0 - - X\n"), &with_alias, f), 0);
}
END_TEST

/* A sender that got a notice of delay gets no second one, but one of the failure. Mail from badmail begins anew. */
START_TEST(a_delay_is_told_once)
{
	struct notice_fact f[2];
	static const char again[] =
		DELAYED("01:00", "*") "2026-11-21T02:00:00Z * warned 0 - - X\n" DELAYED("03:00", "*");
	ck_assert_uint_eq(notice_facts(SPAN(again), &(struct envelope){.rcpt_count = 2}, f), 0);
	static const char failed[] = DELAYED("01:00", "*") "2026-11-21T02:00:00Z 0 warned 0 - - X\n"
							   "2026-11-21T03:00:00Z 0 failed 0 4.4.7 - expired\n";
	ck_assert_uint_eq(notice_facts(SPAN(failed), &(struct envelope){.rcpt_count = 2}, f), 2);
	ck_assert(f[0].action == NOTICE_FAILED && f[0].expired && f[1].action == NOTICE_DELAYED);
	static const char resent[] = "2026-11-21T03:00:00Z 0 failed 0 4.4.7 - expired\n"
				     "2026-11-21T04:00:00Z * resent 0 - - by an operator\n";
	ck_assert_uint_eq(notice_facts(SPAN(resent), &(struct envelope){.rcpt_count = 2}, f), 0);
}
END_TEST

/* The class of the status is that of the action, whatever the host said; an expired message has 4.4.7. */
START_TEST(status_fits_the_action)
{
	static const struct {
		const char *line, *status;
	} cases[] = {
		{"0 failed 550 5.1.1 mx[1.2.3.4]:25 x", "5.1.1"},
		{"0 failed 550 - mx[1.2.3.4]:25 x", "5.0.0"},
		{"0 failed 0 4.4.7 - x", "4.4.7"},
		{"0 failed 550 2.0.0 mx[1.2.3.4]:25 x", "5.0.0"},
		{"0 delayed 451 5.7.1 mx[1.2.3.4]:25 x", "4.0.0"},
		{"0 delayed 0 4.4.1 mx[1.2.3.4]:25 x", "4.4.1"},
		{"0 relayed 250 - mx[1.2.3.4]:25 x", "2.0.0"},
		{"0 delivered 0 2.1.5 - x", "2.1.5"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200], status[ENHANCED_TEXT_MAX];
		struct notice_fact fact;
		snprintf(text, sizeof(text), "2026-11-21T02:00:00Z %s\n", cases[i].line);
		ck_assert_uint_eq(notice_facts(span_of(text), &(struct envelope){.rcpt_count = 1}, &fact), 1);
		enhanced_format(notice_status(&fact), status);
		ck_assert_str_eq(status, cases[i].status);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		folds_the_journal,      every_action, a_delay_is_told_once, an_expanded_alias_is_told_once,
		status_fits_the_action,
	};
	return run_tests("notice_facts", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
