#include "common/host/fullness.h"
#include "t/unit/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_fd, read_fd;
static struct fullness *writer;
static const struct fullness *reader;

static void setup(void)
{
	ck_assert_int_eq(fullness_create(&write_fd, &read_fd), 0);
	writer = fullness_map_writable(write_fd);
	reader = fullness_map(read_fd);
	ck_assert(writer && reader);
}

static void teardown(void)
{
	close(write_fd);
	close(read_fd);
}

START_TEST(what_is_set_is_read)
{
	ck_assert(!fullness_has(reader, SPAN("a.example")));
	fullness_set(writer, SPAN("a.example"), true);
	fullness_set(writer, SPAN("b.example"), true);
	ck_assert(fullness_has(reader, SPAN("A.Example")));
	ck_assert(fullness_has(reader, SPAN("b.example")));
	ck_assert(!fullness_has(reader, SPAN("example")));
	ck_assert(!fullness_has(reader, SPAN("")));
	fullness_set(writer, SPAN("a.example"), false);
	ck_assert(!fullness_has(reader, SPAN("a.example")));
	ck_assert(fullness_has(reader, SPAN("b.example")));
	fullness_clear(writer);
	ck_assert(!fullness_has(reader, SPAN("b.example")));
}
END_TEST

START_TEST(a_spool_that_is_shut)
{
	ck_assert(!fullness_is_shut(reader) && !fullness_is_shut(NULL));
	fullness_shut(writer, true);
	fullness_shut(NULL, true);
	fullness_clear(writer);
	ck_assert(fullness_is_shut(reader));
	fullness_shut(writer, false);
	ck_assert(!fullness_is_shut(reader));
}
END_TEST

START_TEST(more_than_fit_are_left_out)
{
	char name[32];
	for (int i = 0; i < FULLNESS_DOMAINS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		fullness_set(writer, span_of(name), false); /* takes no place */
		fullness_set(writer, span_of(name), true);
		ck_assert_int_eq(fullness_has(reader, span_of(name)), i < FULLNESS_DOMAINS_MAX);
	}
	ck_assert(fullness_has(reader, SPAN("d0.example")));
}
END_TEST

START_TEST(a_reader_cannot_write)
{
	ck_assert_ptr_null(fullness_map_writable(read_fd));
	ck_assert_int_ne(mprotect((void *)(uintptr_t)reader, 4096, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_ne(ftruncate(write_fd, 0), 0);
	ck_assert_int_ne(ftruncate(write_fd, 1 << 20), 0);
}
END_TEST

START_TEST(no_page_is_nothing_full)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_ptr_null(fullness_map(null));
	ck_assert_ptr_null(fullness_map_writable(null));
	fullness_set(NULL, SPAN("a.example"), true);
	fullness_clear(NULL);
	ck_assert(!fullness_has(NULL, SPAN("a.example")));
	close(null);
}
END_TEST

START_TEST(it_outlives_its_writer)
{
	pid_t pid = fork();
	if (pid == 0) {
		fullness_set(fullness_map_writable(write_fd), SPAN("a.example"), true);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(fullness_has(reader, SPAN("a.example")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fullness");
	TCase *tc = tcase_create("fullness");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_set_is_read);
	tcase_add_test(tc, a_spool_that_is_shut);
	tcase_add_test(tc, more_than_fit_are_left_out);
	tcase_add_test(tc, a_reader_cannot_write);
	tcase_add_test(tc, no_page_is_nothing_full);
	tcase_add_test(tc, it_outlives_its_writer);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
