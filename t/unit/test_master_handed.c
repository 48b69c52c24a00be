/* Sockets of a socket unit: which are taken, and that nothing closes them. */
#include "master/handed.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/net.h"
#include "master/listeners.h"
#include "t/unit/suite.h"

static struct ipaddr address;
static uint16_t port;

/* Init hands sockets over as descriptors from 3 on, so each test is a process of its own. */
static void require(bool good, int line)
{
	if (!good)
		_exit(line & 0xff ? line & 0xff : 255);
}
#define REQUIRE(condition) require((condition), __LINE__)

static void in_a_process(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		test();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "status %#x: line %d of the test, modulo 256", (unsigned)status,
		      WEXITSTATUS(status));
}

static int listener_at(const char *ip)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct config_endpoint where = {0};

	REQUIRE(ipaddr_parse(span_of(ip), &where.ip));
	int fd = net_listen(&where, !ipaddr_is_v4(&where.ip), false);
	REQUIRE(fd >= 0 && getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	net_address(&name, &address, &port);
	return fd;
}

/* FDS become 3 and so on, and the environment names them. */
static void hand_over(const int *fds, int n, const char *names)
{
	char pid[16], count[16];
	int high[8];

	for (int i = 0; i < n; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 100);
	for (int i = 0; i < n; i++) {
		REQUIRE(dup2(high[i], 3 + i) == 3 + i);
		close(high[i]);
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(count, sizeof(count), "%d", n);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	handed_open();
}

static void take_and_close(void)
{
	const int fd = listener_at("127.0.0.1");

	hand_over(&fd, 1, "smtp");
	REQUIRE(handed_any() && handed_has(&address, port));
	REQUIRE(!handed_has(&address, (uint16_t)(port + 1)));
	REQUIRE(handed_take(&address, (uint16_t)(port + 1)) == -ENOENT);
	int taken = handed_take(&address, port);
	REQUIRE(taken > 3);
	REQUIRE(fcntl(taken, F_GETFD) == FD_CLOEXEC && fcntl(taken, F_GETFL) & O_NONBLOCK);
	REQUIRE(fcntl(3, F_GETFD) == 0);
	close(taken);
	taken = handed_take(&address, port);
	REQUIRE(taken > 3);
}

START_TEST(a_socket_may_be_taken_again)
{
	in_a_process(take_and_close);
}
END_TEST

static void serve_from_it(void)
{
	static struct listeners_all all;
	static struct listeners listeners;
	const int fd = listener_at("127.0.0.1");
	struct config_endpoint where = {.ip = address, .port = port, .text = "127.0.0.1"};
	const struct config_endpoints wanted = {.at = &where, .n = 1};
	char why[600];

	hand_over(&fd, 1, "smtp");
	REQUIRE(listeners_init(&listeners, &all));
	for (int round = 0; round < 2; round++) {
		REQUIRE(listeners_open(&listeners, &wanted, false, why, sizeof(why)));
		int client = net_connect_from(NULL, &address, port, 5000);
		REQUIRE(client >= 0);
		int served = accept(listeners.fds[0], NULL, NULL);
		REQUIRE(served >= 0);
		close(served);
		close(client);
		listeners_close(&listeners);
	}
	int client = net_connect_from(NULL, &address, port, 5000); /* waits for the next start */
	REQUIRE(client >= 0);
	listeners_free(&listeners);
}

START_TEST(a_server_that_closes_it_leaves_it_open)
{
	in_a_process(serve_from_it);
}
END_TEST

static void refuse_others(void)
{
	const int on = 0;
	int fds[4], pair[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fds[0] = pair[0];
	fds[1] = socket(AF_INET, SOCK_STREAM, 0); /* does not listen */
	fds[2] = socket(AF_INET6, SOCK_STREAM, 0);
	if (fds[2] >= 0)
		setsockopt(fds[2], IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fds[2] < 0 || listen(fds[2], 1) != 0)
		fds[2] = pair[1];
	fds[3] = listener_at("127.0.0.1");
	hand_over(fds, 4, "a:b:c");
	REQUIRE(handed_has(&address, port));
	for (int i = 3; i < 6; i++) {
		struct sockaddr_storage name;
		socklen_t len = sizeof(name);
		struct ipaddr ip;
		uint16_t at;
		REQUIRE(getsockname(i, (struct sockaddr *)&name, &len) == 0); /* it is left open */
		if (name.ss_family == AF_UNIX)
			continue;
		net_address(&name, &ip, &at);
		REQUIRE(!handed_has(&ip, at));
	}
	handed_report_idle();
}

START_TEST(what_is_no_listener_of_one_family_is_left_alone)
{
	in_a_process(refuse_others);
}
END_TEST

static void for_another(void)
{
	const int fd = listener_at("127.0.0.1");

	hand_over(&fd, 1, "smtp");
	setenv("LISTEN_PID", "1", 1);
	handed_open();
	REQUIRE(!handed_has(&address, port) && !handed_any());
	unsetenv("LISTEN_PID");
	handed_open();
	REQUIRE(!handed_has(&address, port));
	hand_over(&fd, 1, "smtp");
	REQUIRE(handed_has(&address, port));
	setenv("LISTEN_FDS", "513", 1);
	handed_open();
	REQUIRE(!handed_has(&address, port));
}

START_TEST(what_is_for_another_process_is_left_alone)
{
	in_a_process(for_another);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handed");
	TCase *tc = tcase_create("handed");
	tcase_add_test(tc, a_socket_may_be_taken_again);
	tcase_add_test(tc, a_server_that_closes_it_leaves_it_open);
	tcase_add_test(tc, what_is_no_listener_of_one_family_is_left_alone);
	tcase_add_test(tc, what_is_for_another_process_is_left_alone);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
