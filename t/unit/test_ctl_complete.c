/* Completion of a command line: what the table of commands knows, and which names the service is to be asked for. */
#include "ctl/complete.h"

#include <check.h>
#include <string.h>

#include "t/unit/suite.h"

enum { WORDS = 6, OFFERED_MAX = 20000 };

static char offered[OFFERED_MAX]; /* the candidates, with a blank behind each */

static void take(void *context, const char *candidate)
{
	(void)context;
	ck_assert_uint_lt(strlen(offered) + strlen(candidate) + 2, sizeof(offered));
	strcat(offered, candidate);
	strcat(offered, " ");
}

static struct complete complete_line(const char *const *words)
{
	struct complete complete = {.add = take};
	size_t n = 0;
	while (n < WORDS && words[n])
		n++;
	offered[0] = '\0';
	complete_words(words, n, &complete);
	return complete;
}

static const struct {
	const char *words[WORDS];
	const char *offered;
	enum complete_live live;
} lines[] = {
	{{"st"}, "status stop ", COMPLETE_NONE},
	{{"qu"}, "queue ", COMPLETE_NONE},
	{{"queue", ""}, "list show retry hold release delete bounce export import ", COMPLETE_NONE},
	{{"queue", "re"}, "retry release ", COMPLETE_NONE},
	{{"quark", ""}, "", COMPLETE_NONE},
	{{"queue", "quark", ""}, "", COMPLETE_NONE},
	{{"-"}, "-c --help --version ", COMPLETE_NONE},
	{{"-c", "e"}, "", COMPLETE_NONE},
	{{"-c", "x.conf", "qu"}, "queue ", COMPLETE_NONE},
	{{"kick", "--"}, "--json --yes --all --server ", COMPLETE_NONE},
	{{"queue", "hold", "--s"}, "--server --sender ", COMPLETE_NONE},
	{{"kick", "--yes", "d"}, "", COMPLETE_SESSIONS},
	{{"queue", "show", ""}, "", COMPLETE_QUEUE},
	{{"queue", "delete", "--older", "2h", ""}, "", COMPLETE_QUEUE},
	{{"queue", "delete", "--older", ""}, "", COMPLETE_NONE},
	{{"badmail", "resend", "A", ""}, "", COMPLETE_BADMAIL},
	{{"trace", ""}, "", COMPLETE_QUEUE},
	{{"server", "pause", "a"}, "all ", COMPLETE_SERVERS},
	{{"sessions", "--server", ""}, "", COMPLETE_SERVERS},
	{{"oauth", "forget", ""}, "", COMPLETE_BLOCKS},
	{{"log", "summary", "--by", ""}, "hour client reply ", COMPLETE_NONE},
	{{"filter", ""}, "test ", COMPLETE_NONE},
	{{"filter", "test", "virus", "m", "--"}, "--client --from --to --message --server --json ", COMPLETE_NONE},
	{{"dkim", ""}, "keygen check rotate sign ", COMPLETE_NONE},
	{{"dkim", "keygen", "a.test", "--"}, "--selector --type --server ", COMPLETE_NONE},
	{{"dkim", "keygen", "--type", "r"}, "rsa2048 rsa4096 ", COMPLETE_NONE},
	{{"dkim", "rotate", "--server", ""}, "", COMPLETE_SERVERS},
	{{"config", "doc", "mailroot_"}, "mailroot_dir ", COMPLETE_NONE},
	{{"config", "doc", "rout"}, "route ", COMPLETE_NONE}, /* of two blocks, and named once */
	{{"status", ""}, "", COMPLETE_NONE},
	{{"user", "add", ""}, "", COMPLETE_NONE},
	{{"check", ""}, "", COMPLETE_NONE},
};

START_TEST(lines_are_completed)
{
	struct complete complete = complete_line(lines[_i].words);
	ck_assert_str_eq(offered, lines[_i].offered);
	ck_assert_int_eq(complete.live, lines[_i].live);
}
END_TEST

START_TEST(nothing_typed_offers_each_command_once)
{
	static const char *const nothing[WORDS] = {""};
	complete_line(nothing);
	const char *first = strstr(offered, "queue ");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "queue "));
	ck_assert_int_eq(strncmp(offered, "check ", 6), 0);
	struct complete complete = {.add = take};
	complete_words(NULL, 0, &complete);
	ck_assert_str_eq(complete.last, "");
}
END_TEST

START_TEST(the_file_is_found)
{
	static const char *const words[WORDS] = {"queue", "-c", "my.conf", "show", ""};
	struct complete complete = complete_line(words);
	ck_assert_str_eq(complete.file, "my.conf");
	ck_assert_int_eq(complete.live, COMPLETE_QUEUE);
	static const char *const without[WORDS] = {"queue", "show", ""};
	ck_assert_ptr_null(complete_line(without).file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("complete");
	TCase *tc = tcase_create("complete");
	tcase_add_loop_test(tc, lines_are_completed, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tc, nothing_typed_offers_each_command_once);
	tcase_add_test(tc, the_file_is_found);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
