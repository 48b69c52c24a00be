/* The files of a log with a simulated clock: new files, restarts, a full disk, kills between two steps. */
#include "queue/log/log_file.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "t/unit/suite.h"

#define HEADER(date)                                                                                                   \
	"#Software: Mailroot " MAILROOT_VERSION "\n#Version: 1.0\n#Date: " date "\n#Fields: time cs-uri-query\n"

enum { TEXT_MAX = 1 << 20, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static char folder[64];
static struct log_file file;
static struct str text;
static int64_t now;
static uint64_t serial;
static const unsigned fields = 1U << LOG_FIELD_TIME | 1U << LOG_FIELD_URI_QUERY;

static void begin(enum config_log_format format, enum config_period_kind kind, int64_t octets)
{
	const struct log_format f = {format, fields, "site", "computer"};
	const struct log_naming naming = {format, {kind, octets}, false};
	ck_assert_int_eq(log_file_init(&file, folder, &f, &naming), 0);
}

static void restart(enum config_log_format format, enum config_period_kind kind, int64_t octets)
{
	log_file_free(&file);
	begin(format, kind, octets);
}

static int64_t at(const char *iso)
{
	int64_t ms = 0;
	ck_assert(clock_iso_parse(span_of(iso), &ms));
	return ms;
}

static void setup(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	strcpy(folder, "/tmp/mailroot-log-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	str_init(&text, TEXT_MAX);
	now = at("2026-11-22T23:59:58Z");
	serial = 0;
}

static void teardown(void)
{
	char path[512];
	DIR *dir = opendir(folder);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
	log_file_free(&file);
	str_free(&text);
}

/* A packet with one record of ARGUMENT and TIME, treated as in the loop and written at once. */
static void say_at(int64_t time, const char *argument)
{
	struct wire_record r = {.time_ms = (uint64_t)time, .verb = SPAN("NOOP"), .argument = span_of(argument)};
	struct log_mark mark = {7, ++serial, 1};
	log_file_add(&file, &r);
	if (log_file_moves(&file, time, now))
		log_file_write(&file, &mark);
	log_file_take(&file, time, now);
	log_file_write(&file, &mark);
}

static void say(const char *argument)
{
	say_at(now, argument);
}

static const char *content(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	str_clear(&text);
	if (fd < 0)
		return "(missing)";
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	fd_close(&fd);
	return str_text(&text);
}

static off_t size_of(const char *name)
{
	char path[128];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

START_TEST(midnight_begins_a_file)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("one");
	now += 1999;
	say("two");
	now += 1;
	say("three");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 one\n23:59:59 two\n");
	ck_assert_str_eq(content("ex261123.log"), HEADER("2026-11-23 00:00:00") "00:00:00 three\n");
}
END_TEST

START_TEST(every_hour_has_its_file)
{
	char name[32], argument[16];
	begin(CONFIG_LOG_JSON, CONFIG_PERIOD_HOURLY, 0);
	now = at("2026-11-22T00:00:00Z");
	for (int i = 0; i < 24 * 60; i++, now += MINUTE) {
		snprintf(argument, sizeof(argument), "minute %d", i);
		say(argument);
	}
	for (int hour = 0; hour < 24; hour++) {
		snprintf(name, sizeof(name), "js261122%02d.log", hour);
		const char *line = content(name);
		for (int i = 0; i < 60; i++, line = strchr(line, '\n') + 1) {
			snprintf(argument, sizeof(argument), "minute %d\"", hour * 60 + i);
			const char *found = strstr(line, argument);
			ck_assert_msg(found && found < strchr(line, '\n'), "%s: %s", name, argument);
		}
		ck_assert_str_eq(line, "");
	}
}
END_TEST

/* A late record is written to its own file if that is open, otherwise to the open file. */
START_TEST(late_and_early_records)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	now += 10 * SECOND;
	say_at(now - 10 * SECOND, "late");
	say("new");
	say_at(now - 10 * SECOND, "too late");
	say_at(now + 48 * HOUR, "of the future");
	say_at(0, "of long ago");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-23 00:00:08") "23:59:58 late\n");
	ck_assert_str_eq(content("ex261123.log"),
			 HEADER("2026-11-23 00:00:08") "00:00:08 new\n23:59:58 too+late\n00:00:08 "
						       "of+the+future\n00:00:00 of+long+ago\n");
}
END_TEST

START_TEST(no_record_opens_a_file_of_its_own_time)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_MONTHLY, 0);
	say_at(0, "of long ago");
	restart(CONFIG_LOG_W3C, CONFIG_PERIOD_MONTHLY, 0);
	say_at(now + 365 * 24 * (int64_t)HOUR, "of the future");
	ck_assert_int_eq(size_of("ex7001.log"), -1);
	ck_assert_int_eq(size_of("ex2711.log"), -1);
	ck_assert_int_gt(size_of("ex2611.log"), 0);
}
END_TEST

START_TEST(clock_that_is_set_back)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	now += 10 * SECOND;
	say("new");
	now -= 20 * SECOND;
	say("a little");
	ck_assert_int_eq(size_of("ex261122.log"), -1);
	now -= 24 * HOUR;
	say("a day");
	now += 48 * HOUR;
	say("and on");
	ck_assert_str_eq(content("ex261121.log"), HEADER("2026-11-21 23:59:48") "23:59:48 a+day\n");
	ck_assert_str_eq(content("ex261123.log"),
			 HEADER("2026-11-23 00:00:08") "00:00:08 new\n23:59:48 a+little\n" HEADER(
				 "2026-11-23 23:59:48") "23:59:48 and+on\n");
}
END_TEST

START_TEST(restart_repeats_the_header)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("one");
	restart(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("two");
	ck_assert_str_eq(content("ex261122.log"),
			 HEADER("2026-11-22 23:59:58") "23:59:58 one\n" HEADER("2026-11-22 23:59:58") "23:59:58 two\n");
}
END_TEST

START_TEST(files_by_size_are_numbered)
{
	char argument[41];
	memset(argument, 'x', 40);
	argument[40] = '\0';
	begin(CONFIG_LOG_IIS, CONFIG_PERIOD_SIZE, 1000);
	for (int i = 0; i < 30; i++)
		say(argument);
	off_t line = (off_t)strcspn(content("inetsv1.log"), "\n") + 1;
	off_t whole = 1000 / line * line;
	ck_assert_int_eq(size_of("inetsv1.log"), whole);
	ck_assert_int_eq(size_of("inetsv2.log"), whole);
	int last = (int)(30 * line / whole) + 1;
	restart(CONFIG_LOG_IIS, CONFIG_PERIOD_SIZE, 1000);
	for (int i = 0; i < 30; i++)
		say(argument);
	off_t sum = 0;
	char name[32];
	for (int i = 1; i <= 2 * last; i++) {
		snprintf(name, sizeof(name), "inetsv%d.log", i);
		off_t size = size_of(name);
		ck_assert_int_le(size, 1000);
		sum += size > 0 ? size : 0;
	}
	ck_assert_int_eq(sum, 60 * line);
}
END_TEST

/* A record that is larger than the size of a file has a file of its own. */
START_TEST(record_beyond_the_size)
{
	char argument[2000];
	memset(argument, 'x', sizeof(argument));
	argument[sizeof(argument) - 1] = '\0';
	begin(CONFIG_LOG_NCSA, CONFIG_PERIOD_SIZE, 1000);
	for (int i = 0; i < 3; i++)
		say(argument);
	ck_assert_int_gt(size_of("ncsa1.log"), 2000);
	ck_assert_int_gt(size_of("ncsa3.log"), 2000);
	ck_assert_int_eq(size_of("ncsa4.log"), -1);
}
END_TEST

START_TEST(torn_line_is_cut)
{
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("one");
	ck_assert_int_eq(write(file.fd, "23:59:58 tw", 11), 11);
	restart(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("three");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 one\n" HEADER(
							  "2026-11-22 23:59:58") "23:59:58 three\n");
}
END_TEST

/* As logrotate does: moved, removed, copied and truncated. */
START_TEST(file_that_is_moved_or_removed)
{
	char path[128], moved[160];
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	snprintf(path, sizeof(path), "%s/ex261122.log", folder);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	say("one");
	ck_assert_int_eq(rename(path, moved), 0);
	say("two");
	ck_assert_str_eq(content("moved"), HEADER("2026-11-22 23:59:58") "23:59:58 one\n");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 two\n");
	ck_assert_int_eq(unlink(path), 0);
	say("three");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 three\n");
	ck_assert_int_eq(truncate(path, 0), 0);
	say("four");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 four\n");
	ck_assert_uint_eq(file.size, text.len);
}
END_TEST

static void limit(rlim_t octets)
{
	struct rlimit now_limit;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &now_limit), 0);
	now_limit.rlim_cur = octets;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &now_limit), 0);
}

/* A write that stops in the middle, as on a full disk: no incomplete line stays, and the loss is logged later. */
START_TEST(disk_full)
{
	signal(SIGXFSZ, SIG_IGN);
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("one");
	limit((rlim_t)size_of("ex261122.log") + 5);
	say("two");
	say("three");
	ck_assert_str_eq(content("ex261122.log"), HEADER("2026-11-22 23:59:58") "23:59:58 one\n");
	ck_assert_uint_eq(file.lost, 2);
	limit(RLIM_INFINITY);
	say("four");
	say("five");
	ck_assert_str_eq(content("ex261122.log"),
			 HEADER("2026-11-22 23:59:58") "23:59:58 one\n#Remark: 2 records were lost before 2026-11-22 "
						       "23:59:58\n23:59:58 four\n"
						       "23:59:58 five\n");
	ck_assert_uint_eq(file.lost, 0);
	ck_assert(file.failing); /* the end of the failure is logged when no further one comes for a while */
	now += 2000;
	say("six");
	ck_assert(!file.failing);
}
END_TEST

START_TEST(dropped_records_are_logged)
{
	begin(CONFIG_LOG_IIS, CONFIG_PERIOD_DAILY, 0);
	log_file_lost(&file, 3);
	log_file_lost(&file, 4);
	say("one");
	ck_assert_ptr_nonnull(strstr(content("in261122.log"), ", LOST, -, 7,\n"));
	ck_assert_ptr_nonnull(strstr(content("in261122.log"), ", NOOP, -, one,\n"));
}
END_TEST

START_TEST(another_format_goes_to_another_file)
{
	const struct log_format f = {CONFIG_LOG_IIS, fields, "site", "computer"};
	const struct log_naming naming = {CONFIG_LOG_IIS, {CONFIG_PERIOD_MONTHLY, 0}, false};
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	say("one");
	log_file_change(&file, &f, &naming);
	say("two");
	ck_assert_ptr_null(strstr(content("ex261122.log"), "two"));
	ck_assert_ptr_nonnull(strstr(content("in2611.log"), ", NOOP, -, two,\n"));
}
END_TEST

/* Killed after, during and before the write. */
START_TEST(the_next_process_knows_what_was_written)
{
	struct log_mark mark = {0};
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	ck_assert(!log_file_recall(&file, &mark));
	say("one");
	off_t before = size_of("ex261122.log");
	say("two");
	off_t after = size_of("ex261122.log");
	restart(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	ck_assert(log_file_recall(&file, &mark));
	ck_assert(mark.sender == 7 && mark.serial == 2 && mark.packets == 1);
	ck_assert(log_file_stands(&file));
	ck_assert_int_eq(size_of("ex261122.log"), after);
	char path[128];
	snprintf(path, sizeof(path), "%s/ex261122.log", folder);
	ck_assert_int_eq(truncate(path, after - 1), 0);
	ck_assert(!log_file_stands(&file));
	ck_assert_int_eq(size_of("ex261122.log"), before);
	ck_assert(!log_file_stands(&file));
	ck_assert_int_eq(size_of("ex261122.log"), before);
}
END_TEST

START_TEST(a_foreign_note_is_ignored)
{
	struct log_mark mark;
	char octets[200];
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	memset(octets, 'x', sizeof(octets));
	ck_assert_int_eq(pwrite(file.note_fd, octets, sizeof(octets), 0), sizeof(octets));
	ck_assert(!log_file_recall(&file, &mark));
	ck_assert_int_eq(pwrite(file.note_fd, "mrlog01", 8, 0), 8);
	ck_assert(!log_file_recall(&file, &mark));
	ck_assert(!log_file_stands(&file));
}
END_TEST

START_TEST(folder_that_is_not_there)
{
	const struct log_format f = {CONFIG_LOG_W3C, fields, "site", "computer"};
	const struct log_naming naming = {CONFIG_LOG_W3C, {CONFIG_PERIOD_DAILY, 0}, false};
	ck_assert_int_lt(log_file_init(&file, "/nonexistent/log", &f, &naming), 0);
}
END_TEST

/* A link with the name of our file is not written to. */
START_TEST(link_in_the_place_of_the_file)
{
	char path[128];
	begin(CONFIG_LOG_W3C, CONFIG_PERIOD_DAILY, 0);
	snprintf(path, sizeof(path), "%s/ex261122.log", folder);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	say("one");
	ck_assert_uint_eq(file.lost, 1);
	unlink(path);
	say("two");
	ck_assert_ptr_nonnull(strstr(content("ex261122.log"), "#Remark: 1 records were lost"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_file");
	TCase *tc = tcase_create("files");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, midnight_begins_a_file);
	tcase_add_test(tc, every_hour_has_its_file);
	tcase_add_test(tc, late_and_early_records);
	tcase_add_test(tc, no_record_opens_a_file_of_its_own_time);
	tcase_add_test(tc, clock_that_is_set_back);
	tcase_add_test(tc, restart_repeats_the_header);
	tcase_add_test(tc, files_by_size_are_numbered);
	tcase_add_test(tc, record_beyond_the_size);
	tcase_add_test(tc, torn_line_is_cut);
	tcase_add_test(tc, file_that_is_moved_or_removed);
	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, dropped_records_are_logged);
	tcase_add_test(tc, another_format_goes_to_another_file);
	tcase_add_test(tc, the_next_process_knows_what_was_written);
	tcase_add_test(tc, a_foreign_note_is_ignored);
	tcase_add_test(tc, folder_that_is_not_there);
	tcase_add_test(tc, link_in_the_place_of_the_file);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
