#include "ctl/userfile.h"

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
	strcpy(folder, "/tmp/test_userfile.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/users", folder);
}

static void teardown(void)
{
	unlink(file);
	ck_assert_int_eq(rmdir(folder), 0); /* no other file is left */
}

static void ck_edit(const char *text, const char *name, const char *line, size_t found, const char *wanted)
{
	struct str to;
	str_init(&to, 1000);
	ck_assert_uint_eq(userfile_edit(span_of(text), span_of(name), span_of(line), &to), found);
	ck_assert_str_eq(str_text(&to), wanted);
	str_free(&to);
}

START_TEST(one_account_changes)
{
	ck_edit("", "bob", "bob 1\n", 0, "bob 1\n");
	ck_edit("ann 1\n", "bob", "bob 1\n", 0, "ann 1\nbob 1\n");
	ck_edit("ann 1", "bob", "bob 1\n", 0, "ann 1\nbob 1\n");
	ck_edit("# bob\nbob 1\ncat 1\n", "bob", "bob 2\n", 1, "# bob\nbob 2\ncat 1\n");
	ck_edit("# bob\nbob 1\ncat 1\n", "bob", "", 1, "# bob\ncat 1\n");
	ck_edit("BOB 1\n\n bob\n\tboB 3\r\nbobby 1\n", "Bob", "bob 2\n", 3, "bob 2\n\nbobby 1\n");
	ck_edit("ann 1\nbob", "bob", "", 1, "ann 1\n");
	ck_edit("ann 1\nbob", "bob", "bob 2\n", 1, "ann 1\nbob 2\n");
	ck_edit("bo\nbobb 1\nb\n", "bob", "", 0, "bo\nbobb 1\nb\n");
	ck_edit("\n\n", "bob", "bob 1\n", 0, "\n\nbob 1\n");
}
END_TEST

START_TEST(octets_that_no_text_has)
{
	struct str to;
	str_init(&to, 1000);
	ck_assert_uint_eq(userfile_edit(SPAN("bob\0 1\n\0\n"), SPAN("bob"), SPAN("bob 1\n"), &to), 0);
	ck_assert(span_equal(str_span(&to), SPAN("bob\0 1\n\0\nbob 1\n")));
	str_free(&to);
}
END_TEST

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
	const struct userfile_change how = {.change = append, .context = (void *)line};
	return userfile_replace(file, &how);
}

static void ck_content(const char *wanted)
{
	struct str text;
	str_init(&text, 1 << 20);
	ck_assert_int_eq(userfile_read(file, &text), 0);
	ck_assert_str_eq(str_text(&text), wanted);
	str_free(&text);
}

START_TEST(file_is_made_and_replaced)
{
	struct stat before, after;
	struct str text;
	str_init(&text, 100);
	ck_assert_int_eq(userfile_read(file, &text), -ENOENT);
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
	const struct userfile_change no = {.change = refuse},
				     must = {.change = append, .context = (char[]){"x"}, .must_exist = true};
	struct stat before, after;
	ck_assert_int_eq(userfile_replace(file, &must), -ENOENT);
	ck_assert_int_eq(add("one\n"), 0);
	ck_assert_int_eq(stat(file, &before), 0);
	ck_assert_int_eq(userfile_replace(file, &no), 0);
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
	ck_assert_int_eq(userfile_read(file, &text), -ELOOP);
	unlink(file);
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	ck_assert_int_eq(add("x\n"), -EMEDIUMTYPE);
	ck_assert_int_eq(userfile_read(file, &text), -EMEDIUMTYPE);
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
	ck_assert_int_eq(userfile_read(file, &text), 0);
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

int main(void)
{
	Suite *suite = suite_create("ctl_userfile");
	TCase *tests = tcase_create("all");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, one_account_changes);
	tcase_add_test(tests, octets_that_no_text_has);
	tcase_add_test(tests, file_is_made_and_replaced);
	tcase_add_test(tests, an_unchanged_file_is_not_replaced);
	tcase_add_test(tests, links_and_other_things_are_refused);
	tcase_add_test(tests, no_change_is_lost);
	tcase_add_test(tests, a_holder_of_the_lock_is_waited_for);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
