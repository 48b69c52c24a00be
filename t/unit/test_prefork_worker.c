/* What a worker has of its parent: signals, limits, descriptors, and its end. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "t/unit/prefork_fixture.h"

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
	const TTest *const tests[] = {
		workers_begin_with_clean_signals, workers_fork_nothing,
		workers_may_be_let_to_fork,       workers_keep_nothing_of_the_parent_but_the_bell,
		workers_die_with_their_parent,
	};
	return run_tests("prefork_worker", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
