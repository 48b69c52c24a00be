/* Lines of the service's log in each format, and hostile text in them. */
#include "ctl/logline.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct logline line;

static void parse(const char *text)
{
	ck_assert_msg(logline_parse(span_of(text), &line), "%s", text);
}

static void is(struct span span, const char *text)
{
	ck_assert_msg(span_equal(span, span_of(text)), "\"%.*s\" is not \"%s\"", SPAN_ARGS(span), text);
}

START_TEST(every_format_of_a_line)
{
	static const struct {
		const char *text, *time, *program, *server, *hour;
	} ways[] = {
		{"<6>mailroot-queue[main]: id=X", "", "mailroot-queue", "main", ""},
		{"mailrootd: id=X", "", "mailrootd", "", ""},
		{"2026-11-21T01:02:03+0000 box mailrootd[812]: mailroot-queue[main]: id=X", "2026-11-21T01:02:03+0000",
		 "mailroot-queue", "main", "2026-11-21 01h"},
		{"2026-11-21T23:02:03.123456+09:00 box mailroot-queue/main[815]: id=X",
		 "2026-11-21T23:02:03.123456+09:00", "mailroot-queue", "main", "2026-11-21 23h"},
		{"Nov  1 01:00:00 box mailroot-smtpd/a.b[15]: id=X", "Nov  1 01:00:00", "mailroot-smtpd", "a.b",
		 "Nov  1 01h"},
		{"Nov 21 01:00:00 box mailrootd[1]: id=X", "Nov 21 01:00:00", "mailrootd", "", "Nov 21 01h"},
		{"2026-11-21T01:02:03Z <4>mailroot-queue[7]: id=X", "2026-11-21T01:02:03Z", "mailroot-queue", "",
		 "2026-11-21 01h"},
	};
	char hour[LOGLINE_HOUR_MAX];
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		parse(ways[i].text);
		is(line.time, ways[i].time);
		is(line.program, ways[i].program);
		is(line.server, ways[i].server);
		is(line.text, "id=X");
		is(logline_get(&line, "id"), "X");
		logline_hour(&line, hour);
		ck_assert_str_eq(hour, ways[i].hour);
	}
}
END_TEST

START_TEST(lines_of_other_programs)
{
	static const char *const bad[] = {
		"",
		" ",
		"Nov 21 01:00:00 box sshd[12]: mailroot-queue[main]: id=X",
		"postfix/smtp[1]: mailroot: id=X",
		"mailroot",
		"mailroot-queue[main]",
		"mailroot-queue[main",
		"mailroot-queue/",
		"<6>",
		"2026-11-21T01:02:03Z",
		"2026-11-21T01:02:03Z box",
		"mailroot-queue[main]:id=X",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!logline_parse(span_of(bad[i]), &line), "%s", bad[i]);
}
END_TEST

START_TEST(fields)
{
	parse("mailroot-smtpd[a]: id=X from=<a b@c.test> to=<> helo= text=\"status=delivered to=<x@y>\" size=12 done");
	is(logline_get(&line, "from"), "a b@c.test");
	is(logline_get(&line, "to"), "");
	is(logline_get(&line, "helo"), "");
	is(logline_get(&line, "text"), "status=delivered to=<x@y>");
	is(logline_get(&line, "status"), "");
	is(logline_get(&line, "size"), "12");
	ck_assert_uint_eq(line.field_count, 6);
	parse("mailroot-smtpd[a]: text=\"no end status=accepted");
	is(logline_get(&line, "status"), "");
	parse("mailroot-smtpd[a]: =x a= =");
	ck_assert_uint_eq(line.field_count, 1);
}
END_TEST

START_TEST(no_more_fields_than_there_is_room_for)
{
	char text[1000] = "mailrootd: ";
	for (int i = 0; i < 3 * LOGLINE_FIELDS_MAX; i++)
		strcat(text, "a=b ");
	parse(text);
	ck_assert_uint_eq(line.field_count, LOGLINE_FIELDS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logline");
	TCase *tc = tcase_create("logline");

	tcase_add_test(tc, every_format_of_a_line);
	tcase_add_test(tc, lines_of_other_programs);
	tcase_add_test(tc, fields);
	tcase_add_test(tc, no_more_fields_than_there_is_room_for);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
