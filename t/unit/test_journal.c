#include <check.h>
#include <string.h>

#include "common/mail/journal.h"
#include "t/unit/suite.h"

static const int64_t noon = 1795255200000; /* 2026-11-21T10:00:00Z */

static void assert_line(const struct journal_line *line, const char *expected)
{
	struct str text;
	struct journal_line again;
	str_init(&text, 2 * JOURNAL_LINE_MAX);
	journal_format(line, &text);
	ck_assert_str_eq(str_text(&text), expected);
	struct span whole = str_span(&text);
	ck_assert(journal_parse((struct span){whole.at, whole.len - 1}, &again));
	ck_assert_int_eq(again.wall_ms, line->wall_ms / 1000 * 1000);
	ck_assert_uint_eq(again.first, line->first);
	ck_assert_uint_eq(again.last, line->last);
	ck_assert_int_eq(again.event, line->event);
	ck_assert_int_eq(again.code, line->code);
	ck_assert_uint_eq(again.enhanced.class, line->enhanced.class);
	ck_assert_uint_eq(again.enhanced.subject, line->enhanced.subject);
	ck_assert_uint_eq(again.enhanced.detail, line->enhanced.detail);
	str_free(&text);
}

START_TEST(writes_and_reads_lines)
{
	struct journal_line line = {.wall_ms = noon + 5,
				    .first = 0,
				    .last = 4,
				    .event = JOURNAL_DELAYED,
				    .code = 451,
				    .enhanced = {4, 3, 0},
				    .host = SPAN("mx.example.net[192.0.2.1]:25"),
				    .text = SPAN("try - later")};
	assert_line(&line, "2026-11-21T10:00:00Z 0-4 delayed 451 4.3.0 mx.example.net[192.0.2.1]:25 try - later\n");
	line = (struct journal_line){.wall_ms = noon, .first = 0, .last = UINT32_MAX, .event = JOURNAL_RETRY};
	assert_line(&line, "2026-11-21T10:00:00Z * retry 0 - -\n");
	line = (struct journal_line){
		.first = 4999, .last = 4999, .event = JOURNAL_FAILED, .code = 599, .text = SPAN(" x ")};
	assert_line(&line, "1970-01-01T00:00:00Z 4999 failed 599 - -  x \n");
	for (enum journal_event event = 0; event < JOURNAL_EVENT_COUNT; event++) {
		struct str text;
		struct journal_line again;
		str_init(&text, JOURNAL_LINE_MAX);
		line.event = event;
		journal_format(&line, &text);
		ck_assert(strstr(str_text(&text), journal_event_name(event)) != NULL);
		ck_assert(journal_parse((struct span){text.at, text.len - 1}, &again));
		ck_assert_int_eq(again.event, event);
		str_free(&text);
	}
}
END_TEST

START_TEST(no_value_makes_a_second_line)
{
	struct journal_line line = {.wall_ms = noon,
				    .first = 1,
				    .last = 2,
				    .event = JOURNAL_DELAYED,
				    .code = 451,
				    .host = SPAN("mx\n evil\xff"),
				    .text = SPAN("a\r\nb\0\x1b")};
	assert_line(&line, "2026-11-21T10:00:00Z 1-2 delayed 451 - mx??evil? a\\x0d\\x0ab\\x00\\x1b\n");
}
END_TEST

START_TEST(the_longest_line_stays_in_its_bound)
{
	char host[1000];
	char text[5000];
	memset(host, 'h', sizeof(host));
	memset(text, '\n', sizeof(text));
	struct journal_line line = {.wall_ms = INT64_MAX,
				    .first = 4000000000,
				    .last = 4294967294,
				    .event = JOURNAL_DELIVERED,
				    .code = 599,
				    .enhanced = {5, 999, 999},
				    .host = {host, sizeof(host)},
				    .text = {text, sizeof(text)}};
	struct str out;
	struct journal_line again;
	str_init(&out, 10000);
	journal_format(&line, &out);
	ck_assert_uint_le(out.len, JOURNAL_LINE_MAX);
	ck_assert(journal_parse((struct span){out.at, out.len - 1}, &again));
	ck_assert_uint_eq(again.host.len, JOURNAL_HOST_MAX);
	ck_assert_uint_eq(again.text.len, 800);
	ck_assert_uint_eq(again.last, 4294967294);
	str_free(&out);
}
END_TEST

START_TEST(takes_only_its_own_lines)
{
	static const struct span bad[] = {
		SPAN(""),
		SPAN("2026-11-21T10:00:00Z"),
		SPAN("2026-11-21T10:00:00Z * retry 0 -"),
		SPAN("2026-11-21T10:00:00Z * retry 0 - "),
		SPAN("2026-11-21T10:00:00Z * retry 0 - - "),
		SPAN("2026-11-21T10:00:00Z  * retry 0 - -"),
		SPAN(" 2026-11-21T10:00:00Z * retry 0 - -"),
		SPAN("2026-11-31T10:00:00Z * retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z * Retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z * retr 0 - -"),
		SPAN("2026-11-21T10:00:00Z ** retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 1-1 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 2-1 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 1- retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z -1 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 1-2-3 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 01 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 0-4294967295 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z 4294967296 retry 0 - -"),
		SPAN("2026-11-21T10:00:00Z * retry 00 - -"),
		SPAN("2026-11-21T10:00:00Z * retry 199 - -"),
		SPAN("2026-11-21T10:00:00Z * retry 600 - -"),
		SPAN("2026-11-21T10:00:00Z * retry 0250 - -"),
		SPAN("2026-11-21T10:00:00Z * retry 250 3.0.0 -"),
		SPAN("2026-11-21T10:00:00Z * retry 250 2.00.0 -"),
		SPAN("2026-11-21T10:00:00Z * retry 250 2.0.0x -"),
		SPAN("2026-11-21T10:00:00Z * retry 0 - - a\nb"),
		SPAN("2026-11-21T10:00:00Z * retry 0 - - a\0b"),
		SPAN("2026-11-21T10:00:00Z * retry 0 - - \xc3\xa4"),
		SPAN("2026-11-21T10:00:00Z * retry 0 - - a\r"),
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct journal_line line = {.code = 42};
		ck_assert_msg(!journal_parse(bad[i], &line), "%s", bad[i].at);
		ck_assert_int_eq(line.code, 42);
	}
}
END_TEST

START_TEST(a_torn_line_does_not_count)
{
	ck_assert_uint_eq(journal_whole(SPAN("")), 0);
	ck_assert_uint_eq(journal_whole(SPAN("abc")), 0);
	ck_assert_uint_eq(journal_whole(SPAN("abc\n")), 4);
	ck_assert_uint_eq(journal_whole(SPAN("abc\nd")), 4);
	ck_assert_uint_eq(journal_whole(SPAN("\n\nx")), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tests = tcase_create("journal");
	tcase_add_test(tests, writes_and_reads_lines);
	tcase_add_test(tests, no_value_makes_a_second_line);
	tcase_add_test(tests, the_longest_line_stays_in_its_bound);
	tcase_add_test(tests, takes_only_its_own_lines);
	tcase_add_test(tests, a_torn_line_does_not_count);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
