#include "common/spool/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/str.h"
#include "t/unit/suite.h"

static struct str got;

static void take(void *context, struct span lines)
{
	(void)context;
	ck_assert(lines.len && lines.at[lines.len - 1] == '\n');
	ck_assert(str_append(&got, lines));
}

static int memory_file(struct span text)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text), 0);
	return fd;
}

static int read_all(int fd)
{
	str_free(&got);
	str_init(&got, 1 << 24);
	int err = journal_file_read(fd, take, NULL);
	close(fd);
	return err;
}

START_TEST(whole_lines_count)
{
	static const struct span text = SPAN("one\ntwo\nthree\n");
	ck_assert_int_eq(read_all(memory_file(text)), 0);
	ck_assert(span_equal(str_span(&got), text));
	ck_assert_int_eq(read_all(memory_file(SPAN("one\ntwo\nthr"))), 0);
	ck_assert(span_equal(str_span(&got), SPAN("one\ntwo\n")));
	ck_assert_int_eq(read_all(memory_file(SPAN(""))), 0);
	ck_assert_uint_eq(got.len, 0);
}
END_TEST

START_TEST(many_blocks_are_one_text)
{
	struct str text;
	str_init(&text, 1 << 24);
	for (int i = 0; i < 30000; i++)
		str_printf(&text, "line %d of them\n", i);
	ck_assert_int_eq(read_all(memory_file(str_span(&text))), 0);
	ck_assert(span_equal(str_span(&got), str_span(&text)));
	str_free(&text);
}
END_TEST

START_TEST(endless_line_is_none)
{
	struct str text;
	str_init(&text, 1 << 24);
	str_append_text(&text, "one\n");
	for (int i = 0; i < 200000; i++)
		str_append_c(&text, 'x');
	str_append_text(&text, "\ntwo\n");
	ck_assert_int_eq(read_all(memory_file(str_span(&text))), 0);
	ck_assert(span_equal(str_span(&got), SPAN("one\ntwo\n")));
	str_free(&text);
}
END_TEST

START_TEST(error_is_no_end)
{
	ck_assert_int_eq(read_all(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), -EISDIR);
	int fd = memory_file(SPAN("one\n"));
	ck_assert_int_eq(ftruncate(fd, JOURNAL_FILE_MAX + 1), 0);
	ck_assert_int_eq(read_all(fd), -EFBIG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal_file");
	TCase *all = tcase_create("journal_file");
	tcase_add_test(all, whole_lines_count);
	tcase_add_test(all, many_blocks_are_one_text);
	tcase_add_test(all, endless_line_is_none);
	tcase_add_test(all, error_is_no_end);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
