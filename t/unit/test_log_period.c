/* Names and ends of periods: every kind, leap days, new year, daylight saving time. */
#include "queue/log/log_period.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

static int64_t at(const char *iso)
{
	int64_t ms = 0;
	ck_assert_msg(clock_iso_parse(span_of(iso), &ms), "%s", iso);
	return ms;
}

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static struct log_naming naming(enum config_log_format format, enum config_period_kind kind)
{
	return (struct log_naming){format, {kind, 0}, format == CONFIG_LOG_NCSA};
}

static void assert_name(const struct log_naming *n, const char *iso, const char *want)
{
	char name[LOG_PERIOD_NAME_MAX];
	log_period_name(n, at(iso), 1, name);
	ck_assert_msg(strcmp(name, want) == 0, "%s is in %s, not in %s", iso, name, want);
}

static void assert_end(const struct log_naming *n, const char *iso, const char *want)
{
	char text[CLOCK_TEXT_MAX];
	clock_iso(log_period_end(n, at(iso)), text);
	ck_assert_msg(strcmp(text, want) == 0, "the period of %s ends at %s, not at %s", iso, text, want);
	ck_assert_int_eq(log_period_end(n, at(iso)) % 1000, 0);
}

START_TEST(names_of_windows)
{
	static const struct {
		enum config_log_format format;
		enum config_period_kind kind;
		const char *name;
	} cases[] = {
		{CONFIG_LOG_W3C, CONFIG_PERIOD_HOURLY, "ex26112213.log"},
		{CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, "ex261122.log"},
		{CONFIG_LOG_W3C, CONFIG_PERIOD_WEEKLY, "ex261104.log"},
		{CONFIG_LOG_W3C, CONFIG_PERIOD_MONTHLY, "ex2611.log"},
		{CONFIG_LOG_W3C, CONFIG_PERIOD_UNLIMITED, "extend1.log"},
		{CONFIG_LOG_W3C, CONFIG_PERIOD_SIZE, "extend1.log"},
		{CONFIG_LOG_IIS, CONFIG_PERIOD_HOURLY, "in26112213.log"},
		{CONFIG_LOG_IIS, CONFIG_PERIOD_SIZE, "inetsv1.log"},
		{CONFIG_LOG_NCSA, CONFIG_PERIOD_DAILY, "nc261122.log"},
		{CONFIG_LOG_NCSA, CONFIG_PERIOD_UNLIMITED, "ncsa1.log"},
		{CONFIG_LOG_JSON, CONFIG_PERIOD_MONTHLY, "js2611.log"},
		{CONFIG_LOG_JSON, CONFIG_PERIOD_SIZE, "json1.log"},
	};
	zone("UTC0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_naming n = naming(cases[i].format, cases[i].kind);
		assert_name(&n, "2026-11-22T13:59:59Z", cases[i].name);
	}
}
END_TEST

START_TEST(ends_in_utc)
{
	struct log_naming hourly = naming(CONFIG_LOG_W3C, CONFIG_PERIOD_HOURLY);
	struct log_naming daily = naming(CONFIG_LOG_IIS, CONFIG_PERIOD_DAILY);
	struct log_naming weekly = naming(CONFIG_LOG_W3C, CONFIG_PERIOD_WEEKLY);
	struct log_naming monthly = naming(CONFIG_LOG_W3C, CONFIG_PERIOD_MONTHLY);
	zone("America/New_York"); /* has no effect */
	assert_end(&hourly, "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z");
	assert_end(&hourly, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z");
	assert_end(&daily, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z");
	assert_end(&daily, "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z");
	assert_end(&daily, "2028-02-28T12:00:00Z", "2028-02-29T00:00:00Z");
	assert_end(&daily, "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z");
	assert_end(&daily, "2100-02-28T12:00:00Z", "2100-03-01T00:00:00Z");
	assert_name(&daily, "2028-02-29T12:00:00Z", "in280229.log");
	assert_end(&weekly, "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"); /* a Sunday */
	assert_end(&weekly, "2026-11-28T23:59:59Z", "2026-11-29T00:00:00Z");
	assert_end(&monthly, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
	assert_end(&monthly, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
	assert_end(&monthly, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z");
	assert_end(&monthly, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
}
END_TEST

/* A week has one name from its Sunday on, even if a month or a year ends in it. */
START_TEST(weeks_span_months)
{
	struct log_naming n = naming(CONFIG_LOG_W3C, CONFIG_PERIOD_WEEKLY);
	assert_name(&n, "2026-11-28T23:59:59Z", "ex261104.log");
	assert_name(&n, "2026-11-29T00:00:00Z", "ex261105.log");
	assert_name(&n, "2026-12-05T23:59:59Z", "ex261105.log");
	assert_name(&n, "2026-12-06T00:00:00Z", "ex261201.log");
	assert_name(&n, "2027-01-01T00:00:00Z", "ex261204.log");
	assert_name(&n, "2027-01-03T00:00:00Z", "ex270101.log");
	assert_name(&n, "2028-02-29T12:00:00Z", "ex280204.log");
}
END_TEST

START_TEST(numbered_files_never_end)
{
	struct log_naming n = naming(CONFIG_LOG_W3C, CONFIG_PERIOD_UNLIMITED);
	char name[LOG_PERIOD_NAME_MAX];
	ck_assert_int_eq(log_period_end(&n, 0), INT64_MAX);
	n.period.kind = CONFIG_PERIOD_SIZE;
	ck_assert_int_eq(log_period_end(&n, 0), INT64_MAX);
	log_period_name(&n, 0, 17, name);
	ck_assert_str_eq(name, "extend17.log");
	ck_assert_uint_eq(log_period_number(&n, span_of(name)), 17);
	static const char *const others[] = {
		"extend.log",  "extend1.log.gz", "extendx.log", "ex261122.log", "extend-1.log",
		"inetsv1.log", ".log",           "extend",      "log",          ""};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(log_period_number(&n, span_of(others[i])) == 0, "%s", others[i]);
}
END_TEST

START_TEST(local_names_know_daylight_saving_time)
{
	struct log_naming daily = naming(CONFIG_LOG_NCSA, CONFIG_PERIOD_DAILY);
	struct log_naming hourly = {CONFIG_LOG_W3C, {CONFIG_PERIOD_HOURLY, 0}, true};
	zone("Asia/Tokyo");
	assert_name(&daily, "2026-11-21T15:00:00Z", "nc261122.log");
	assert_end(&daily, "2026-11-21T15:00:00Z", "2026-11-22T15:00:00Z");
	zone("America/New_York");
	assert_end(&daily, "2026-03-08T12:00:00Z", "2026-03-09T04:00:00Z"); /* a day of 23 hours */
	assert_end(&daily, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"); /* and one of 25 */
	assert_name(&hourly, "2026-03-08T06:59:59Z", "ex26030801.log");
	assert_end(&hourly, "2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z");
	assert_name(&hourly, "2026-03-08T07:00:00Z", "ex26030803.log");
	assert_name(&hourly, "2026-11-01T05:30:00Z", "ex26110101.log"); /* one o'clock comes twice: one file */
	assert_name(&hourly, "2026-11-01T06:30:00Z", "ex26110101.log");
	assert_end(&hourly, "2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z");
	zone("America/Sao_Paulo"); /* midnight did not exist */
	assert_end(&daily, "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z");
	zone("Asia/Kathmandu");
	assert_end(&hourly, "2026-11-22T00:20:00Z", "2026-11-22T01:15:00Z");
	zone("Australia/Lord_Howe"); /* daylight saving time is half an hour */
	assert_end(&daily, "2026-04-05T00:00:00Z", "2026-04-05T13:30:00Z");
}
END_TEST

/* Every time lies in its period, and the time after the end has another name. */
START_TEST(every_time_lies_in_its_period)
{
	static const char *const zones[] = {"UTC0", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"};
	char name[LOG_PERIOD_NAME_MAX], last[LOG_PERIOD_NAME_MAX], next[LOG_PERIOD_NAME_MAX];
	zone(zones[_i]);
	for (enum config_period_kind kind = CONFIG_PERIOD_HOURLY; kind <= CONFIG_PERIOD_MONTHLY; kind++) {
		struct log_naming n = {CONFIG_LOG_W3C, {kind, 0}, true};
		for (int64_t t = at("2027-12-01T00:00:00Z"); t < at("2028-12-31T00:00:00Z");
		     t += 13 * 3600 * 1000 + 7) {
			int64_t end = log_period_end(&n, t);
			ck_assert_int_gt(end, t);
			log_period_name(&n, t, 1, name);
			log_period_name(&n, end - 1, 1, last);
			log_period_name(&n, end, 1, next);
			ck_assert_str_eq(name, last);
			ck_assert_str_ne(name, next);
		}
	}
}
END_TEST

START_TEST(ncsa_is_local_whatever_is_said)
{
	ck_assert(log_period_naming(&(struct config_log){.format = CONFIG_LOG_NCSA}).local);
	ck_assert(!log_period_naming(&(struct config_log){.format = CONFIG_LOG_IIS}).local);
	ck_assert(log_period_naming(&(struct config_log){.format = CONFIG_LOG_W3C, .local_time = true}).local);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_period");
	TCase *tc = tcase_create("periods");
	tcase_add_test(tc, names_of_windows);
	tcase_add_test(tc, ends_in_utc);
	tcase_add_test(tc, weeks_span_months);
	tcase_add_test(tc, numbered_files_never_end);
	tcase_add_test(tc, local_names_know_daylight_saving_time);
	tcase_add_loop_test(tc, every_time_lies_in_its_period, 0, 4);
	tcase_add_test(tc, ncsa_is_local_whatever_is_said);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
