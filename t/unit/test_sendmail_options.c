#include "sendmail/options.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct options options;
static char why[OPTIONS_WHY_MAX];

/* Parses LINE, split at spaces, with the program name. */
static bool parse(const char *line)
{
	static char copy[2048];
	static char *argv[200];
	int argc = 0;

	why[0] = '\0';
	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(argc, argv, &options, why);
}

static void accept(const char *line)
{
	ck_assert_msg(parse(line), "%s: %s", line, why);
}

static void refuse(const char *line, const char *word)
{
	ck_assert_msg(!parse(line), "%s was taken", line);
	ck_assert_msg(strstr(why, word) != NULL, "%s: \"%s\" does not speak of %s", line, why, word);
}

/* The command lines of programs in Debian 12: cron, PHP, mutt, git, anacron, reportbug, mailx, Emacs. */
START_TEST(command_lines_of_programs)
{
	static const struct {
		const char *line, *sender, *full_name;
		bool from_header, dot_is_text;
		size_t recipients;
	} lines[] = {
		{"/usr/sbin/sendmail -i -FCronDaemon -B8BITMIME -oem root", NULL, "CronDaemon", false, true, 1},
		{"/usr/sbin/sendmail -t -i", NULL, NULL, true, true, 0},
		{"/usr/sbin/sendmail -t -i -fapp@example.com", "app@example.com", NULL, true, true, 0},
		{"/usr/sbin/sendmail -oem -oi -f me@example.com -- you@example.com him@example.com", "me@example.com",
		 NULL, false, true, 2},
		{"/usr/sbin/sendmail -i -r me@example.com you@example.com", "me@example.com", NULL, false, true, 1},
		{"/usr/sbin/sendmail -FAnacron -odi root", NULL, "Anacron", false, false, 1},
		{"/usr/sbin/sendmail -oi -t", NULL, NULL, true, true, 0},
		{"/usr/sbin/sendmail -oi -f root -oem -odb -t", "root", NULL, true, true, 0},
		{"sendmail -Ac -odq -v -n -m -U -G -h 5 -p ESMTP:x -L tag -X /tmp/log -O Opt=1 -o 7 -e q -q5m a b c",
		 NULL, NULL, false, false, 3},
		{"sendmail -bm -ti a", NULL, NULL, true, true, 1},
		{"sendmail -f <> a", "<>", NULL, false, false, 1},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		accept(lines[i].line);
		ck_assert_int_eq(options.mode, OPTIONS_SEND);
		ck_assert_pstr_eq(options.sender, lines[i].sender);
		ck_assert_pstr_eq(options.full_name, lines[i].full_name);
		ck_assert_msg(options.from_header == lines[i].from_header, "%s", lines[i].line);
		ck_assert_msg(options.dot_is_text == lines[i].dot_is_text, "%s", lines[i].line);
		ck_assert_uint_eq(options.recipient_count, lines[i].recipients);
	}
}
END_TEST

START_TEST(modes)
{
	static const struct {
		const char *line;
		enum options_mode mode;
	} lines[] = {
		{"sendmail", OPTIONS_SEND},        {"sendmail -bs", OPTIONS_SMTP},
		{"sendmail -bp", OPTIONS_LIST},    {"/usr/bin/mailq", OPTIONS_LIST},
		{"mailq -C x", OPTIONS_LIST},      {"sendmail -bi", OPTIONS_NOTHING},
		{"newaliases", OPTIONS_NOTHING},   {"sendmail -I", OPTIONS_NOTHING},
		{"sendmail -q", OPTIONS_FLUSH},    {"sendmail -qRexample.com", OPTIONS_FLUSH},
		{"sendmail --help", OPTIONS_HELP}, {"sendmail -bs -bm", OPTIONS_SEND},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		accept(lines[i].line);
		ck_assert_msg(options.mode == lines[i].mode, "%s", lines[i].line);
	}
	accept("sendmail -qI0123");
	ck_assert(options.flush_id);
	ck_assert_str_eq(options.flush, "0123");
}
END_TEST

START_TEST(notices)
{
	accept("sendmail -N success,delay -R hdrs -V a+b a");
	ck_assert_uint_eq(options.notify.notify, DSN_SUCCESS | DSN_DELAY);
	ck_assert_int_eq(options.ret, DSN_RET_HDRS);
	ck_assert_str_eq(options.envid, "a+2Bb");
	accept("sendmail -Nnever -Rfull a");
	ck_assert_uint_eq(options.notify.notify, DSN_NEVER);
	ck_assert_int_eq(options.ret, DSN_RET_FULL);
	ck_assert_str_eq(options.envid, "");
	refuse("sendmail -N never,success a", "never");
	refuse("sendmail -R some a", "full or hdrs");
	refuse("sendmail -V gr\xc3\xbcn a", "printable");
	char line[200] = "sendmail -V ";
	memset(line + strlen(line), 'x', DSN_ENVID_MAX);
	accept(line);
	strcat(line, "x");
	refuse(line, "1 to 100");
}
END_TEST

START_TEST(errors_are_reported)
{
	refuse("sendmail -z a", "unknown option");
	refuse("sendmail -f", "a value is missing");
	refuse("sendmail -bx", "-bm, -bs");
	refuse("sendmail -bd", "init");
	refuse("sendmail -bv a", "explain route");
	refuse("sendmail -qSx", "-qI");
	refuse("sendmail -qR", "-qI");
	refuse("sendmail a -f b", "come before");
	refuse("sendmail -- -bd", "an address must not");
	refuse("sendmail -t -- -C/tmp/evil", "an address must not");
}
END_TEST

/* Words after the first recipient are never options. */
START_TEST(a_recipient_ends_the_options)
{
	accept("sendmail a b c");
	ck_assert_uint_eq(options.recipient_count, 3);
	refuse("sendmail a -C/tmp/evil", "come before");
	ck_assert_ptr_null(options.config);
	ck_assert(!options_parse(0, (char *[]){NULL}, &options, why) || options.recipient_count == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sendmail options");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, command_lines_of_programs);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, notices);
	tcase_add_test(tc, errors_are_reported);
	tcase_add_test(tc, a_recipient_ends_the_options);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
