#include "ctl/options.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "t/unit/suite.h"

static struct options options;
static char why[OPTIONS_WHY_MAX];

/* Parses LINE, split at spaces, as the command line after the program name. */
static bool parse(const char *line)
{
	static char copy[8192];
	static char *argv[2000];
	int argc = 0;

	why[0] = '\0';
	strcpy(copy, line);
	argv[argc++] = (char *)"mailrootctl";
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(argc, argv, &options, why);
}

/* Parses and looks the command up, as commands_run does. */
static const struct command *find(const char *line, bool *fits)
{
	size_t taken;

	ck_assert_msg(parse(line), "%s", why);
	const struct command *command = commands_find(options.words, options.word_count, &taken, why);
	*fits = command && commands_fits(command, &options, options.word_count - taken, why);
	return command;
}

START_TEST(options_stand_anywhere)
{
	ck_assert(parse("--json queue -c /x/y list --domain example.com AAA --older 2h"));
	ck_assert_str_eq(options.file, "/x/y");
	ck_assert_uint_eq(options.given, OPTION_JSON | OPTION_DOMAIN | OPTION_OLDER);
	ck_assert_str_eq(options.domain, "example.com");
	ck_assert_uint_eq(options.older_s, 7200);
	ck_assert_uint_eq(options.word_count, 3);
	ck_assert_str_eq(options.words[2], "AAA");
	ck_assert_str_eq(options.sender, "");
}
END_TEST

/* Addresses that were copied from a log or a session. */
START_TEST(brackets_are_no_part_of_an_address)
{
	ck_assert(parse("explain route <a@b.de> --from <> --to=<c@d.de> --sender <e@f.de"));
	ck_assert_str_eq(options.words[2], "a@b.de");
	ck_assert_str_eq(options.from, "<>");
	ck_assert_str_eq(options.to, "c@d.de");
	ck_assert_str_eq(options.sender, "<e@f.de");
	ck_assert(parse("queue list --recipient <a@b.de> --reason <a@b.de> --sender <>"));
	ck_assert_str_eq(options.recipient, "a@b.de");
	ck_assert_str_eq(options.reason, "<a@b.de>");
	ck_assert_str_eq(options.sender, "<>");
}
END_TEST

START_TEST(what_follows_two_dashes_is_a_word)
{
	ck_assert(parse("queue delete -- --all"));
	ck_assert_uint_eq(options.given, 0);
	ck_assert_str_eq(options.words[2], "--all");
}
END_TEST

START_TEST(bad_options_are_named)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{"status --jsn", "--jsn"},
		{"status -x", "-x"},
		{"status -c", "-c"},
		{"explain relay --client", "--client"},
		{"queue list --older 5", "--older"},
		{"queue list --older h", "--older"},
		{"queue list --larger 5T", "--larger"},
		{"queue list --larger M", "--larger"},
		{"queue list --larger 99999999999G", "--larger"},
		{"queue list --attempts few", "--attempts"},
		{"queue list --attempts 65536", "--attempts"},
		{"queue list --reason", "--reason"},
		{"queue list --domain a --domain b", "twice"},
		{"queue delete --all --all", "twice"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!parse(bad[i].line), "%s is taken", bad[i].line);
		ck_assert_msg(strstr(why, bad[i].word) != NULL, "%s: %s", bad[i].line, why);
	}
}
END_TEST

START_TEST(durations)
{
	uint64_t s;

	ck_assert(options_duration("0s", &s) && s == 0);
	ck_assert(options_duration("15m", &s) && s == 900);
	ck_assert(options_duration("2d", &s) && s == 172800);
	ck_assert(options_duration("3660d", &s));
	static const char *const bad[] = {"",      "s",   "5", "-5s", "5 s", "5S", "5w", "3661d", "99999999999s",
					  "1h30m", "0x5s"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!options_duration(bad[i], &s), "%s is taken", bad[i]);
}
END_TEST

START_TEST(too_many_words_are_refused)
{
	char line[4096] = "queue list";

	for (int i = 0; i < OPTIONS_WORDS_MAX - 2; i++)
		strcat(line, " A");
	ck_assert(parse(line));
	strcat(line, " A");
	ck_assert(!parse(line));
}
END_TEST

START_TEST(commands_are_found_by_their_words)
{
	static const char *const lines[] = {
		"check",
		"check /x",
		"config show",
		"config doc relay",
		"status --json",
		"reload",
		"stop --yes --now",
		"queue list",
		"queue list --older 1d --server a",
		"queue show A --json",
		"queue show A --sent --recipient b@c.de",
		"queue retry --all",
		"queue delete A B --yes",
		"oauth status --json",
		"oauth test connector partner --server a",
		"oauth forget virtual_server --yes",
		"explain relay --client 1.2.3.4 --to a@b --from c@d --server x",
	};
	bool fits;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct command *command = find(lines[i], &fits);
		ck_assert_msg(command && fits, "%s: %s", lines[i], why);
		ck_assert_int_eq(strncmp(command->words[0], lines[i], strlen(command->words[0])), 0);
	}
}
END_TEST

START_TEST(options_that_do_not_fit_the_command_are_refused)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{"queue", "list, show, retry, hold, release, delete, bounce"},
		{"queue lst", "did you mean `mailrootctl queue list`?"},
		{"queue xyzzy", "list, show, retry, hold, release, delete, bounce"},
		{"stats", "stats"},
		{"status now", "many"},
		{"queue show", "few"},
		{"queue show A B", "many"},
		{"status --yes", "--yes"},
		{"queue list --now", "--now"},
		{"check a b", "many"},
		{"explain relay A", "many"},
		{"--json doctor", "`doctor` must be the first word"},
		{"-cx.conf replay", "`replay` must be the first word"},
	};
	bool fits;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		find(bad[i].line, &fits);
		ck_assert_msg(!fits, "%s is taken", bad[i].line);
		ck_assert_msg(strstr(why, bad[i].word) != NULL, "%s: %s", bad[i].line, why);
	}
}
END_TEST

START_TEST(programs_are_found_by_the_first_word)
{
	static const struct {
		const char *argv[6];
		int at; /* 0 = none is found */
	} lines[] = {
		{{"mailrootctl", "doctor"}, 1},
		{{"mailrootctl", "replay", "--json", "a.log"}, 1},
		{{"mailrootctl", "-c", "x.conf", "import-iis", "MetaBase.xml"}, 3},
		{{"mailrootctl", "-c", "doctor"}, 0},
		{{"mailrootctl", "--json", "doctor"}, 0},
		{{"mailrootctl", "check", "doctor"}, 0},
		{{"mailrootctl"}, 0},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int argc = 0, at;
		while (lines[i].argv[argc])
			argc++;
		const struct command *command = commands_program(argc, (char *const *)lines[i].argv, &at);
		ck_assert_msg((command != NULL) == (lines[i].at > 0), "line %zu", i);
		if (!command)
			continue;
		ck_assert_int_eq(at, lines[i].at);
		ck_assert_str_eq(command->words[0], lines[i].argv[at]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tc = tcase_create("options");
	tcase_add_test(tc, options_stand_anywhere);
	tcase_add_test(tc, brackets_are_no_part_of_an_address);
	tcase_add_test(tc, what_follows_two_dashes_is_a_word);
	tcase_add_test(tc, bad_options_are_named);
	tcase_add_test(tc, durations);
	tcase_add_test(tc, too_many_words_are_refused);
	tcase_add_test(tc, commands_are_found_by_their_words);
	tcase_add_test(tc, options_that_do_not_fit_the_command_are_refused);
	tcase_add_test(tc, programs_are_found_by_the_first_word);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
