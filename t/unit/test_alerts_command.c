#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "ctl/alerts/command.h"
#include "t/unit/suite.h"

static char folder[64], path[100], result[100];
static char said[COMMAND_SAID_MAX];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_alerts_command.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/command", folder);
	snprintf(result, sizeof(result), "%s/result", folder);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(result);
	rmdir(folder);
}

/* Runs a script with BODY, in which $R is the file of results, for at most MS. */
static bool run(const char *body, int64_t ms)
{
	static const struct command_alert alert = {"begin",
						   "disk",
						   "default",
						   "/var/spool",
						   "2026-11-21T01:00:00Z",
						   "The disk is \"full\"; $(x)",
						   SPAN("one\ntwo\n")};
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\nR=%s\n%s\n", result, body);
	fclose(file);
	chmod(path, 0700);
	return command_run(path, &alert, ms, said);
}

static const char *read_result(void)
{
	static char text[4000];
	FILE *file = fopen(result, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

START_TEST(it_gets_variables_and_text_alone)
{
	int inherited = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	ck_assert(run(
		"{ cat; env | grep -v ^PWD= | grep -v ^_= | grep -v ^SHLVL= | sort; ls /proc/$$/fd | tr '\\n' ' '; } > $R 3>&-",
		20000));
	ck_assert_str_eq(said + strlen(said) - strlen("ended with status 0"), "ended with status 0");
	const char *seen = read_result();
	const char *wanted =
		"one\ntwo\nALERT_KIND=disk\nALERT_OBJECT=/var/spool\nALERT_SERVER=default\n"
		"ALERT_SINCE=2026-11-21T01:00:00Z\nALERT_STATE=begin\nALERT_SUBJECT=The disk is \"full\"; $(x)\n"
		"LANG=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n";
	ck_assert_msg(strncmp(seen, wanted, strlen(wanted)) == 0, "%s", seen);
	char number[20];
	snprintf(number, sizeof(number), " %d ", inherited);
	ck_assert_msg(!strstr(seen + strlen(wanted), number), "descriptor %d of %s", inherited, seen + strlen(wanted));
	close(inherited);
}
END_TEST

START_TEST(a_command_that_hangs_is_killed_with_what_it_started)
{
	int64_t began = clock_mono_ms();
	ck_assert(!run("sleep 1000 & echo $! > $R; sleep 1000", 1000));
	ck_assert_int_lt(clock_mono_ms() - began, 20000);
	ck_assert_ptr_nonnull(strstr(said, "did not end within 1 s and was killed"));
	char *end, stat[64], state[200] = "";
	long child = strtol(read_result(), &end, 10);
	ck_assert_int_gt(child, 1);
	/* It is gone, or its new parent has not taken its status yet. */
	snprintf(stat, sizeof(stat), "/proc/%ld/stat", child);
	FILE *file = fopen(stat, "r");
	while (file && fgets(state, sizeof(state), file) && !strstr(state, ") Z ") && !strstr(state, ") X ")) {
		fclose(file);
		file = fopen(stat, "r");
	}
	if (file)
		fclose(file);
}
END_TEST

START_TEST(its_end_is_told)
{
	ck_assert(!run("exit 3", 20000));
	ck_assert_ptr_nonnull(strstr(said, "ended with status 3"));
	ck_assert(!run("kill -TERM $$", 20000));
	ck_assert_ptr_nonnull(strstr(said, "was ended by signal 15"));
	chmod(path, 0600);
	static const struct command_alert alert = {"test", "", "", "", "", "", {"", 0}};
	ck_assert(!command_run(path, &alert, 20000, said));
	ck_assert(!command_run("/nonexistent", &alert, 20000, said));
	ck_assert_ptr_nonnull(strstr(said, "/nonexistent can't be run"));
}
END_TEST

/* Text that is not read, and more than a pipe holds, stops nothing. */
START_TEST(text_that_is_not_read_does_no_harm)
{
	static char text[300000];
	memset(text, 'x', sizeof(text));
	struct command_alert alert = {"test", "", "", "", "", "", {text, sizeof(text)}};
	ck_assert(command_run("/bin/true", &alert, 20000, said));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_gets_variables_and_text_alone,
		a_command_that_hangs_is_killed_with_what_it_started,
		its_end_is_told,
		text_that_is_not_read_does_no_harm,
	};
	return run_tests("alerts_command", tests, sizeof(tests) / sizeof(tests[0]), make_folder, remove_folder);
}
