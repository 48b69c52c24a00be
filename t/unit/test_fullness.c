#include "common/ipc/fullness.h"
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

static const struct fullness_room small = {1000, 300, 200};

static bool unbound(const char *domain)
{
	const struct fullness_room room = fullness_of(reader, span_of(domain));
	return room.most == UINT64_MAX && room.now == UINT64_MAX && room.least == UINT64_MAX;
}

START_TEST(what_is_set_is_read)
{
	ck_assert(unbound("a.example"));
	fullness_set(writer, SPAN("a.example"), &small);
	fullness_set(writer, SPAN("b.example"), &small);
	const struct fullness_room room = fullness_of(reader, SPAN("A.Example"));
	ck_assert(room.most == 1000 && room.now == 300 && room.least == 200);
	ck_assert(!unbound("b.example"));
	ck_assert(unbound("example"));
	ck_assert(unbound(""));
	fullness_set(writer, SPAN("a.example"), &FULLNESS_UNBOUND);
	ck_assert(unbound("a.example"));
	ck_assert(!unbound("b.example"));
	fullness_clear(writer);
	ck_assert(unbound("b.example"));
}
END_TEST

START_TEST(a_spool_that_is_closed)
{
	ck_assert(!fullness_is_suspended(reader) && !fullness_is_suspended(NULL));
	fullness_suspend(writer, true);
	fullness_suspend(NULL, true);
	fullness_clear(writer);
	ck_assert(fullness_is_suspended(reader));
	fullness_suspend(writer, false);
	ck_assert(!fullness_is_suspended(reader));
}
END_TEST

START_TEST(more_than_fit_are_left_out)
{
	char name[32];
	for (int i = 0; i < FULLNESS_DOMAINS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		fullness_set(writer, span_of(name), &FULLNESS_UNBOUND); /* takes no place */
		fullness_set(writer, span_of(name), &small);
		ck_assert_int_eq(!unbound(name), i < FULLNESS_DOMAINS_MAX);
	}
	ck_assert(!unbound("d0.example"));
}
END_TEST

START_TEST(sizes_are_judged)
{
	const struct fullness_room unknown_room = {1000, 199, 200}, empty = {1000, UINT64_MAX, UINT64_MAX};
	ck_assert_int_eq(fullness_judge(&small, 1001), FULLNESS_NEVER);
	ck_assert_int_eq(fullness_judge(&small, 301), FULLNESS_FULL);
	ck_assert_int_eq(fullness_judge(&small, 300), FULLNESS_FITS);
	ck_assert_int_eq(fullness_judge(&small, 0), FULLNESS_FITS);
	ck_assert_int_eq(fullness_judge(&unknown_room, 0), FULLNESS_FULL);
	ck_assert_int_eq(fullness_judge(&empty, 1000), FULLNESS_FITS);
	ck_assert_int_eq(fullness_judge(&empty, 0), FULLNESS_FITS);
	ck_assert_int_eq(fullness_judge(&FULLNESS_UNBOUND, UINT64_MAX), FULLNESS_FITS);
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

START_TEST(without_a_page_nothing_is_full)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_ptr_null(fullness_map(null));
	ck_assert_ptr_null(fullness_map_writable(null));
	fullness_set(NULL, SPAN("a.example"), &small);
	fullness_clear(NULL);
	ck_assert(fullness_of(NULL, SPAN("a.example")).most == UINT64_MAX);
	close(null);
}
END_TEST

START_TEST(it_outlives_its_writer)
{
	pid_t pid = fork();
	if (pid == 0) {
		fullness_set(fullness_map_writable(write_fd), SPAN("a.example"), &small);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!unbound("a.example"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fullness");
	TCase *tc = tcase_create("fullness");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_set_is_read);
	tcase_add_test(tc, a_spool_that_is_closed);
	tcase_add_test(tc, more_than_fit_are_left_out);
	tcase_add_test(tc, sizes_are_judged);
	tcase_add_test(tc, a_reader_cannot_write);
	tcase_add_test(tc, without_a_page_nothing_is_full);
	tcase_add_test(tc, it_outlives_its_writer);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
