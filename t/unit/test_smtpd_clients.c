/* How many connections one client has and may have; when a log line is due; when workers are scarce. */
#include "smtpd/policy/clients.h"

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

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

static bool permitted(const char *lines, const char *address, size_t connections)
{
	struct ipaddr client = memory_address(address);
	memory_config(lines, &config);
	bool result = clients_permit(&config.servers[0], &client, connections);
	config_free(&config);
	return result;
}

START_TEST(limits_of_connections)
{
	ck_assert(permitted("", "192.0.2.1", 50));
	ck_assert(!permitted("", "192.0.2.1", 51));
	ck_assert(!permitted("", "2001:db8::1", 51));
	ck_assert(permitted("client { connections 1 }", "192.0.2.1", 1));
	ck_assert(!permitted("client { connections 1 }", "192.0.2.1", 2));
	ck_assert(permitted("client { connections none }", "192.0.2.1", 20000));
	ck_assert(permitted("", "127.0.0.1", 20000));
	ck_assert(permitted("", "127.1.2.3", 20000));
	ck_assert(permitted("", "::1", 20000));
	ck_assert(permitted("relay { list 192.0.2.0/24 }", "192.0.2.1", 20000));
	ck_assert(!permitted("relay { list 192.0.2.0/24 }", "192.0.3.1", 51));
	ck_assert(!permitted("relay { list *.example.net }", "192.0.2.1", 51));
	/* With relay allow all-except-listed, the right to relay does not mean trust. */
	ck_assert(!permitted("relay { allow all-except-listed; list 192.0.2.1; open_relay_intended yes }", "192.0.2.1",
			     51));
	ck_assert(!permitted("relay { allow all-except-listed; list 192.0.2.1; open_relay_intended yes }", "192.0.2.2",
			     51));
}
END_TEST

static unsigned refused(const char *address, int64_t mono_ms)
{
	struct ipaddr client = memory_address(address);
	return clients_refused(c, &client, mono_ms);
}

START_TEST(a_line_a_minute_and_address)
{
	const int64_t now = 5000000;
	ck_assert_uint_eq(refused("192.0.2.1", now), 1);
	for (int64_t i = 0; i < 10000; i++)
		ck_assert_uint_eq(refused("192.0.2.1", now + i), 0);
	ck_assert_uint_eq(refused("192.0.2.2", now), 1);
	ck_assert_uint_eq(refused("192.0.2.1", now + CLIENTS_QUIET_MS - 1), 0);
	ck_assert_uint_eq(refused("192.0.2.1", now + CLIENTS_QUIET_MS), 10002);
	ck_assert_uint_eq(refused("192.0.2.1", now + CLIENTS_QUIET_MS), 0);
	ck_assert_uint_eq(refused("2001:db8::1", now), 1);
	ck_assert_uint_eq(refused("2001:db8::2", now), 0);
}
END_TEST

/* More addresses than there is room for: each is logged at least once, and nothing breaks. */
START_TEST(many_addresses_are_refused)
{
	char address[IPADDR_TEXT_MAX];
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.1", i >> 8, i & 255);
		ck_assert_uint_ge(refused(address, 1000 + i), 1);
	}
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
	tcase_add_test(tcase, a_line_a_minute_and_address);
	tcase_add_test(tcase, many_addresses_are_refused);
	tcase_add_test(tcase, stress_begins_late_and_ends_later);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
