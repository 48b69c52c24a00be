#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

START_TEST(close_forgets_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int copy = fd;
	errno = ENOSPC;
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
	fd_close(&fd);
}
END_TEST

static int file_of(struct span text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, text), 0);
	return fd;
}

static void put(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
	close(fd);
}

START_TEST(renames_to_a_new_name_only)
{
	char path[] = "/tmp/test_fd-XXXXXX", found[4] = "";
	ck_assert_ptr_nonnull(mkdtemp(path));
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(folder, "a", "one");
	put(folder, "b", "two");
	ck_assert_int_eq(fd_rename_new(folder, "a", folder, "b"), -EEXIST);
	ck_assert_int_eq(fd_rename_new(folder, "c", folder, "d"), -ENOENT);
	ck_assert_int_eq(fd_rename_new(folder, "a", folder, "c"), 0);
	int fd = openat(folder, "c", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, found, 3), 3);
	ck_assert_str_eq(found, "one");
	ck_assert_int_eq(faccessat(folder, "a", F_OK, 0), -1);
	close(fd);
	unlinkat(folder, "b", 0);
	unlinkat(folder, "c", 0);
	close(folder);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(copies_a_part)
{
	int from = file_of(SPAN("head, body")), to = file_of(SPAN("new: ")), want = file_of(SPAN("new: body"));
	ck_assert_int_eq(fd_copy(from, 6, 10, to), 0);
	ck_assert(fd_same(to, want));
	ck_assert_int_eq(fd_copy(from, 6, 6, to), 0);
	ck_assert(fd_same(to, want));
	ck_assert_int_eq(fd_copy(from, 6, 11, to), -EIO);
	ck_assert_int_eq(fd_copy(-1, 0, 1, to), -EBADF);
	fd_close(&from);
	fd_close(&to);
	fd_close(&want);
}
END_TEST

START_TEST(compares_whole_files)
{
	char text[70000];
	memset(text, 'x', sizeof(text));
	int whole = file_of((struct span){text, sizeof(text)}), again = file_of((struct span){text, sizeof(text)});
	int shorter = file_of((struct span){text, sizeof(text) - 1}), empty = file_of((struct span){text, 0});
	text[sizeof(text) - 1] = 'y';
	int other = file_of((struct span){text, sizeof(text)});
	ck_assert(fd_same(whole, again));
	ck_assert(fd_same(empty, empty));
	ck_assert(!fd_same(whole, shorter));
	ck_assert(!fd_same(shorter, whole));
	ck_assert(!fd_same(whole, other));
	ck_assert(!fd_same(empty, whole));
	ck_assert(!fd_same(whole, -1));
	ck_assert(!fd_same(-1, -1));
	int *const all[] = {&whole, &again, &shorter, &empty, &other};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		fd_close(all[i]);
}
END_TEST

START_TEST(sets_flags)
{
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fd_set_nonblock(fds[0], true), 0);
	ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(fd_set_nonblock(fds[0], false), 0);
	ck_assert(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	ck_assert_int_eq(fd_set_nonblock(-1, true), -EBADF);
}
END_TEST

START_TEST(reads_back_what_was_written)
{
	char text[100000];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	struct span whole = {text, sizeof(text)};
	int fd = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, whole), 0);
	ck_assert_int_eq(lseek(fd, 3, SEEK_SET), 3);
	struct str to;
	str_init(&to, sizeof(text) - 3);
	ck_assert_int_eq(fd_read_all(fd, &to), 0);
	ck_assert(span_equal(str_span(&to), span_skip(whole, 3)));
	ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
	str_clear(&to);
	ck_assert_int_eq(fd_read_all(fd, &to), -EFBIG);
	str_free(&to);
	fd_close(&fd);
}
END_TEST

START_TEST(reports_errors)
{
	struct str to;
	str_init(&to, 10);
	ck_assert_int_eq(fd_read_all(-1, &to), -EBADF);
	ck_assert_int_eq(fd_write_all(-1, SPAN("a")), -EBADF);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(fd_write_all(full, SPAN("a")), -ENOSPC);
	fd_close(&full);
	str_free(&to);
}
END_TEST

START_TEST(sealed_memory_can_not_change)
{
	int fd = fd_sealed("test", SPAN("abc"));
	ck_assert_int_ge(fd, 0);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 10), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	struct str to;
	str_init(&to, 3);
	ck_assert_int_eq(fd_read_all(fd, &to), 0);
	ck_assert_str_eq(str_text(&to), "abc");
	str_free(&to);
	fd_close(&fd);
}
END_TEST

START_TEST(random_fills_everything)
{
	unsigned char seen[1000] = {0};
	for (int round = 0; round < 20; round++) {
		unsigned char got[1001] = {0};
		fd_random(got, 1000);
		ck_assert_uint_eq(got[1000], 0);
		for (size_t i = 0; i < 1000; i++)
			seen[i] |= got[i];
	}
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_ne(seen[i], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tests = tcase_create("fd");
	tcase_add_test(tests, close_forgets_and_keeps_errno);
	tcase_add_test(tests, copies_a_part);
	tcase_add_test(tests, compares_whole_files);
	tcase_add_test(tests, sets_flags);
	tcase_add_test(tests, reads_back_what_was_written);
	tcase_add_test(tests, reports_errors);
	tcase_add_test(tests, sealed_memory_can_not_change);
	tcase_add_test(tests, random_fills_everything);
	tcase_add_test(tests, renames_to_a_new_name_only);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
