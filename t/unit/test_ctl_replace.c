#include "ctl/replace.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

static char folder[64], file[128];

static void setup(void)
{
	strcpy(folder, "/tmp/test_replace.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/users", folder);
}

static void teardown(void)
{
	unlink(file);
	ck_assert_int_eq(rmdir(folder), 0); /* no other file is left */
}

static bool append(void *context, struct span text, struct str *to)
{
	str_append(to, text);
	str_append_text(to, context);
	return true;
}

static bool refuse(void *context, struct span text, struct str *to)
{
	(void)context;
	str_append(to, text);
	return false;
}

static int add(const char *line)
{
	const struct replace_how how = {.change = append, .context = (void *)line};
	return replace_file(file, &how);
}

static void ck_content(const char *wanted)
{
	struct str text;
	str_init(&text, 1 << 20);
	ck_assert_int_eq(replace_read(file, &text), 0);
	ck_assert_str_eq(str_text(&text), wanted);
	str_free(&text);
}

START_TEST(file_is_made_and_replaced)
{
	struct stat before, after;
	struct str text;
	str_init(&text, 100);
	ck_assert_int_eq(replace_read(file, &text), -ENOENT);
	ck_assert_int_eq(add("one\n"), 0);
	ck_assert_int_eq(stat(file, &before), 0);
	ck_assert_uint_eq(before.st_mode & 0777, 0600);
	int reader = open(file, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(add("two\n"), 0);
	ck_content("one\ntwo\n");
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert(before.st_ino != after.st_ino);
	ck_assert_int_eq(fd_read_all(reader, &text), 0); /* an open descriptor still reads the whole old file */
	ck_assert_str_eq(str_text(&text), "one\n");
	close(reader);
	str_free(&text);
}
END_TEST

START_TEST(an_unchanged_file_is_not_replaced)
{
	const struct replace_how no = {.change = refuse},
				 must = {.change = append, .context = (char[]){"x"}, .must_exist = true};
	struct stat before, after;
	ck_assert_int_eq(replace_file(file, &must), -ENOENT);
	ck_assert_int_eq(add("one\n"), 0);
	ck_assert_int_eq(stat(file, &before), 0);
	ck_assert_int_eq(replace_file(file, &no), 0);
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_content("one\n");
}
END_TEST

START_TEST(links_and_other_things_are_refused)
{
	char target[160];
	struct str text;
	str_init(&text, 100);
	snprintf(target, sizeof(target), "%s/target", folder);
	ck_assert_int_eq(symlink(target, file), 0); /* a dangling link creates no file either */
	ck_assert_int_eq(add("x\n"), -ELOOP);
	ck_assert_int_ne(access(target, F_OK), 0);
	ck_assert_int_eq(replace_read(file, &text), -ELOOP);
	unlink(file);
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	ck_assert_int_eq(add("x\n"), -EMEDIUMTYPE);
	ck_assert_int_eq(replace_read(file, &text), -EMEDIUMTYPE);
	str_free(&text);
}
END_TEST

/* A process that waited for the lock of a file that was replaced meanwhile changes the new file. */
START_TEST(no_change_is_lost)
{
	enum { PROCESSES = 8, CHANGES = 25 };
	struct str text;
	size_t lines = 0;
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid)
			continue;
		for (int k = 0; k < CHANGES; k++)
			if (add("line\n"))
				_exit(1);
		_exit(0);
	}
	for (int i = 0, status; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	str_init(&text, 1 << 20);
	ck_assert_int_eq(replace_read(file, &text), 0);
	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	ck_assert_uint_eq(lines, PROCESSES * CHANGES);
	str_free(&text);
}
END_TEST

START_TEST(a_holder_of_the_lock_is_waited_for)
{
	ck_assert_int_eq(add("one\n"), 0);
	int holder = open(file, O_RDONLY | O_CLOEXEC), status;
	ck_assert_int_eq(flock(holder, LOCK_EX), 0);
	pid_t pid = fork();
	if (!pid) {
		close(holder);
		_exit(add("two\n") != 0);
	}
	for (int i = 0; i < 20; i++) {
		usleep(10 * 1000);
		ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	}
	ck_content("one\n");
	close(holder);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_content("one\ntwo\n");
}
END_TEST

START_TEST(a_mode_can_be_kept)
{
	const struct replace_how how = {.change = append, .context = (char[]){"two\n"}, .keep_mode = true};
	struct stat after;
	ck_assert_int_eq(add("one\n"), 0);
	ck_assert_int_eq(chmod(file, 0640), 0);
	ck_assert_int_eq(replace_file(file, &how), 0);
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_uint_eq(after.st_mode & 0777, 0640);
	ck_content("one\ntwo\n");
	ck_assert_int_eq(add("three\n"), 0);
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_uint_eq(after.st_mode & 0777, 0600);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {file_is_made_and_replaced,          an_unchanged_file_is_not_replaced,
				      links_and_other_things_are_refused, no_change_is_lost,
				      a_holder_of_the_lock_is_waited_for, a_mode_can_be_kept};
	return run_tests("ctl_replace", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
