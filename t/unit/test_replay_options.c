/* The command line of mailrootctl replay. */
#include <stdio.h>
#include <string.h>

#include "ctl/replay/replay_options.h"
#include "t/unit/suite.h"

enum { NOW_S = 1800000000, WORDS_MAX = 10 };

static struct replay_options options;
static char why[REPLAY_OPTIONS_WHY_MAX];

/* WORDS has blanks between the arguments, and _ for a blank in one. */
static bool parse(const char *words)
{
	static char text[400];
	static char *argv[WORDS_MAX + 1];
	int argc = 0;
	snprintf(text, sizeof(text), "mailrootctl%s%s", words[0] ? " " : "", words);
	for (char *at = text; at && argc < WORDS_MAX; at = at ? at + 1 : NULL) {
		argv[argc++] = at;
		at = strchr(at, ' ');
		if (at)
			*at = '\0';
	}
	argv[argc] = NULL;
	for (int i = 0; i < argc; i++)
		for (char *blank = argv[i]; (blank = strchr(blank, '_'));)
			*blank = ' ';
	return replay_options_parse(argc, argv, NOW_S, &options, why);
}

START_TEST(every_option)
{
	ck_assert(parse("a.log"));
	ck_assert_int_eq(options.since_s, -1);
	ck_assert(!options.json && !options.server[0]);
	ck_assert(strstr(options.file, "/mailroot.conf"));
	ck_assert(parse("-c my.conf a.log --server main b.log --json --since 2025-10-09"));
	ck_assert_str_eq(options.file, "my.conf");
	ck_assert_str_eq(options.server, "main");
	ck_assert(options.json);
	ck_assert_int_eq(options.since_s, 1759968000);
	ck_assert_uint_eq(options.path_count, 2);
	ck_assert_str_eq(options.paths[1], "b.log");
	ck_assert(parse("--config other.conf -"));
	ck_assert_str_eq(options.file, "other.conf");
	ck_assert(parse("--help") && options.help);
}
END_TEST

START_TEST(times)
{
	ck_assert(parse("a --since 2025-10-09_01:02:03"));
	ck_assert_int_eq(options.since_s, 1759968000 + 3723);
	ck_assert(parse("a --since 2025-10-09T01:02:03"));
	ck_assert_int_eq(options.since_s, 1759968000 + 3723);
	ck_assert(parse("a --since 2d"));
	ck_assert_int_eq(options.since_s, NOW_S - 2 * 86400);
}
END_TEST

START_TEST(wrong)
{
	static const struct {
		const char *words, *says;
	} faults[] = {
		{"", "which logs?"},
		{"--json", "which logs?"},
		{"a --since yesterday", "--since yesterday: not a time"},
		{"a --since 2025-02-30", "not a time"},
		{"a --since 2025-10-09_1", "not a time"},
		{"a --bogus", "--bogus: no such option"},
		{"a --server", "--server needs a value"},
	};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		ck_assert_msg(!parse(faults[i].words), "%s", faults[i].words);
		ck_assert_msg(strstr(why, faults[i].says), "%s: %s", faults[i].words, why);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {every_option, times, wrong};
	return run_tests("replay_options", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
