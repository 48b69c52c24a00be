/* The share of one machine in a rate: its part is rounded down, and what makes no sense is refused with its remedy. */
#include "common/config/value.h"
#include "t/unit/config_fixture.h"

#define RATE(words) SERVER("smart_host [h.test]\noutbound { rate " words " }")

/* What this machine may send in a period; loop number 0: no rounding, last ones: the greatest numbers. */
static const struct {
	const char *words;
	int64_t count;
} parts[] = {
	{"30/1m share 1/3", 10},    {"30/1m SHARE 2/3", 20},           {"31/1m share 1/3", 10},
	{"32/1m share 1/3", 10},    {"32/1m share 2/3", 21},           {"3/1s share 1/3", 1},
	{"2/1s share 999/1000", 1}, {"10000/1d share 999/1000", 9990}, {"1000/1d share 1/1000", 1},
};

START_TEST(part_is_rounded_down)
{
	char text[256];
	struct str shown;
	snprintf(text, sizeof(text), RATE("%s"), parts[_i].words);
	build(text);
	const struct config_shared_rate *rate = &config.servers[0].outbound.rate;
	ck_assert_int_eq(report.errors, 0);
	ck_assert_int_eq(rate->count, parts[_i].count);
	ck_assert_int_le(rate->count * rate->parts, rate->whole * rate->part);
	ck_assert_int_gt((rate->count + 1) * rate->parts, rate->whole * rate->part);
	str_init(&shown, 64);
	config_value_format(CONFIG_RATE, rate, &shown);
	ck_assert_msg(!strcasecmp(str_text(&shown), parts[_i].words), "%s became %s", parts[_i].words,
		      str_text(&shown));
	str_free(&shown);
	done();
}
END_TEST

static const struct wrong wrong_rows[] = {
	{RATE("30/1m share"), 3, 23, "\"share\" in rate: a fraction must follow, such as 1/3"},
	{RATE("30/1m shares 1/3"), 3, 23, "only share and a fraction such as 1/3 may follow the rate"},
	{RATE("30/1m 1/3"), 3, 23, "only share and a fraction such as 1/3 may follow the rate"},
	{RATE("30/1m; rate 20/1m"), 3, 29, "only share and a fraction such as 1/3 may follow the rate"},
	{RATE("30/1m; rate share 1/3"), 3, 29, "only share and a fraction such as 1/3 may follow the rate"},
	{RATE("30/1m share; rate 1/3"), 3, 23, "a fraction must follow, such as 1/3"},
	{RATE("30/1m share 1/3 1/3"), 3, 33, "nothing may follow the fraction"},
	{RATE("30/1m share 1"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share 0/3"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share 1/0"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share 1/"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share /3"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share 1/3/3"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share -1/3"), 3, 29, "share takes a fraction such as 1/3"},
	{RATE("30/1m share 1/1001"), 3, 29, "at most 1000"},
	{RATE("30/1m share 1/1"), 3, 29, "a share is less than the whole"},
	{RATE("30/1m share 4/3"), 3, 29, "a share is less than the whole"},
	{RATE("2/1m share 1/3"), 3, 28, "no message in a period: write the limit of a longer period"},
	{RATE("none share 1/3"), 3, 17, "none means an empty list and must stand alone"},
	{SERVER("client { messages 30/1m share 1/3 }"), 2, 25, "messages takes one value"},
};

START_TEST(nonsense_is_refused)
{
	expect_message(&wrong_rows[_i], "error");
	ck_assert_int_eq(report.errors, 1);
	ck_assert_int_eq(report.warnings, 0);
	done();
}
END_TEST

/* 5/1m share 1/3: three machines send 3 of 5. */
static const struct wrong wasted[] = {
	{RATE("5/1m share 1/3"), 3, 17,
	 "this machine sends 1 in a period, rounded down, and all machines together send 3"},
	{RATE("7/1m share 1/4"), 3, 17, "sends 1 in a period, rounded down, and all machines together send 4"},
	{RATE("7/1m share 2/8"), 3, 17, "sends 1 in a period, rounded down, and all machines together send 4"},
};

START_TEST(large_rest_is_a_warning)
{
	expect_message(&wasted[_i], "warning");
	ck_assert_int_eq(report.errors, 0);
	done();
}
END_TEST

START_TEST(small_rest_is_silent)
{
	static const char *const silent[] = {RATE("10/1m share 1/3"), RATE("4/1m share 1/3"), RATE("5/1m share 2/5"),
					     RATE("30/1m share 1/2"), RATE("none"),           RATE("30/1m")};
	for (int i = 0; i < COUNT(silent); i++) {
		build(silent[i]);
		ck_assert_msg(!report.errors && !report.warnings, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config rate");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, part_is_rounded_down, 0, COUNT(parts));
	tcase_add_loop_test(all, nonsense_is_refused, 0, COUNT(wrong_rows));
	tcase_add_loop_test(all, large_rest_is_a_warning, 0, COUNT(wasted));
	tcase_add_test(all, small_rest_is_silent);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
