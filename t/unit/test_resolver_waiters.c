/* Questions that wait: one of each process, a bounded number, and their deadlines. */
#include "delivery/resolver/waiters.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/ipc.h"
#include "t/unit/suite.h"

enum { MANY = 2, PATIENCE_MS = 60000 };

struct question {
	struct waiter waiter;
	char number;
};

static struct waiters waiters;
static char cancelled[16];

static void cancel(struct waiter *waiter)
{
	size_t n = strlen(cancelled);
	cancelled[n] = ((struct question *)waiter)->number;
	cancelled[n + 1] = '\0';
}

/* A socket that another process has made. */
static int foreign(void)
{
	int link[2], fd;
	char octet;
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_pair(link, 1000), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int ends[2];
		_exit(ipc_pair(ends, 1000) || ipc_send(link[1], SPAN("x"), &ends[1], 1));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(ipc_receive(link[0], &octet, 1, 0, &packet), 0);
	ck_assert_uint_eq(packet.fd_count, 1);
	fd = packet.fds[0];
	close(link[0]);
	close(link[1]);
	return fd;
}

/* Adds question NUMBER, which FD belongs to; false = there is no room. */
static bool add(char number, int fd)
{
	struct question *q = waiters_add(&waiters, sizeof(*q), &fd);
	ck_assert((fd < 0) == (q != NULL));
	if (!q) {
		close(fd);
		return false;
	}
	ck_assert_int_eq(q->number, 0);
	q->number = number;
	return true;
}

/* Adds question NUMBER of this process; the other end of its socket. */
static int add_own(char number)
{
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1000), 0);
	ck_assert(add(number, ends[1]));
	return ends[0];
}

START_TEST(one_of_each_process)
{
	char octet;
	waiters_init(&waiters, MANY, PATIENCE_MS, cancel);
	int first = add_own('1'), second = add_own('2');
	ck_assert_str_eq(cancelled, "1");
	ck_assert_uint_eq(waiters.count, 1);
	ck_assert_int_eq(recv(first, &octet, 1, MSG_DONTWAIT), 0);
	ck_assert(recv(second, &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	ck_assert(add('3', foreign()));
	ck_assert_str_eq(cancelled, "1");
	waiters_free(&waiters);
	ck_assert_str_eq(cancelled, "123");
	ck_assert_uint_eq(waiters.count, 0);
	ck_assert_int_eq(recv(second, &octet, 1, MSG_DONTWAIT), 0);
	close(first);
	close(second);
}
END_TEST

START_TEST(bounded)
{
	waiters_init(&waiters, MANY, PATIENCE_MS, cancel);
	int own = add_own('1');
	ck_assert(add('2', foreign()));
	ck_assert(!add('3', foreign()));
	ck_assert_str_eq(cancelled, "");
	/* The process that is displaced makes room. */
	close(own);
	own = add_own('4');
	ck_assert_str_eq(cancelled, "1");
	waiters_free(&waiters);
	close(own);
}
END_TEST

START_TEST(no_socket)
{
	int pipes[2];
	waiters_init(&waiters, MANY, PATIENCE_MS, cancel);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert(!add('1', pipes[0]));
	close(pipes[1]);
	ck_assert_int_eq(waiters_until(&waiters), -1);
}
END_TEST

START_TEST(deadlines)
{
	waiters_init(&waiters, MANY, PATIENCE_MS, cancel);
	ck_assert_ptr_null(waiters_overdue(&waiters));
	int own = add_own('1');
	ck_assert_ptr_null(waiters_overdue(&waiters));
	ck_assert_int_gt(waiters_until(&waiters), 0);
	ck_assert_int_le(waiters_until(&waiters), PATIENCE_MS);
	waiters.patience_ms = 0;
	ck_assert(add('2', foreign()));
	waiters_drop(&waiters, TAILQ_FIRST(&waiters.all));
	ck_assert_str_eq(cancelled, "1");
	ck_assert_int_eq(waiters_until(&waiters), 0);
	ck_assert_ptr_eq(waiters_overdue(&waiters), TAILQ_FIRST(&waiters.all));
	waiters_free(&waiters);
	close(own);
}
END_TEST

static void setup(void)
{
	cancelled[0] = '\0';
}

int main(void)
{
	const TTest *const tests[] = {one_of_each_process, bounded, no_socket, deadlines};
	return run_tests("resolver_waiters", tests, sizeof(tests) / sizeof(tests[0]), setup, NULL);
}
