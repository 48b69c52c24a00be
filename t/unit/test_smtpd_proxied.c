/* Reading a PROXY header: who may send it, what stays for the dialogue, and how it ends when none comes. */
#include "smtpd/proxy/proxied.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct config config;
static struct usage *usage;
static int ends[2];
static volatile sig_atomic_t waiting_fd = -1;
static struct proxy_header header;

static void setup(void)
{
	usage = usage_new();
	ck_assert_ptr_nonnull(usage);
	memory_config("listen 127.0.0.1:2525 proxy\n proxy_list 10.0.0.2 127.0.0.1", &config);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void teardown(void)
{
	close(ends[0]);
	close(ends[1]);
	usage_free(usage);
	config_free(&config);
}

static bool read_from(const char *peer, struct span octets)
{
	const struct ipaddr ip = memory_address(peer);
	ck_assert_int_eq(send(ends[0], octets.at, octets.len, 0), (ssize_t)octets.len);
	bool good = proxied_read(ends[1], &ip, &config.servers[0], usage, &waiting_fd, &header);
	ck_assert_int_eq(waiting_fd, -1);
	return good;
}

static void expect_client(const char *address)
{
	char shown[IPADDR_TEXT_MAX];
	ipaddr_format(&header.client, shown);
	ck_assert_str_eq(shown, address);
}

START_TEST(what_follows_stays)
{
	char rest[8] = "";
	ck_assert(read_from("10.0.0.2", SPAN("PROXY TCP4 192.0.2.7 10.0.0.11 56324 25\r\nEHLO x")));
	expect_client("192.0.2.7");
	ck_assert_int_eq(recv(ends[1], rest, sizeof(rest), MSG_DONTWAIT), 6);
	ck_assert_str_eq(rest, "EHLO x");
}
END_TEST

START_TEST(a_peer_that_is_not_listed)
{
	struct usage_row row;
	ck_assert(!read_from("10.0.0.3", SPAN("PROXY TCP4 192.0.2.7 10.0.0.11 56324 25\r\n")));
	for (size_t i = 0; i < USAGE_SLOTS; i++)
		ck_assert(!usage_get(usage, i, &config.servers[0], clock_mono_ms(), &row));
}
END_TEST

/* Otherwise a client of the balancer's machine would be this machine, which may relay. */
START_TEST(loopback_of_another_machine)
{
	ck_assert(read_from("10.0.0.2", SPAN("PROXY TCP4 127.0.0.1 127.0.0.1 56324 25\r\n")));
	expect_client("10.0.0.2");
	ck_assert(read_from("10.0.0.2", SPAN("PROXY TCP6 ::1 ::1 56324 25\r\n")));
	expect_client("10.0.0.2");
	ck_assert(read_from("127.0.0.1", SPAN("PROXY TCP4 127.0.0.9 127.0.0.1 56324 25\r\n")));
	expect_client("127.0.0.9");
}
END_TEST

START_TEST(a_peer_that_leaves)
{
	shutdown(ends[0], SHUT_WR);
	const struct ipaddr ip = memory_address("10.0.0.2");
	ck_assert(!proxied_read(ends[1], &ip, &config.servers[0], usage, &waiting_fd, &header));
	ck_assert_int_eq(waiting_fd, -1);
}
END_TEST

START_TEST(a_header_that_is_cut)
{
	ck_assert_int_eq(send(ends[0], "PROXY TCP4 192", 14, 0), 14);
	shutdown(ends[0], SHUT_WR);
	const struct ipaddr ip = memory_address("10.0.0.2");
	ck_assert(!proxied_read(ends[1], &ip, &config.servers[0], usage, &waiting_fd, &header));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_proxied");
	TCase *tc = tcase_create("read");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_follows_stays);
	tcase_add_test(tc, a_peer_that_is_not_listed);
	tcase_add_test(tc, loopback_of_another_machine);
	tcase_add_test(tc, a_peer_that_leaves);
	tcase_add_test(tc, a_header_that_is_cut);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
