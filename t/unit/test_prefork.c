#include "common/process/prefork.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "common/process/pace.h"
#include "t/unit/suite.h"

enum { MAX = 64, PATIENCE_MS = 20000, SURPLUS_MS = 1000 };

/* The orders to workers, and their reports. */
enum order { STAY_IDLE, TURN_BUSY, END_WELL };
struct shared {
	_Atomic enum order order[MAX];
	_Atomic int started;
	_Atomic int answer;
};

static struct shared *shared;
static struct prefork *p;
static struct {
	int prepared, forked, failed, gone;
	bool refuse;
	pid_t pids[MAX];
	int last_status;
} parent;

static bool prepare(void *context, size_t slot)
{
	ck_assert_ptr_eq(context, &parent);
	ck_assert(!prefork_alive(p, slot));
	parent.prepared++;
	return !parent.refuse;
}

static void forked(void *context, size_t slot, pid_t pid)
{
	(void)context;
	parent.pids[slot] = pid;
	parent.forked += pid > 0;
	parent.failed += pid < 0;
}

static void gone(void *context, size_t slot, int status)
{
	(void)context;
	ck_assert(!prefork_alive(p, slot));
	parent.gone++;
	parent.last_status = status;
	parent.pids[slot] = 0;
}

static int follow_orders(void *context, size_t slot)
{
	(void)context;
	shared->started++;
	for (enum order last = END_WELL;; usleep(1000)) {
		enum order order = shared->order[slot];
		if (order == END_WELL)
			return 0;
		if (order == STAY_IDLE && order != last)
			prefork_idle(p, slot);
		if (order == TURN_BUSY && order != last)
			prefork_busy(p, slot, SPAN("[192.0.2.7] DATA"));
		last = order;
	}
}

static int end_badly(void *context, size_t slot)
{
	(void)context;
	(void)slot;
	shared->started++;
	return 3;
}

static const struct prefork_ops obedient = {prepare, forked, follow_orders, gone, false};

static void setup(void)
{
	log_open("test", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	memset(&parent, 0, sizeof(parent));
	p = NULL;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void teardown(void)
{
	if (p)
		prefork_free(p);
	munmap(shared, sizeof(*shared));
}

static void start(const struct prefork_ops *ops, size_t spare, size_t max)
{
	p = prefork_new(ops, &parent, spare, max, SURPLUS_MS);
	ck_assert_ptr_nonnull(p);
}

static size_t in_state(enum scoreboard_state state)
{
	return scoreboard_count(prefork_scoreboard(p), MAX, state);
}

static size_t idle(void)
{
	return in_state(SCOREBOARD_IDLE);
}

static size_t busy(void)
{
	return in_state(SCOREBOARD_BUSY);
}

static size_t alive(void)
{
	return prefork_count(p);
}

static bool poked(int ms)
{
	struct pollfd fd = {.fd = prefork_fd(p), .events = POLLIN};
	return poll(&fd, 1, ms) > 0;
}

/* A round of the parent's loop as in programs, but with a short wait. */
static void tend_once(void)
{
	int wait = prefork_tend(p);
	poked(wait < 0 || wait > 5 ? 5 : wait);
}

#define TEND_UNTIL(condition)                                                                                          \
	for (int64_t end = clock_mono_ms() + PATIENCE_MS; !(condition); tend_once())                                   \
	ck_assert_msg(clock_mono_ms() < end, "never: " #condition)

#define WAIT_UNTIL(condition)                                                                                          \
	for (int64_t end = clock_mono_ms() + PATIENCE_MS; !(condition); usleep(1000))                                  \
	ck_assert_msg(clock_mono_ms() < end, "never: " #condition)

static void order_all(enum order order)
{
	for (size_t slot = 0; slot < MAX; slot++)
		shared->order[slot] = order;
}

START_TEST(keeps_spare_ones_idle)
{
	start(&obedient, 5, MAX);
	TEND_UNTIL(idle() == 5);
	ck_assert_uint_eq(alive(), 5);
	ck_assert_int_eq(parent.prepared, 5);
	ck_assert_int_eq(parent.forked, 5);
	ck_assert_int_eq(prefork_tend(p), -1);
	ck_assert_msg(!poked(20), "an idle pool wakes its parent");
	ck_assert_uint_eq(alive(), 5);
	for (size_t slot = 0; slot < 5; slot++)
		ck_assert(prefork_alive(p, slot));
	ck_assert(!prefork_alive(p, 5));
	ck_assert(!prefork_alive(p, SIZE_MAX));
}
END_TEST

START_TEST(grows_when_workers_turn_busy)
{
	struct scoreboard_entry entry;
	start(&obedient, 3, MAX);
	TEND_UNTIL(idle() == 3);
	shared->order[1] = TURN_BUSY;
	ck_assert_msg(poked(PATIENCE_MS), "no worker woke the parent");
	TEND_UNTIL(idle() >= 3 && alive() == idle() + 1);
	scoreboard_get(prefork_scoreboard(p), 1, &entry);
	ck_assert_str_eq(entry.doing, "[192.0.2.7] DATA");
	shared->order[1] = STAY_IDLE;
	TEND_UNTIL(idle() == alive());
	shared->order[0] = TURN_BUSY;
	WAIT_UNTIL(busy() == 1);
	ck_assert_msg(!poked(20), "a wake-up while enough are idle");
}
END_TEST

START_TEST(never_more_than_max)
{
	start(&obedient, 5, 20);
	order_all(TURN_BUSY);
	TEND_UNTIL(busy() == 20);
	prefork_tend(p);
	ck_assert_uint_eq(alive(), 20);
	ck_assert_int_eq(parent.forked, 20);
	ck_assert_uint_eq(prefork_max(p), 20);
	shared->order[7] = STAY_IDLE;
	TEND_UNTIL(idle() == 1);
	shared->order[7] = TURN_BUSY;
	TEND_UNTIL(busy() == 20);
	ck_assert_msg(!poked(20), "a full pool wakes its parent for nothing");
	prefork_resize(p, 5, 1000);
	ck_assert_uint_eq(prefork_max(p), 20);
}
END_TEST

START_TEST(killed_workers_are_replaced)
{
	start(&obedient, 4, MAX);
	TEND_UNTIL(idle() == 4);
	for (int round = 1; round < PACE_EARLY_ROW; round++) {
		size_t slot = (size_t)round % 4;
		ck_assert_int_eq(kill(parent.pids[slot], SIGKILL), 0);
		ck_assert(poked(PATIENCE_MS));
		TEND_UNTIL(parent.gone == round && idle() >= 4);
		ck_assert(WIFSIGNALED(parent.last_status) && WTERMSIG(parent.last_status) == SIGKILL);
	}
	ck_assert_uint_eq(in_state(SCOREBOARD_EMPTY), MAX - alive());
}
END_TEST

START_TEST(a_busy_worker_that_is_killed_leaves_an_empty_slot)
{
	start(&obedient, 2, MAX);
	shared->order[0] = TURN_BUSY;
	TEND_UNTIL(busy() == 1 && idle() >= 2 && alive() == idle() + 1);
	size_t others = idle();
	ck_assert_int_eq(kill(parent.pids[0], SIGKILL), 0);
	TEND_UNTIL(busy() == 0);
	ck_assert(!prefork_alive(p, 0));
	ck_assert_uint_eq(alive(), others);
}
END_TEST

START_TEST(workers_that_did_their_jobs_are_replaced_without_throttle)
{
	start(&obedient, 3, MAX);
	order_all(END_WELL);
	TEND_UNTIL(parent.gone >= 60);
	order_all(STAY_IDLE);
	TEND_UNTIL(idle() >= 3);
}
END_TEST

/* Throttled: the parent waits although workers are missing. */
static bool throttled(void)
{
	return prefork_tend(p) > 100 && alive() == 0;
}

START_TEST(early_deaths_throttle)
{
	static const struct prefork_ops ops = {prepare, forked, end_badly, gone, false};
	log_set_level((enum log_level)0);
	start(&ops, 5, MAX);
	TEND_UNTIL(throttled());
	ck_assert_int_ge(parent.forked, PACE_EARLY_ROW);
	ck_assert_int_le(parent.forked, 5 * PACE_EARLY_ROW);
	parent.forked = 0;
	for (int64_t end = clock_mono_ms() + 2500; clock_mono_ms() < end;)
		poked(prefork_tend(p));
	ck_assert_int_ge(parent.forked, 1);
	ck_assert_int_le(parent.forked, 3);
}
END_TEST

START_TEST(wanted_number)
{
	start(&obedient, 5, 40);
	prefork_want(p, 2);
	TEND_UNTIL(idle() == 2);
	ck_assert_int_eq(prefork_tend(p), -1);
	ck_assert_uint_eq(alive(), 2);
	order_all(TURN_BUSY);
	WAIT_UNTIL(busy() == 2);
	ck_assert_msg(!poked(20), "a wake-up although idle ones do not count");
	prefork_want(p, 35);
	TEND_UNTIL(busy() == 35);
	ck_assert_uint_eq(alive(), 35);
	prefork_want(p, 1000);
	TEND_UNTIL(busy() == 40);
	ck_assert_int_eq(prefork_tend(p), -1);
	ck_assert_uint_eq(alive(), 40);
}
END_TEST

START_TEST(surplus_retires_after_a_while)
{
	start(&obedient, 1, MAX);
	prefork_want(p, 9);
	TEND_UNTIL(idle() == 9);
	pid_t last = parent.pids[8];
	prefork_want(p, 0);
	ck_assert_int_eq(prefork_tend(p), 1000);
	int64_t began = clock_mono_ms();
	TEND_UNTIL(alive() == 8);
	ck_assert_int_ge(clock_mono_ms() - began, SURPLUS_MS - 100);
	ck_assert_int_eq(kill(last, 0), -1);
	ck_assert(WIFSIGNALED(parent.last_status) && WTERMSIG(parent.last_status) == SIGUSR1);
	TEND_UNTIL(alive() == 6);
	ck_assert_int_eq(prefork_tend(p), -1);
	ck_assert_uint_eq(idle(), 6);
}
END_TEST

START_TEST(refused_preparation_forks_nothing)
{
	start(&obedient, 3, MAX);
	parent.refuse = true;
	ck_assert_int_gt(prefork_tend(p), 0);
	ck_assert_uint_eq(alive(), 0);
	ck_assert_int_eq(parent.forked + parent.failed, 0);
	parent.refuse = false;
	TEND_UNTIL(idle() == 3);
}
END_TEST

static int be_deaf(void *context, size_t slot)
{
	signal(SIGUSR1, SIG_IGN);
	return follow_orders(context, slot);
}

START_TEST(retiring_workers_are_not_counted)
{
	static const struct prefork_ops ops = {prepare, forked, be_deaf, gone, false};
	start(&ops, 3, MAX);
	TEND_UNTIL(idle() == 3);
	prefork_signal(p, SIGUSR1);
	prefork_tend(p);
	ck_assert_int_eq(parent.forked, 6);
	ck_assert_uint_eq(alive(), 6);
	TEND_UNTIL(idle() == 6);
	ck_assert_int_eq(parent.forked, 6);
}
END_TEST

START_TEST(retiring_workers_die_no_early_death)
{
	start(&obedient, 3, MAX);
	for (int round = 1; round <= PACE_EARLY_ROW; round++) {
		TEND_UNTIL(idle() >= 3);
		prefork_signal(p, SIGUSR1);
		TEND_UNTIL(parent.gone >= 3 * round);
		ck_assert_int_ge(parent.forked, 3 * (round + 1));
	}
}
END_TEST

START_TEST(a_stop_replaces_no_worker)
{
	start(&obedient, 4, MAX);
	TEND_UNTIL(idle() == 4);
	prefork_resize(p, 0, 0);
	prefork_signal(p, SIGTERM);
	TEND_UNTIL(alive() == 0);
	ck_assert_int_eq(parent.forked, 4);
	ck_assert_int_eq(prefork_tend(p), -1);
}
END_TEST

/* A dead child that is not a worker is first among the dead: it is not reaped, the workers are. */
START_TEST(other_children_are_not_reaped)
{
	int status;
	siginfo_t info;
	pid_t other = fork();
	if (other == 0)
		_exit(42);
	ck_assert_int_eq(waitid(P_PID, (id_t)other, &info, WEXITED | WNOWAIT), 0);
	start(&obedient, 2, MAX);
	TEND_UNTIL(idle() == 2);
	kill(parent.pids[1], SIGKILL);
	TEND_UNTIL(parent.gone == 1);
	ck_assert_int_eq(waitpid(other, &status, WNOHANG), other);
	ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

static void ignore_it(int signo)
{
	(void)signo;
}

static int look_at_signals(void *context, size_t slot)
{
	sigset_t blocked;
	struct sigaction usr1, pipe;
	(void)context;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGPIPE, NULL, &pipe);
	bool clean = !sigismember(&blocked, SIGCHLD) && !sigismember(&blocked, SIGTERM) && usr1.sa_handler == SIG_DFL &&
		     pipe.sa_handler == SIG_IGN;
	shared->answer = clean ? 1 : 2;
	prefork_idle(p, slot);
	while (pause() != 0)
		;
	return 0;
}

START_TEST(workers_begin_with_clean_signals)
{
	static const struct prefork_ops ops = {NULL, NULL, look_at_signals, NULL, false};
	sigset_t term, before;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGUSR1, ignore_it);
	signal(SIGPIPE, SIG_IGN);
	start(&ops, 1, 1);
	TEND_UNTIL(idle() == 1);
	ck_assert_int_eq(shared->answer, 1);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
END_TEST

static int try_to_fork(void *context, size_t slot)
{
	struct rlimit processes = {1, 1};
	(void)context;
	(void)slot;
	getrlimit(RLIMIT_NPROC, &processes);
	shared->answer = processes.rlim_max == 0 && (geteuid() == 0 || fork() == -1) ? 1 : 2;
	return 0;
}

static int fork_once(void *context, size_t slot)
{
	(void)context;
	(void)slot;
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	int status = 0;
	bool good = pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7;
	shared->answer = good ? 1 : 2;
	return 0;
}

START_TEST(workers_may_be_let_to_fork)
{
	static const struct prefork_ops ops = {.work = fork_once, .may_fork = true};
	start(&ops, 1, 1);
	prefork_tend(p);
	ck_assert(poked(PATIENCE_MS));
	ck_assert_int_eq(shared->answer, 1);
}
END_TEST

START_TEST(workers_fork_nothing)
{
	static const struct prefork_ops ops = {NULL, NULL, try_to_fork, NULL, false};
	start(&ops, 1, 1);
	prefork_tend(p);
	ck_assert(poked(PATIENCE_MS));
	ck_assert_int_eq(shared->answer, 1);
}
END_TEST

static int count_descriptors(void *context, size_t slot)
{
	int open = 0;
	(void)context;
	(void)slot;
	for (int fd = 3; fd < 256; fd++)
		open += dup2(fd, fd) == fd;
	shared->answer = open + 1;
	return 0;
}

START_TEST(workers_keep_nothing_of_the_parent_but_the_bell)
{
	static const struct prefork_ops ops = {NULL, NULL, count_descriptors, NULL, false};
	int before = 0;
	for (int fd = 3; fd < 256; fd++)
		before += dup2(fd, fd) == fd;
	start(&ops, 1, 1);
	prefork_want(p, 1);
	prefork_tend(p);
	ck_assert(poked(PATIENCE_MS));
	ck_assert_int_eq(shared->answer - 1, before + 1);
}
END_TEST

/* A pool in a process of its own is killed: its workers end too. They hold the pipe open while they live. */
START_TEST(workers_die_with_their_parent)
{
	int ends[2];
	char octet;
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		start(&obedient, 6, MAX);
		TEND_UNTIL(idle() == 6);
		shared->answer = 1;
		for (;;)
			pause();
	}
	close(ends[1]);
	WAIT_UNTIL(shared->answer == 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	struct pollfd fd = {.fd = ends[0], .events = POLLIN};
	ck_assert_msg(poll(&fd, 1, PATIENCE_MS) == 1, "workers outlive their parent");
	ck_assert_int_eq(read(ends[0], &octet, 1), 0);
	close(ends[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prefork");
	TCase *tc = tcase_create("prefork");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keeps_spare_ones_idle);
	tcase_add_test(tc, grows_when_workers_turn_busy);
	tcase_add_test(tc, never_more_than_max);
	tcase_add_test(tc, killed_workers_are_replaced);
	tcase_add_test(tc, a_busy_worker_that_is_killed_leaves_an_empty_slot);
	tcase_add_test(tc, workers_that_did_their_jobs_are_replaced_without_throttle);
	tcase_add_test(tc, early_deaths_throttle);
	tcase_add_test(tc, wanted_number);
	tcase_add_test(tc, surplus_retires_after_a_while);
	tcase_add_test(tc, refused_preparation_forks_nothing);
	tcase_add_test(tc, retiring_workers_are_not_counted);
	tcase_add_test(tc, retiring_workers_die_no_early_death);
	tcase_add_test(tc, a_stop_replaces_no_worker);
	tcase_add_test(tc, other_children_are_not_reaped);
	tcase_add_test(tc, workers_begin_with_clean_signals);
	tcase_add_test(tc, workers_fork_nothing);
	tcase_add_test(tc, workers_may_be_let_to_fork);
	tcase_add_test(tc, workers_keep_nothing_of_the_parent_but_the_bell);
	tcase_add_test(tc, workers_die_with_their_parent);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
