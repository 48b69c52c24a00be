#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "t/unit/suite.h"

/* Runs WRITE in a child with TARGET as descriptor 2. Returns its exit status. */
static int run_child(int target, void (*write_lines)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		dup2(target, STDERR_FILENO);
		write_lines();
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The output of WRITE in a file that is its descriptor 2. */
static void assert_file(void (*write_lines)(void), int exit_code, const char *expected)
{
	struct str text;
	str_init(&text, 10000);
	int fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_eq(run_child(fd, write_lines), exit_code);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	ck_assert_str_eq(str_text(&text), expected);
	str_free(&text);
	fd_close(&fd);
}

static void three_levels(void)
{
	log_open("mailroot-smtpd", NULL);
	log_error("e");
	log_warning("w=%d", 5);
	log_info("i");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not shown");
}

/* On a terminal a line has the time, and no priority number. */
START_TEST(lines_on_a_terminal_have_a_time)
{
	char line[200] = "";
	int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(ours, 0);
	ck_assert_int_eq(grantpt(ours) || unlockpt(ours), 0);
	int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(theirs, 0);
	ck_assert_int_eq(run_child(theirs, three_levels), 0);
	ck_assert_int_gt(read(ours, line, sizeof(line) - 1), 0);
	unsigned year, month, day, hour, minute, second;
	int end = 0;
	ck_assert_int_eq(sscanf(line, "%4u-%2u-%2u %2u:%2u:%2u %n", &year, &month, &day, &hour, &minute, &second, &end),
			 6);
	ck_assert_msg(strncmp(line + end, "mailroot-smtpd: e", 17) == 0, "%s", line);
	close(theirs);
	close(ours);
}
END_TEST

START_TEST(file_lines_have_a_priority)
{
	assert_file(three_levels, 0, "<3>mailroot-smtpd: e\n<4>mailroot-smtpd: w=5\n<6>mailroot-smtpd: i\n");
}
END_TEST

static void forged(void)
{
	log_open("p", "Default SMTP");
	log_info("from=<%s>", "a\r\n<3>p: root\x1b[2J\xff");
	log_fatal(EXIT_PERMANENT, "no %s", "more");
}

START_TEST(no_text_makes_a_second_line)
{
	assert_file(forged, 100,
		    "<6>p[Default SMTP]: from=<a\\x0d\\x0a<3>p: root\\x1b[2J\\xff>\n<3>p[Default SMTP]: no more\n");
}
END_TEST

static void long_lines(void)
{
	log_open("p", NULL);
	log_info("%05000d", 1);
	log_info("%s", "after");
}

START_TEST(long_lines_are_cut)
{
	char expected[2100];
	memset(expected, '0', sizeof(expected));
	memcpy(expected, "<6>p: ", 6);
	snprintf(expected + 1999, 100, "\n<6>p: after\n");
	assert_file(long_lines, 0, expected);
}
END_TEST

START_TEST(keeps_errno)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int saved = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	errno = ENOSPC;
	log_open("p", NULL);
	log_error("x");
	int after = errno;
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(after, ENOSPC);
	fd_close(&null);
	fd_close(&saved);
}
END_TEST

static void one_line(void)
{
	log_open("mailrootd", "s1");
	log_warning("hello");
}

START_TEST(datagrams_carry_the_facility_and_no_newline)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(run_child(pair[0], one_line), 0);
	char got[200] = {0};
	char tail[200] = {0};
	int pid = 0;
	ck_assert_int_gt(recv(pair[1], got, sizeof(got) - 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(sscanf(got, "<20>mailrootd/s1[%d]: %199[^\n]", &pid, tail), 2);
	ck_assert_int_gt(pid, 1);
	ck_assert_str_eq(tail, "hello");
	ck_assert_ptr_null(strchr(got, '\n'));
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

static void many_lines(void)
{
	alarm(20);
	log_open("p", NULL);
	for (int i = 0; i < 5000; i++)
		log_info("%01000d", i);
}

START_TEST(a_reader_that_stopped_does_not_stop_the_writer)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(run_child(fds[1], many_lines), 0);
	fd_close(&fds[0]);
	ck_assert_int_eq(run_child(fds[1], many_lines), 0);
	fd_close(&fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");
	tcase_add_test(tests, file_lines_have_a_priority);
	tcase_add_test(tests, lines_on_a_terminal_have_a_time);
	tcase_add_test(tests, no_text_makes_a_second_line);
	tcase_add_test(tests, long_lines_are_cut);
	tcase_add_test(tests, keeps_errno);
	tcase_add_test(tests, datagrams_carry_the_facility_and_no_newline);
	tcase_add_test(tests, a_reader_that_stopped_does_not_stop_the_writer);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
