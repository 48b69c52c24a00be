/* Slots: they are bounded, given in turn, and released when a process is killed. */
#include "smtpd/auth/semaphore.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

enum { PLACES = 3, FIRST = 100, CROWD = 12, ROUNDS = 20 };

static int fd;
static int told[2]; /* reports of children */

static void setup(void)
{
	fd = semaphore_new();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pipe(told), 0);
}

static void teardown(void)
{
	close(fd);
	close(told[0]);
	close(told[1]);
}

/* A process that takes one slot and keeps it until it is killed. */
static pid_t holder(void)
{
	char octet = 'x';
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		octet = semaphore_acquire(fd, FIRST, PLACES, 0) == SEMAPHORE_NONE ? 'n' : 'y';
		if (write(told[1], &octet, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(told[0], &octet, 1), 1);
	ck_assert_int_eq(octet, 'y');
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(test_as_many_as_there_are)
{
	pid_t holders[PLACES];
	for (int i = 0; i < PLACES; i++)
		holders[i] = holder();
	ck_assert_int_eq(semaphore_acquire(fd, FIRST, PLACES, 0), SEMAPHORE_NONE);
	int64_t other = semaphore_acquire(fd, FIRST + PLACES, 1, 0);
	ck_assert_int_eq(other, FIRST + PLACES);
	semaphore_release(fd, other);
	semaphore_release(fd, SEMAPHORE_NONE);
	end(holders[1]);
	int64_t place = semaphore_acquire(fd, FIRST, PLACES, 0);
	ck_assert(place >= FIRST && place < FIRST + PLACES);
	end(holders[0]);
	end(holders[2]);
}
END_TEST

START_TEST(test_deadline)
{
	pid_t holders[PLACES];
	for (int i = 0; i < PLACES; i++)
		holders[i] = holder();
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(semaphore_acquire(fd, FIRST, PLACES, 200), SEMAPHORE_NONE);
	ck_assert_int_ge(clock_mono_ms() - began, 200);
	for (int i = 0; i < PLACES; i++)
		end(holders[i]);
}
END_TEST

/* If a process is killed while it holds a slot, a waiting process gets the slot. */
START_TEST(test_killed_holder)
{
	pid_t holders[PLACES], killer = 0;
	for (int i = 0; i < PLACES; i++)
		holders[i] = holder();
	killer = fork();
	ck_assert_int_ge(killer, 0);
	if (!killer) {
		poll(NULL, 0, 100);
		for (int i = 0; i < PLACES; i++)
			kill(holders[i], SIGKILL);
		_exit(0);
	}
	ck_assert_int_ne(semaphore_acquire(fd, FIRST, PLACES, 20000), SEMAPHORE_NONE);
	waitpid(killer, NULL, 0);
	for (int i = 0; i < PLACES; i++)
		waitpid(holders[i], NULL, 0);
}
END_TEST

/* Many processes: each gets slots, and never more processes hold slots than there are. */
static void acquire_and_release(void)
{
	char in = 1, out = (char)-1;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t place = semaphore_acquire(fd, FIRST, PLACES, 60000);
		if (place == SEMAPHORE_NONE || write(told[1], &in, 1) != 1)
			_exit(1);
		poll(NULL, 0, 1);
		if (write(told[1], &out, 1) != 1)
			_exit(1);
		semaphore_release(fd, place);
	}
	_exit(0);
}

START_TEST(test_crowd)
{
	pid_t children[CROWD];
	int inside = 0, most = 0, status;
	signed char step;
	for (int i = 0; i < CROWD; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (!children[i])
			acquire_and_release();
	}
	for (int i = 0; i < CROWD * ROUNDS * 2; i++) {
		ck_assert_int_eq(read(told[0], &step, 1), 1);
		inside += step;
		most = inside > most ? inside : most;
		ck_assert(inside >= 0 && inside <= PLACES);
	}
	ck_assert_int_gt(most, 1);
	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_semaphore");
	TCase *tcase = tcase_create("semaphore");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_as_many_as_there_are);
	tcase_add_test(tcase, test_deadline);
	tcase_add_test(tcase, test_killed_holder);
	tcase_add_test(tcase, test_crowd);
	tcase_set_timeout(tcase, 100);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
