/* How many workers a pool has: spare and busy ones, the surplus, deaths and replacements. */
#include <signal.h>
#include <sys/wait.h>

#include "common/process/pace.h"
#include "t/unit/prefork_fixture.h"

static int end_badly(void *context, size_t slot)
{
	(void)context;
	(void)slot;
	shared->started++;
	return 3;
}

static size_t busy(void)
{
	return in_state(SCOREBOARD_BUSY);
}

static size_t alive(void)
{
	return prefork_count(p);
}

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

int main(void)
{
	const TTest *const tests[] = {
		keeps_spare_ones_idle,
		grows_when_workers_turn_busy,
		never_more_than_max,
		killed_workers_are_replaced,
		a_busy_worker_that_is_killed_leaves_an_empty_slot,
		workers_that_did_their_jobs_are_replaced_without_throttle,
		early_deaths_throttle,
		wanted_number,
		surplus_retires_after_a_while,
		refused_preparation_forks_nothing,
		retiring_workers_are_not_counted,
		retiring_workers_die_no_early_death,
		a_stop_replaces_no_worker,
		other_children_are_not_reaped,
	};
	return run_tests("prefork", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
