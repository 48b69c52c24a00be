#include "common/ipc/counters.h"
#include "common/ipc/page.h"
#include "t/unit/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, ADDS = 50000 };

static int write_fd, read_fd, null_fd;
static const struct counters *reader;

static void setup(void)
{
	ck_assert_int_eq(counters_create(&write_fd, &read_fd), 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	counters_map(write_fd);
	reader = counters_map_read(read_fd);
	ck_assert_ptr_nonnull(reader);
}

static void teardown(void)
{
	counters_map(null_fd);
	counters_unmap(reader);
	close(write_fd);
	close(read_fd);
	close(null_fd);
}

START_TEST(each_counter_is_a_word_of_its_own)
{
	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		count_by(i, 1000 + i);
	count(0);
	ck_assert_uint_eq(counters_value(reader, 0), 1001);
	for (enum counter i = 1; i < COUNTER_COUNT; i++)
		ck_assert_uint_eq(counters_value(reader, i), 1000 + i);
	for (enum histogram i = 0; i < HISTOGRAM_COUNT; i++)
		ck_assert_uint_eq(counters_sum_ms(reader, i), 0);
}
END_TEST

static const struct {
	int64_t ms;
	unsigned bucket;
} times[] = {{-5, 0},
	     {0, 0},
	     {100, 0},
	     {101, 1},
	     {60000, 5},
	     {60001, 6},
	     {86400000, 11},
	     {86400001, COUNTERS_BOUNDS},
	     {INT64_MAX / 16, COUNTERS_BOUNDS}};

START_TEST(a_time_goes_into_its_bucket)
{
	count_time(HISTOGRAM_FINAL, times[_i].ms);
	for (unsigned at = 0; at <= COUNTERS_BOUNDS; at++) {
		ck_assert_uint_eq(counters_bucket(reader, HISTOGRAM_FINAL, at), at == times[_i].bucket);
		ck_assert_uint_eq(counters_bucket(reader, HISTOGRAM_TLS_IN, at), 0);
	}
	ck_assert_uint_eq(counters_sum_ms(reader, HISTOGRAM_FINAL), times[_i].ms > 0 ? (uint64_t)times[_i].ms : 0);
}
END_TEST

START_TEST(processes_that_add_at_once_lose_nothing)
{
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (int n = 0; n < ADDS; n++) {
			count(COUNTER_SENT);
			count_by(COUNTER_SENT_OCTETS, 3);
			count_time(HISTOGRAM_FINAL, 7);
		}
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		wait(&status);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(counters_value(reader, COUNTER_SENT), PROCESSES * ADDS);
	ck_assert_uint_eq(counters_value(reader, COUNTER_SENT_OCTETS), 3 * PROCESSES * ADDS);
	ck_assert_uint_eq(counters_bucket(reader, HISTOGRAM_FINAL, 0), PROCESSES * ADDS);
	ck_assert_uint_eq(counters_sum_ms(reader, HISTOGRAM_FINAL), 7 * PROCESSES * ADDS);
}
END_TEST

START_TEST(without_a_page_nothing_is_counted)
{
	counters_map(null_fd);
	count(COUNTER_SENT);
	count_time(HISTOGRAM_FINAL, 1);
	counters_count(null_fd, COUNTER_SENT);
	counters_count(-1, COUNTER_SENT);
	ck_assert_uint_eq(counters_value(reader, COUNTER_SENT), 0);
	ck_assert_ptr_null(counters_map_read(null_fd));
	ck_assert_ptr_null(counters_map_read(-1));
	ck_assert(!counters_fit(null_fd));
	counters_unmap(NULL);
}
END_TEST

START_TEST(a_reader_cannot_write)
{
	counters_map(read_fd);
	count(COUNTER_SENT);
	counters_count(read_fd, COUNTER_SENT);
	ck_assert_uint_eq(counters_value(reader, COUNTER_SENT), 0);
	ck_assert_int_ne(mprotect((void *)(uintptr_t)reader, 4096, PROT_READ | PROT_WRITE), 0);
	ck_assert(counters_fit(read_fd));
}
END_TEST

START_TEST(master_counts_by_descriptor)
{
	counters_count(write_fd, COUNTER_RESTART_QUEUE);
	counters_count(write_fd, COUNTER_RESTART_QUEUE);
	ck_assert_uint_eq(counters_value(reader, COUNTER_RESTART_QUEUE), 2);
}
END_TEST

/* The page of another version: one of another size, or of another list. */
START_TEST(a_foreign_page_is_not_read)
{
	int other_write, other_read;
	uint64_t head = 0;
	off_t size = lseek(write_fd, 0, SEEK_END);
	ck_assert_int_eq(page_create("other", (size_t)(_i ? size : size + 8), &other_write, &other_read), 0);
	ck_assert_int_eq(pread(write_fd, &head, sizeof(head), 0), sizeof(head));
	ck_assert_uint_ne(head, 0);
	head += _i ? 1 : 0;
	ck_assert_int_eq(pwrite(other_write, &head, sizeof(head), 0), sizeof(head));
	ck_assert(!counters_fit(other_read));
	ck_assert_ptr_null(counters_map_read(other_read));
	counters_map(other_write);
	count(COUNTER_SENT);
	uint64_t word = 0;
	for (off_t at = sizeof(head); pread(other_read, &word, sizeof(word), at) == sizeof(word); at += 8)
		ck_assert_uint_eq(word, 0);
	close(other_write);
	close(other_read);
}
END_TEST

static bool is_sorted(enum histogram histogram)
{
	bool sorted = true;
	for (unsigned at = 1; at < COUNTERS_BOUNDS; at++)
		sorted = sorted && counters_bound_ms(histogram, at - 1) < counters_bound_ms(histogram, at);
	return sorted && counters_bound_ms(histogram, 0) > 0;
}

/* The counters of a family stand together, and no two have the same labels: Prometheus refuses anything else. */
START_TEST(the_list_is_in_order)
{
	for (enum counter i = 1; i < COUNTER_COUNT; i++) {
		ck_assert_int_ge((int)counters_family(i), (int)counters_family(i - 1));
		for (enum counter j = 0; j < i; j++)
			ck_assert(counters_family(i) != counters_family(j) ||
				  strcmp(counters_labels(i), counters_labels(j)) != 0);
	}
	for (enum counter_family i = 0; i < FAMILY_COUNT; i++) {
		ck_assert_int_eq(strncmp(counters_family_name(i), "mailroot_", 9), 0);
		ck_assert_ptr_nonnull(strrchr(counters_family_help(i), '.'));
		for (enum counter_family j = 0; j < i; j++)
			ck_assert_str_ne(counters_family_name(i), counters_family_name(j));
	}
	for (enum histogram i = 0; i < HISTOGRAM_COUNT; i++) {
		ck_assert(is_sorted(i));
		ck_assert_ptr_nonnull(strstr(counters_family_name(counters_histogram_family(i)), "_seconds"));
		ck_assert_ptr_nonnull(counters_histogram_labels(i));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counters");
	TCase *tc = tcase_create("counters");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_counter_is_a_word_of_its_own);
	tcase_add_loop_test(tc, a_time_goes_into_its_bucket, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tc, processes_that_add_at_once_lose_nothing);
	tcase_add_test(tc, without_a_page_nothing_is_counted);
	tcase_add_test(tc, a_reader_cannot_write);
	tcase_add_test(tc, master_counts_by_descriptor);
	tcase_add_loop_test(tc, a_foreign_page_is_not_read, 0, 2);
	tcase_add_test(tc, the_list_is_in_order);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
