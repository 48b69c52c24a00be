#include "common/net/net.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

static struct config_endpoint endpoint(const char *ip, uint16_t port)
{
	struct config_endpoint where = {.any = !ip, .port = port};
	if (ip)
		ck_assert(ipaddr_parse(span_of(ip), &where.ip));
	return where;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct ipaddr ip;
	uint16_t port;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	return port;
}

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static bool option_on(int fd, int level, int name)
{
	return option(fd, level, name) != 0;
}

static int accept_one(int listener, struct sockaddr_storage *from)
{
	struct pollfd ready = {.fd = listener, .events = POLLIN};
	socklen_t len = sizeof(*from);
	ck_assert_int_eq(poll(&ready, 1, 10000), 1);
	return accept4(listener, (struct sockaddr *)from, &len, SOCK_CLOEXEC);
}

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

/* A machine without IPv6 does not fail the test. */
static int listen_at(const char *ip, uint16_t port, bool v6)
{
	struct config_endpoint where = endpoint(ip, port);
	return net_listen(&where, v6, false);
}

START_TEST(listen_and_connect)
{
	struct config_endpoint where = endpoint(loopbacks[_i], 0);
	struct sockaddr_storage from;
	struct ipaddr ip;
	uint16_t port;
	int listener = net_listen(&where, false, false);
	if (listener == -EAFNOSUPPORT || listener == -EADDRNOTAVAIL)
		return;
	ck_assert_int_ge(listener, 0);
	ck_assert(fcntl(listener, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(accept4(listener, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);

	int client = net_connect_from(NULL, &where.ip, port_of(listener), 10000);
	ck_assert_int_ge(client, 0);
	ck_assert(!(fcntl(client, F_GETFL) & O_NONBLOCK));
	ck_assert(fcntl(client, F_GETFD) & FD_CLOEXEC);
	ck_assert(option_on(client, SOL_SOCKET, SO_KEEPALIVE));
	ck_assert_int_eq(option(client, IPPROTO_TCP, TCP_USER_TIMEOUT), NET_GONE_MS);
	ck_assert_int_eq(option(client, IPPROTO_TCP, TCP_KEEPIDLE) +
				 option(client, IPPROTO_TCP, TCP_KEEPCNT) * option(client, IPPROTO_TCP, TCP_KEEPINTVL),
			 NET_GONE_MS / 1000);
	int served = accept_one(listener, &from);
	ck_assert_int_ge(served, 0);
	ck_assert(option_on(served, IPPROTO_TCP, TCP_NODELAY));
	net_address(&from, &ip, &port);
	ck_assert(ipaddr_equal(&ip, &where.ip));
	ck_assert_uint_eq(port, port_of(client));
	close(served);
	close(client);
	close(listener);
}
END_TEST

START_TEST(both_families_side_by_side)
{
	int v4 = listen_at(NULL, 0, false);
	ck_assert_int_ge(v4, 0);
	int v6 = listen_at(NULL, port_of(v4), true);
	if (v6 != -EAFNOSUPPORT) {
		ck_assert_int_ge(v6, 0);
		ck_assert(option_on(v6, IPPROTO_IPV6, IPV6_V6ONLY));
		close(v6);
	}
	close(v4);
}
END_TEST

START_TEST(port_in_use)
{
	int first = listen_at("127.0.0.1", 0, false);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(listen_at("127.0.0.1", port_of(first), false), -EADDRINUSE);
	close(first);
	ck_assert_int_eq(listen_at("192.0.2.1", 0, false), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(refused)
{
	struct config_endpoint where = endpoint("127.0.0.1", 0);
	int listener = net_listen(&where, false, false);
	ck_assert_int_ge(listener, 0);
	uint16_t port = port_of(listener);
	close(listener);
	ck_assert_int_eq(net_connect_from(NULL, &where.ip, port, INT64_MAX), -ECONNREFUSED);
}
END_TEST

/* The kernel drops SYNs to a listener whose queue is full, so it is a host that does not answer. */
START_TEST(no_answer)
{
	struct config_endpoint where = endpoint("127.0.0.1", 0);
	int listener = net_listen(&where, false, false), waiting[8], err = 0;
	size_t n = 0;
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	int64_t start = clock_mono_ms();
	while (n < 8 && err >= 0) {
		start = clock_mono_ms();
		err = net_connect_from(NULL, &where.ip, port_of(listener), 300);
		if (err >= 0)
			waiting[n++] = err;
	}
	ck_assert_int_eq(err, -ETIMEDOUT);
	ck_assert_int_ge(clock_mono_ms() - start, 300);
	ck_assert_int_lt(clock_mono_ms() - start, 10000);
	ck_assert_int_eq(net_connect_from(NULL, &where.ip, port_of(listener), 0), -ETIMEDOUT);
	while (n)
		close(waiting[--n]);
	close(listener);
}
END_TEST

static const struct {
	const char *ip;
	uint16_t port;
	const char *text;
} texts[] = {
	{"192.0.2.1", 25, "192.0.2.1:25"},
	{"::ffff:192.0.2.1", 65535, "192.0.2.1:65535"},
	{"2001:db8::1", 25, "[2001:db8::1]:25"},
	{"1111:2222:3333:4444:5555:6666:7777:8888", 65535, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
	{"::", 0, "[::]:0"},
};

START_TEST(address_as_text)
{
	char text[NET_TEXT_MAX];
	struct config_endpoint where = endpoint(texts[_i].ip, texts[_i].port);
	net_format(&where.ip, where.port, text);
	ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

START_TEST(address_of_no_network)
{
	const struct sockaddr_storage local = {.ss_family = AF_UNIX};
	struct ipaddr ip, none = {{0}};
	uint16_t port = 1;
	net_address(&local, &ip, &port);
	ck_assert(ipaddr_equal(&ip, &none));
	ck_assert_uint_eq(port, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *all = tcase_create("net");
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, listen_and_connect, 0, 2);
	tcase_add_test(all, both_families_side_by_side);
	tcase_add_test(all, port_in_use);
	tcase_add_test(all, refused);
	tcase_add_test(all, no_answer);
	tcase_add_loop_test(all, address_as_text, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(all, address_of_no_network);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
