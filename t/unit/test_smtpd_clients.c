/* How many connections one client has and may have; when workers are scarce. */
#include "smtpd/policy/clients.h"

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/policy/usage.h"
#include "smtpd/stress.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

enum { SLOTS = 100 };

static struct clients *c;
static struct config config;

static void begin(void)
{
	c = clients_new(SLOTS);
	ck_assert_ptr_nonnull(c);
}

static void end(void)
{
	clients_free(c);
}

static size_t enter(size_t slot, const char *address)
{
	struct ipaddr client = memory_address(address);
	return clients_enter(c, slot, &client);
}

START_TEST(connections_are_counted_by_client)
{
	ck_assert_uint_eq(enter(0, "192.0.2.1"), 1);
	ck_assert_uint_eq(enter(7, "192.0.2.1"), 2);
	ck_assert_uint_eq(enter(8, "192.0.2.2"), 1);
	ck_assert_uint_eq(enter(SLOTS - 1, "::ffff:192.0.2.1"), 3);
	clients_leave(c, 7);
	clients_leave(c, 7);
	ck_assert_uint_eq(enter(7, "192.0.2.1"), 3);
	ck_assert_uint_eq(enter(7, "192.0.2.2"), 2);
}
END_TEST

START_TEST(a_network_of_64_bits_is_one_client)
{
	ck_assert_uint_eq(enter(0, "2001:db8:0:1::1"), 1);
	ck_assert_uint_eq(enter(1, "2001:db8:0:1:ffff:ffff:ffff:ffff"), 2);
	ck_assert_uint_eq(enter(2, "2001:db8:0:2::1"), 1);
	ck_assert_uint_eq(enter(3, "::1"), 1);
	ck_assert_uint_eq(enter(4, "0:ffff::"), 1);
	ck_assert_uint_eq(enter(5, "0.0.0.1"), 1);
}
END_TEST

/* The count of a dead worker remains until the parent has cleared its slot. */
START_TEST(a_dead_worker_counts_until_its_slot_is_cleared)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(enter(3, "192.0.2.1") != 1);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(enter(4, "192.0.2.1"), 2);
	clients_leave(c, 3);
	ck_assert_uint_eq(enter(4, "192.0.2.1"), 1);
}
END_TEST

static struct clients_limit limit_of(const char *lines, const char *address)
{
	struct ipaddr client = memory_address(address);
	memory_config(lines, &config);
	struct clients_limit result = clients_limit(&config.servers[0], &client);
	config_free(&config);
	return result;
}

static size_t most(const char *lines, const char *address)
{
	return limit_of(lines, address).most;
}

static size_t share(const char *lines, const char *address)
{
	return limit_of(lines, address).share;
}

START_TEST(limits_of_connections)
{
	ck_assert_uint_eq(most("", "192.0.2.1"), 50);
	ck_assert_uint_eq(most("", "2001:db8::1"), 50);
	ck_assert_uint_eq(most("client { connections 1 }", "192.0.2.1"), 1);
	ck_assert_uint_eq(most("client { connections none }", "192.0.2.1"), SIZE_MAX);
	ck_assert_uint_eq(share("client { connections none }", "192.0.2.1"), SIZE_MAX);
	ck_assert_uint_eq(most("relay { list 192.0.2.0/24 }", "192.0.2.1"), SIZE_MAX);
	ck_assert_uint_eq(most("relay { list 192.0.2.0/24 }", "192.0.3.1"), 50);
	ck_assert_uint_eq(most("relay { list *.example.net }", "192.0.2.1"), 50);
	/* With relay allow all-except-listed, the right to relay does not mean trust. */
	ck_assert_uint_eq(
		most("relay { allow all-except-listed; list 192.0.2.1; open_relay_intended yes }", "192.0.2.1"), 50);
	ck_assert_uint_eq(
		most("relay { allow all-except-listed; list 192.0.2.1; open_relay_intended yes }", "192.0.2.2"), 50);
}
END_TEST

START_TEST(exempt_clients_have_no_limit)
{
	static const char *const loopback[] = {"127.0.0.1", "127.1.2.3", "::1"};
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(most("", loopback[i]), SIZE_MAX);
		ck_assert_uint_eq(share("", loopback[i]), SIZE_MAX);
		ck_assert_uint_eq(most("client { except_list none }", loopback[i]), 50);
		ck_assert_uint_eq(most("client { except_list 192.0.2.0/24 }", loopback[i]), 50);
	}
	ck_assert_uint_eq(share("client { except_list 192.0.2.0/24 }", "192.0.2.255"), SIZE_MAX);
	ck_assert_uint_eq(share("client { except_list 192.0.2.0/24 }", "192.0.3.0"), 900);
}
END_TEST

/* One client never gets all workers, also one that may relay. */
START_TEST(a_share_is_left_for_others)
{
	ck_assert_uint_eq(share("", "192.0.2.1"), 900);
	ck_assert_uint_eq(share("relay { list 192.0.2.0/24 }", "192.0.2.1"), 900);
	ck_assert_uint_eq(share("max_connections 20", "192.0.2.1"), 18);
	ck_assert_uint_eq(share("processes { max 10 }", "192.0.2.1"), 9);
	ck_assert_uint_eq(share("processes { max 11 }", "192.0.2.1"), 9);
	ck_assert_uint_eq(share("processes { max 9 }", "192.0.2.1"), 8);
	ck_assert_uint_eq(share("processes { max 2; spare 1 }", "192.0.2.1"), 1);
	ck_assert_uint_eq(share("processes { max 1; spare 1 }", "192.0.2.1"), 1);
}
END_TEST

START_TEST(connections_of_one_network)
{
	struct ipaddr client = memory_address("2001:db8:0:1::7");
	enter(0, "2001:db8:0:1::1");
	enter(5, "2001:db8:0:1::2");
	ck_assert_uint_eq(clients_count(c, usage_net(&client)), 2);
	clients_leave(c, 0);
	ck_assert_uint_eq(clients_count(c, usage_net(&client)), 1);
}
END_TEST

START_TEST(stress_begins_late_and_ends_later)
{
	ck_assert(!stress_decide(0, 0, false));
	ck_assert(!stress_decide(899, 1000, false));
	ck_assert(stress_decide(900, 1000, false));
	ck_assert(stress_decide(800, 1000, true));
	ck_assert(!stress_decide(799, 1000, true));
	ck_assert(!stress_decide(4, 5, false));
	ck_assert(stress_decide(5, 5, false));
	ck_assert(stress_decide(4, 5, true));
	ck_assert(!stress_decide(3, 5, true));
	ck_assert(stress_decide(1, 1, false));
	ck_assert(!stress_decide(0, 1, true));
	ck_assert(stress_decide(12, 10, false));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_clients");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, connections_are_counted_by_client);
	tcase_add_test(tcase, a_network_of_64_bits_is_one_client);
	tcase_add_test(tcase, a_dead_worker_counts_until_its_slot_is_cleared);
	tcase_add_test(tcase, limits_of_connections);
	tcase_add_test(tcase, exempt_clients_have_no_limit);
	tcase_add_test(tcase, a_share_is_left_for_others);
	tcase_add_test(tcase, connections_of_one_network);
	tcase_add_test(tcase, stress_begins_late_and_ends_later);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
