/* "*" together with single addresses, sockets that are kept or closed when the list changes, and ports in use. */
#include "master/listeners.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/net.h"
#include "t/unit/suite.h"

static struct listeners_all all;
static struct listeners one, two;
static uint16_t port;
static char why[600];

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	close(fd);
	return ntohs(name.sin_port);
}

static void setup(void)
{
	all = (struct listeners_all){0};
	ck_assert(listeners_init(&one, &all));
	ck_assert(listeners_init(&two, &all));
	port = free_port();
}

static void teardown(void)
{
	listeners_free(&one);
	listeners_free(&two);
	ck_assert_uint_eq(all.n, 0);
}

/* WHERE: addresses, which may have "*", separated by spaces. */
static bool open_some(struct listeners *listeners, const char *where, bool some)
{
	struct config_endpoint at[8];
	struct config_endpoints endpoints = {.at = at};
	struct span rest = span_of(where);

	while (rest.len) {
		struct span text = span_take(&rest, ' ');
		struct config_endpoint *to = &at[endpoints.n++];
		*to = (struct config_endpoint){.any = span_equal(text, SPAN("*")), .port = port, .text = where};
		ck_assert(to->any || ipaddr_parse(text, &to->ip));
	}
	why[0] = '\0';
	return listeners_open(listeners, &endpoints, some, why, sizeof(why));
}

static bool open_at(struct listeners *listeners, const char *where)
{
	return open_some(listeners, where, false);
}

static bool waiting(const struct listeners *listeners)
{
	struct pollfd polled[LISTENERS_MAX];

	for (size_t i = 0; i < listeners->n; i++)
		polled[i] = (struct pollfd){.fd = listeners->fds[i], .events = POLLIN};
	return poll(polled, listeners->n, 0) > 0;
}

static void take_all(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++) {
		int fd = accept4(listeners->fds[i], NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
	}
}

/* Every connection to ADDRESS arrives at EXPECTED. */
static void reaches(const char *address, const struct listeners *expected)
{
	struct ipaddr ip;

	ck_assert(ipaddr_parse(span_of(address), &ip));
	for (int i = 0; i < 50; i++) {
		int fd = net_connect_from(NULL, &ip, port, 5000);
		ck_assert_msg(fd >= 0, "%s: %s", address, strerror(-fd));
		const struct listeners *got = waiting(&one) ? &one : &two;
		ck_assert_msg(got == expected, "%s came to the other", address);
		ck_assert(waiting(expected));
		take_all(expected);
		close(fd);
	}
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	close(fd);
	return has;
}

static const struct {
	const char *wildcard, *single, *elsewhere;
} families[] = {{"*", "127.0.0.2", "127.0.0.3"}, {"*", "127.0.0.2", "::1"}, {"*", "::1", "127.0.0.1"}};

START_TEST(a_single_address_has_precedence_over_star)
{
	bool single_first = _i & 1;
	size_t family = (size_t)_i / 2;

	if (family && !has_ipv6())
		return;
	struct listeners *wildcard = &one, *single = &two;
	ck_assert_msg(single_first ? open_at(single, families[family].single) : open_at(wildcard, "*"), "%s", why);
	ck_assert_msg(single_first ? open_at(wildcard, "*") : open_at(single, families[family].single), "%s", why);
	reaches(families[family].single, single);
	reaches(families[family].elsewhere, wildcard);
	listeners_close(single);
	reaches(families[family].single, wildcard);
	ck_assert(open_at(single, families[family].single));
	reaches(families[family].single, single);
}
END_TEST

START_TEST(both_may_be_of_one_server)
{
	ck_assert_msg(open_at(&one, "* 127.0.0.2"), "%s", why);
	reaches("127.0.0.2", &one);
}
END_TEST

/* The worst case of a foreign process: it uses SO_REUSEPORT and runs as our user. */
static int stranger(const char *address)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	ck_assert_int_eq(inet_pton(AF_INET, address, &name.sin_addr), 1);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

START_TEST(a_foreign_process_is_found_whatever_it_allows)
{
	static const char *const theirs[] = {"127.0.0.2", "0.0.0.0", "127.0.0.2"};
	static const char *const ours[] = {"127.0.0.2", "127.0.0.2", "*"};

	int fd = stranger(theirs[_i]);
	ck_assert(!open_at(&one, ours[_i]));
	ck_assert_ptr_nonnull(strstr(why, "another program"));
	ck_assert_uint_eq(one.n, 0);
	close(fd);
	ck_assert_msg(open_at(&one, ours[_i]), "%s", why);
}
END_TEST

START_TEST(addresses_of_another_server_are_in_use)
{
	ck_assert(open_at(&one, "127.0.0.2"));
	ck_assert(!open_at(&two, "127.0.0.2"));
	listeners_close(&one);
	ck_assert_msg(open_at(&two, "127.0.0.2"), "%s", why);
}
END_TEST

START_TEST(a_change_keeps_what_stays)
{
	ck_assert(open_at(&one, "127.0.0.2 127.0.0.3"));
	int stays = one.fds[1], goes = one.fds[0];
	ck_assert(open_at(&one, "127.0.0.4 127.0.0.3"));
	ck_assert_int_eq(one.fds[1], stays);
	ck_assert_uint_eq(one.left_count, 1);
	ck_assert_int_eq(one.left[0], goes);
	ck_assert(open_at(&one, "127.0.0.2")); /* back before it was dropped */
	ck_assert_int_eq(one.fds[0], goes);
	ck_assert_uint_eq(one.left_count, 2);
	listeners_drop_left(&one);
	reaches("127.0.0.2", &one);
	ck_assert(!waiting(&two));
	ck_assert(open_at(&two, "127.0.0.3"));
}
END_TEST

START_TEST(a_change_that_fails_changes_nothing)
{
	ck_assert(open_at(&one, "127.0.0.2 127.0.0.3"));
	int fd = one.fds[0];
	int other = stranger("127.0.0.5");
	ck_assert(!open_at(&one, "127.0.0.2 127.0.0.4 127.0.0.5"));
	ck_assert_uint_eq(one.n, 2);
	ck_assert_uint_eq(one.left_count, 0);
	ck_assert_int_eq(one.fds[0], fd);
	close(other);
	ck_assert_msg(open_at(&two, "127.0.0.4"), "%s", why); /* no socket of it was kept open */
}
END_TEST

START_TEST(a_missing_listener_is_known_and_stops_nothing)
{
	int other = stranger("127.0.0.5");
	ck_assert(open_some(&one, "127.0.0.2 127.0.0.5 192.0.2.77", true));
	ck_assert_uint_eq(one.n, 1);
	ck_assert_uint_eq(one.missing_count, 2);
	ck_assert_ptr_nonnull(strstr(why, "does not have the address (yet)"));
	ck_assert_ptr_nonnull(strstr(why, "another program"));
	int fd = one.fds[0];
	/* A change is made without listeners that were already missing, but not if another one is missing now. */
	ck_assert(open_at(&one, "127.0.0.2 127.0.0.3 127.0.0.5 192.0.2.77"));
	ck_assert_uint_eq(one.n, 2);
	ck_assert(!open_at(&one, "127.0.0.2 192.0.2.78 127.0.0.5 192.0.2.77"));
	ck_assert_uint_eq(one.n, 2);
	close(other);
	ck_assert(open_at(&one, "127.0.0.2 127.0.0.3 127.0.0.5 192.0.2.77"));
	ck_assert_uint_eq(one.n, 3);
	ck_assert_uint_eq(one.missing_count, 1);
	ck_assert_int_eq(one.fds[0], fd);
	ck_assert(open_at(&one, "127.0.0.2"));
	ck_assert_uint_eq(one.missing_count, 0);
	ck_assert_str_eq(why, "");
}
END_TEST

/* A process that serves a session holds the listeners too. */
START_TEST(the_port_is_free_although_sessions_hold_the_socket)
{
	ck_assert(open_at(&one, "127.0.0.2"));
	int inherited = dup(one.fds[0]);
	listeners_close(&one);
	ck_assert_msg(open_at(&two, "127.0.0.2"), "%s", why);
	reaches("127.0.0.2", &two);
	close(inherited);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listeners");
	TCase *tc = tcase_create("listeners");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_single_address_has_precedence_over_star, 0, 6);
	tcase_add_test(tc, both_may_be_of_one_server);
	tcase_add_loop_test(tc, a_foreign_process_is_found_whatever_it_allows, 0, 3);
	tcase_add_test(tc, addresses_of_another_server_are_in_use);
	tcase_add_test(tc, a_change_keeps_what_stays);
	tcase_add_test(tc, a_change_that_fails_changes_nothing);
	tcase_add_test(tc, a_missing_listener_is_known_and_stops_nothing);
	tcase_add_test(tc, the_port_is_free_although_sessions_hold_the_socket);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
