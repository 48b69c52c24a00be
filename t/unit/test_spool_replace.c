/* Reading and replacing the text of a message before its commit, with an error at each system call. */
#include "t/unit/spool_fixture.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "common/base/fd.h"

enum { BIG = 2 * SPOOL_BUFFER + 17, TEXT_MAX = 4 * SPOOL_BUFFER };

static char octets[TEXT_MAX];

static unsigned left;  /* so many of the calls below, then one fails; 0 = none */
static unsigned opens; /* calls of openat */

static bool fails(int error)
{
	if (left == 0 || --left > 0)
		return false;
	errno = error;
	return true;
}

int openat(int at, const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = va_arg(more, mode_t);
	va_end(more);
	opens++;
	return fails(EMFILE) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

ssize_t write(int fd, const void *from, size_t n)
{
	return fails(ENOSPC) ? -1 : syscall(SYS_write, fd, from, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	return fails(EIO) ? -1 : syscall(SYS_pread64, fd, to, n, at);
}

int flock(int fd, int operation)
{
	return fails(ENOLCK) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int fsync(int fd)
{
	return fails(EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	return fails(EDQUOT) ? -1 : (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return fails(EDQUOT) ? -1 : (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}

static size_t open_files(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void begin_test(int way)
{
	setup();
	choose_way(way);
	for (size_t i = 0; i < TEXT_MAX; i++)
		octets[i] = (char)(i * 31 % 127);
}

static void end_test(void)
{
	spool_file_free(&file);
	ck_assert_uint_eq(count(), 0);
	teardown();
}

/* A text that begins with MARK, so that two of one size differ. */
static struct span text_of(size_t size, char mark)
{
	if (size)
		octets[0] = mark;
	return (struct span){octets, size};
}

/* Reads the open message in pieces of PIECE; whether it is TEXT. */
static int compare(struct span text, size_t piece, bool *same)
{
	static char to[TEXT_MAX];
	uint64_t at = 0;
	size_t got = 1;
	*same = true;
	while (got) {
		int err = spool_read(&file, at, to, piece, &got);
		if (err)
			return err;
		struct span want = span_skip(text, at);
		*same = *same && got <= piece && got <= want.len && memcmp(to, want.at ? want.at : "", got) == 0;
		at += got;
	}
	*same = *same && at == text.len;
	return 0;
}

static void reads(struct span text, size_t piece)
{
	bool same;
	ck_assert_int_eq(compare(text, piece, &same), 0);
	ck_assert(same);
}

static void expect_committed(struct span text, bool eight_bit)
{
	struct msgname name;
	struct str found;
	ck_assert_int_eq(spool_commit(&file), 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert(msgname_parse(span_of(file.name), &name));
	ck_assert_str_eq(name.id, file.id);
	ck_assert_uint_eq(name.size, text.len);
	ck_assert(name.eight_bit == eight_bit);
	int fd = openat(spool.new_fd, file.name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(spool_lock(fd), -EWOULDBLOCK);
	str_init(&found, TEXT_MAX);
	ck_assert_int_eq(fd_read_all(fd, &found), 0);
	ck_assert(span_equal(str_span(&found), text));
	str_free(&found);
	close(fd);
	spool_unlink(&file);
	ck_assert_uint_eq(count(), 0);
}

static const size_t sizes[] = {0, 1, SPOOL_BUFFER - 1, SPOOL_BUFFER, SPOOL_BUFFER + 1, BIG};
enum { SIZES = 6 };

/* Each size of the first text with each of the second, taken and dropped. */
START_TEST(a_text_replaces_another)
{
	size_t first = sizes[_i % SIZES], second = sizes[_i / SIZES % SIZES];
	bool take = _i / SIZES / SIZES % 2;
	begin_test(_i / SIZES / SIZES / 2);
	size_t before = open_files();
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(first, 'a')), 0);
	reads(text_of(first, 'a'), 997);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	for (size_t at = 0; at < second; at += 1000) {
		struct span rest = span_skip(text_of(second, 'b'), at);
		ck_assert_int_eq(spool_write(&file, (struct span){rest.at, rest.len < 1000 ? rest.len : 1000}), 0);
		reads(text_of(first, 'a'), TEXT_MAX);
		octets[0] = 'b';
	}
	ck_assert_int_eq(spool_replace_end(&file, take), 0);
	ck_assert_uint_eq(open_files(), before + 1);
	size_t left_size = take ? second : first;
	reads(text_of(left_size, take ? 'b' : 'a'), 60000);
	expect_committed(text_of(left_size, take ? 'b' : 'a'), false);
	ck_assert_uint_eq(open_files(), before);
	end_test();
}
END_TEST

START_TEST(a_text_is_appended_after_a_replacement)
{
	begin_test(_i);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(10, 'a')), 0);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(SPOOL_BUFFER + 1, 'b')), 0);
	ck_assert_int_eq(spool_replace_end(&file, true), 0);
	ck_assert_int_eq(spool_write(&file, span_skip(text_of(BIG, 'b'), SPOOL_BUFFER + 1)), 0);
	expect_committed(text_of(BIG, 'b'), false);
	end_test();
}
END_TEST

/* The name tells of the text that is stored, whatever the others had. */
START_TEST(eight_bit_is_that_of_the_text)
{
	static const struct {
		const char *first, *second;
		bool take, eight_bit;
	} rows[] = {{"\x80", "~", true, false},
		    {"~", "\x80", true, true},
		    {"\x80", "~", false, true},
		    {"~", "\x80", false, false}};
	size_t padding = _i / 4 % 2 ? SPOOL_BUFFER : 0;
	begin_test(_i / 8);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, span_of(rows[_i % 4].first)), 0);
	ck_assert_int_eq(spool_write(&file, text_of(padding, 'a')), 0);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	ck_assert_int_eq(spool_write(&file, span_of(rows[_i % 4].second)), 0);
	ck_assert_int_eq(spool_write(&file, text_of(padding, 'a')), 0);
	ck_assert_int_eq(spool_replace_end(&file, rows[_i % 4].take), 0);
	ck_assert_int_eq(spool_commit(&file), 0);
	struct msgname name;
	ck_assert(msgname_parse(span_of(file.name), &name));
	ck_assert(name.eight_bit == rows[_i % 4].eight_bit);
	ck_assert_uint_eq(name.size, padding + 1);
	spool_unlink(&file);
	end_test();
}
END_TEST

/* What filters without edits cost, and those with edits of a small message: no file beside the first. */
START_TEST(a_small_message_has_one_file)
{
	begin_test(_i);
	opens = 0;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(SPOOL_BUFFER, 'a')), 0);
	for (char mark = 'b'; mark < 'f'; mark++) {
		ck_assert_int_eq(spool_replace_begin(&file), 0);
		ck_assert_int_eq(spool_write(&file, text_of(SPOOL_BUFFER, mark)), 0);
		ck_assert_int_eq(spool_replace_end(&file, mark % 2), 0);
	}
	ck_assert_uint_eq(opens, 1);
	expect_committed(text_of(SPOOL_BUFFER, 'e'), false);
	end_test();
}
END_TEST

/* A first text that is not replaced costs nothing when the second was never written to a file. */
START_TEST(a_dropped_small_text_has_no_file)
{
	begin_test(_i);
	opens = 0;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(BIG, 'a')), 0);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(SPOOL_BUFFER, 'b')), 0);
	ck_assert_int_eq(spool_replace_end(&file, false), 0);
	ck_assert_uint_eq(opens, 1);
	expect_committed(text_of(BIG, 'a'), false);
	end_test();
}
END_TEST

START_TEST(abort_removes_both_texts)
{
	begin_test(_i % 2);
	size_t before = open_files();
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(_i / 2 ? BIG : 10, 'a')), 0);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(BIG, 'b')), 0);
	ck_assert_uint_eq(count(), spool.unnamed ? 0 : 2);
	spool_abort(&file);
	ck_assert_uint_eq(count(), 0);
	ck_assert_uint_eq(open_files(), before);
	ck_assert_int_eq(spool_write(&file, SPAN("more")), -EBADF);
	ck_assert_int_eq(spool_commit(&file), -EBADF);
	end_test();
}
END_TEST

static int commit_half(void)
{
	return spool_commit(&file);
}

static int begin_twice(void)
{
	return spool_replace_begin(&file);
}

static int end_twice(void)
{
	int err = spool_replace_end(&file, true);
	return err ? err : spool_replace_end(&file, true);
}

/* A half edited message is never committed. */
START_TEST(wrong_order_leaves_nothing)
{
	static int (*const acts[])(void) = {commit_half, begin_twice, end_twice};
	size_t got;
	char octet;
	begin_test(_i / 3);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(BIG, 'a')), 0);
	ck_assert_int_eq(spool_replace_begin(&file), 0);
	ck_assert_int_eq(acts[_i % 3](), -EBADF);
	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(spool_read(&file, 0, &octet, 1, &got), -EBADF);
	ck_assert_int_eq(spool_replace_begin(&file), -EBADF);
	ck_assert_int_eq(spool_replace_end(&file, true), -EBADF);
	ck_assert_int_eq(spool_commit(&file), -EBADF);
	end_test();
}
END_TEST

/* Three texts, as of two filters that edit: FIRST, a bigger one, and a smaller one. */
static int edit_twice(size_t first)
{
	bool same;
	int err = spool_begin(&spool, NULL, &file);
	err = err ? err : spool_write(&file, text_of(first, 'a'));
	err = err ? err : spool_replace_begin(&file);
	err = err ? err : compare(text_of(first, 'a'), TEXT_MAX, &same);
	err = err ? err : spool_write(&file, text_of(BIG, 'b'));
	err = err ? err : spool_replace_end(&file, true);
	err = err ? err : spool_replace_begin(&file);
	err = err ? err : compare(text_of(BIG, 'b'), TEXT_MAX, &same);
	err = err ? err : spool_write(&file, text_of(100, 'c'));
	err = err ? err : spool_replace_end(&file, true);
	return err ? err : spool_commit(&file);
}

/* Each system call in turn fails. Nothing is left, no descriptor either, and the next message is accepted. */
START_TEST(an_error_leaves_nothing)
{
	size_t first = _i / 2 ? BIG : 10;
	unsigned failed = 0;
	begin_test(_i % 2);
	size_t before = open_files();
	for (unsigned nth = 1;; nth++) {
		left = nth;
		int err = edit_twice(first);
		if (left)
			break;
		ck_assert_int_lt(err, 0);
		failed++;
		spool_abort(&file); /* after an error of spool_read it is as it was before */
		ck_assert_uint_eq(count(), 0);
		ck_assert_uint_eq(open_files(), before);
		ck_assert(!file.replacing);
		ck_assert_int_eq(file.text.fd, -1);
	}
	left = 0;
	ck_assert_uint_ge(failed, 10);
	ck_assert_uint_eq(count(), 1);
	spool_unlink(&file);
	ck_assert_int_eq(edit_twice(first), 0);
	ck_assert_uint_eq(file.text.size, 100);
	spool_unlink(&file);
	end_test();
}
END_TEST

/* A failed read says nothing of the message: it can still be committed. */
START_TEST(a_failed_read_changes_nothing)
{
	char to[16];
	size_t got;
	begin_test(_i);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(BIG, 'a')), 0);
	left = 1;
	ck_assert_int_eq(spool_read(&file, 0, to, sizeof(to), &got), -EIO);
	ck_assert_int_eq(ftruncate(file.text.fd, 10), 0);
	ck_assert_int_eq(spool_read(&file, 10, to, sizeof(to), &got), -EIO);
	ck_assert_uint_eq(got, 0);
	spool_abort(&file);

	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, text_of(BIG, 'a')), 0);
	left = 1;
	ck_assert_int_eq(spool_read(&file, 0, to, sizeof(to), &got), -EIO);
	expect_committed(text_of(BIG, 'a'), false);
	end_test();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_replace");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, a_text_replaces_another, 0, SIZES * SIZES * 2 * 2);
	tcase_add_loop_test(all, a_text_is_appended_after_a_replacement, 0, 2);
	tcase_add_loop_test(all, eight_bit_is_that_of_the_text, 0, 16);
	tcase_add_loop_test(all, a_small_message_has_one_file, 0, 2);
	tcase_add_loop_test(all, a_dropped_small_text_has_no_file, 0, 2);
	tcase_add_loop_test(all, abort_removes_both_texts, 0, 4);
	tcase_add_loop_test(all, wrong_order_leaves_nothing, 0, 6);
	tcase_add_loop_test(all, an_error_leaves_nothing, 0, 4);
	tcase_add_loop_test(all, a_failed_read_changes_nothing, 0, 2);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
