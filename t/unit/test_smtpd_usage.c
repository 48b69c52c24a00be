/* What clients do is counted and limited: by address and user, by many workers at once, in a table that is full, after
 * the death of a worker, and after a reload. */
#include "smtpd/policy/usage.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static const struct config_rate ten = {10, 60000}, twenty = {20, 60000}, none = {0, 0};
static struct usage *usage;
static struct config config;
static int64_t now;

static void setup(void)
{
	usage = usage_new();
	ck_assert_ptr_nonnull(usage);
	memory_config("client { messages 10/1m; octets 1M/1h }", &config);
	now = 5000000;
}

static void teardown(void)
{
	usage_free(usage);
	config_free(&config);
}

static int64_t take_of(const char *address, const char *user, const struct config_rate *limit)
{
	struct ipaddr ip = memory_address(address);
	const struct usage_who who = {&ip, user, NULL};
	return usage_take(usage, &who, USAGE_MESSAGES, 1, limit, false, now);
}

static int64_t take(const char *address)
{
	return take_of(address, NULL, &ten);
}

static void fill(const char *address)
{
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(take(address), 0);
	ck_assert_int_eq(take(address), 6000);
}

static bool find(const char *name, struct usage_row *row)
{
	for (size_t i = 0; i < USAGE_SLOTS; i++)
		if (usage_get(usage, i, &config.servers[0], now, row) && !strcmp(row->name, name))
			return true;
	return false;
}

START_TEST(each_client_has_its_own_counter)
{
	fill("192.0.2.1");
	fill("192.0.2.2");
	fill("2001:db8:0:1::1");
	ck_assert_int_eq(take("2001:db8:0:1:ffff::9"), 6000);
	ck_assert_int_eq(take("2001:db8:0:2::1"), 0);
	ck_assert_int_eq(take("::ffff:192.0.2.1"), 6000);
	now += 5999;
	ck_assert_int_eq(take("192.0.2.1"), 1);
	now += 1;
	ck_assert_int_eq(take("192.0.2.1"), 0);
	ck_assert_int_eq(take("192.0.2.1"), 6000);
}
END_TEST

START_TEST(each_kind_has_its_own_counter)
{
	struct ipaddr ip = memory_address("192.0.2.1");
	const struct usage_who who = {&ip, NULL, NULL};
	fill("192.0.2.1");
	ck_assert_int_eq(usage_take(usage, &who, USAGE_RECIPIENTS, 10, &ten, false, now), 0);
	ck_assert_int_eq(usage_take(usage, &who, USAGE_ERRORS, 1, &ten, false, now), 0);
	ck_assert_int_gt(usage_take(usage, &who, USAGE_RECIPIENTS, 1, &ten, false, now), 0);
}
END_TEST

START_TEST(a_user_is_one_client_at_all_addresses)
{
	char address[IPADDR_TEXT_MAX];
	for (int i = 0; i < 10; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		ck_assert_int_eq(take_of(address, i % 2 ? "bob@example.com" : "BOB@example.com", &ten), 0);
	}
	ck_assert_int_eq(take_of("192.0.2.99", "bob@example.com", &ten), 6000);
	ck_assert_int_eq(take_of("192.0.2.1", "eve@example.com", &ten), 0);
	ck_assert_int_eq(take("192.0.2.1"), 0);
}
END_TEST

START_TEST(a_look_does_not_count)
{
	struct ipaddr ip = memory_address("192.0.2.1");
	const struct usage_who who = {&ip, NULL, NULL};
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(usage_wait_ms(usage, &who, USAGE_MESSAGES, 1, &ten, now), 0);
	fill("192.0.2.1");
	ck_assert_int_eq(usage_wait_ms(usage, &who, USAGE_MESSAGES, 1, &ten, now), 6000);
	ck_assert_int_eq(usage_wait_ms(usage, &who, USAGE_MESSAGES, 1, &none, now), 0);
}
END_TEST

START_TEST(what_is_forced_counts)
{
	struct ipaddr ip = memory_address("192.0.2.1");
	const struct usage_who who = {&ip, NULL, NULL};
	fill("192.0.2.1");
	ck_assert_int_eq(usage_take(usage, &who, USAGE_MESSAGES, 1, &ten, true, now), 6000);
	ck_assert_int_eq(usage_take(usage, &who, USAGE_MESSAGES, 1, &ten, true, now), 12000);
}
END_TEST

/* A reload that changes a limit lets its clients begin anew; one that does not change it forgets nothing. */
START_TEST(another_limit_starts_anew)
{
	fill("192.0.2.1");
	ck_assert_int_eq(take_of("192.0.2.1", NULL, &twenty), 0);
	for (int i = 0; i < 19; i++)
		ck_assert_int_eq(take_of("192.0.2.1", NULL, &twenty), 0);
	ck_assert_int_eq(take_of("192.0.2.1", NULL, &twenty), 3000);
	ck_assert_int_eq(take_of("192.0.2.1", NULL, &none), 0);
	fill("192.0.2.1");
}
END_TEST

enum { WORKERS = 8, EACH = 20000 };

/* Workers that count at once neither lose places nor give one away twice. */
START_TEST(workers_count_at_once)
{
	const struct config_rate limit = {WORKERS * EACH / 2, 3600000};
	int taken = 0, status;
	pid_t pids[WORKERS];
	int pipes[2];
	ck_assert_int_eq(pipe(pipes), 0);
	for (int w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (pids[w])
			continue;
		int n = 0;
		for (int i = 0; i < EACH; i++)
			n += take_of("192.0.2.1", NULL, &limit) == 0;
		_exit(write(pipes[1], &n, sizeof(n)) != sizeof(n));
	}
	for (int w = 0; w < WORKERS; w++) {
		int n;
		ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(pipes[0], &n, sizeof(n)), sizeof(n));
		taken += n;
	}
	ck_assert_int_eq(taken, WORKERS * EACH / 2);
	struct usage_row row;
	ck_assert(find("192.0.2.1", &row));
	ck_assert_uint_eq(row.counts[USAGE_MESSAGES], WORKERS * EACH / 2);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* Workers are killed while they count. Whatever they leave, others go on, and every limit is over after a period. */
START_TEST(a_worker_dies_at_any_moment)
{
	struct usage_row row;
	for (int round = 0; round < 50; round++) {
		pid_t pid = fork();
		if (!pid)
			for (unsigned i = 0;; i++) {
				char address[IPADDR_TEXT_MAX];
				snprintf(address, sizeof(address), "10.%u.%u.1", i >> 8 & 255, i & 255);
				take(address);
			}
		int status;
		for (long i = 0; i < 20000 + round * 1000; i++)
			take("192.0.2.1");
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		now += 60000;
		ck_assert_int_eq(take("192.0.2.1"), 0);
		ck_assert_int_eq(take("10.0.1.1"), 0);
		ck_assert(find("192.0.2.1", &row));
	}
}
END_TEST

START_TEST(a_full_table_forgets_who_was_idle_for_longest)
{
	char address[IPADDR_TEXT_MAX];
	struct usage_row row;
	size_t rows = 0;
	fill("192.0.2.1");
	for (unsigned i = 0; i < 10 * USAGE_SLOTS; i++) {
		snprintf(address, sizeof(address), "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
		ck_assert_int_eq(take(address), 0);
		now++;
		if (i % 100 == 0) /* a client that goes on is never the one that was idle for longest */
			ck_assert_int_lt(take("192.0.2.1"), 6001);
	}
	for (size_t i = 0; i < USAGE_SLOTS; i++)
		rows += usage_get(usage, i, &config.servers[0], now, &row);
	ck_assert_uint_ge(rows, (USAGE_SLOTS - USAGE_USERS) * 9 / 10);
	ck_assert(find("192.0.2.1", &row));
	ck_assert(!find("2001:db8::/64", &row));
}
END_TEST

/* Addresses are easy to come by, above all in IPv6: a client with thousands of them displaces no user. */
START_TEST(addresses_do_not_displace_users)
{
	char address[IPADDR_TEXT_MAX];
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(take_of("192.0.2.1", "bob@example.com", &ten), 0);
	for (unsigned i = 0; i < 10 * USAGE_SLOTS; i++) {
		snprintf(address, sizeof(address), "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
		struct ipaddr ip = memory_address(address);
		const struct usage_who who = {&ip, NULL, NULL};
		if (usage_take(usage, &who, USAGE_CONNECTIONS, 1, &none, false, now + 1))
			ck_abort_msg("%s", address);
	}
	now++;
	ck_assert_int_eq(take_of("192.0.2.1", "bob@example.com", &ten), 5999);
}
END_TEST

START_TEST(a_line_a_minute_and_client)
{
	struct ipaddr one = memory_address("192.0.2.1"), two = memory_address("192.0.2.2");
	struct ipaddr net = memory_address("2001:db8::1"), same = memory_address("2001:db8::2");
	const struct usage_who a = {&one, NULL, NULL}, b = {&two, NULL, NULL}, c = {&net, NULL, NULL},
			       d = {&same, NULL, NULL}, e = {&one, "bob", NULL};
	ck_assert_uint_eq(usage_over(usage, &a, now), 1);
	for (int64_t i = 0; i < 10000; i++)
		ck_assert_uint_eq(usage_over(usage, &a, now + i), 0);
	ck_assert_uint_eq(usage_over(usage, &b, now), 1);
	ck_assert_uint_eq(usage_over(usage, &e, now), 1);
	ck_assert_uint_eq(usage_over(usage, &a, now + USAGE_QUIET_MS - 1), 0);
	ck_assert_uint_eq(usage_over(usage, &a, now + USAGE_QUIET_MS), 10002);
	ck_assert_uint_eq(usage_over(usage, &a, now + USAGE_QUIET_MS), 0);
	ck_assert_uint_eq(usage_over(usage, &c, now), 1);
	ck_assert_uint_eq(usage_over(usage, &d, now), 0);
}
END_TEST

/* Ten thousand clients over a limit: the log names a hundred of them in a minute, and says how many more there were. */
START_TEST(lines_about_all_clients_are_bounded)
{
	unsigned lines = 0;
	for (int minute = 0; minute < 3; minute++) {
		lines = 0;
		for (unsigned i = 0; i < 10000; i++) {
			char address[IPADDR_TEXT_MAX];
			snprintf(address, sizeof(address), "10.%d.%u.%u", minute, i >> 8, i & 255);
			struct ipaddr ip = memory_address(address);
			const struct usage_who who = {&ip, NULL, NULL};
			lines += usage_over(usage, &who, now + i) == 1;
			ck_assert_uint_eq(usage_over(usage, &who, now + i), 0);
		}
		ck_assert_uint_eq(lines, USAGE_LINES_MAX);
		ck_assert_uint_eq(usage_take_unsaid(usage), 10000 - USAGE_LINES_MAX);
		ck_assert_uint_eq(usage_take_unsaid(usage), 0);
		now += USAGE_QUIET_MS;
	}
	struct ipaddr ip = memory_address("192.0.2.1");
	ck_assert_uint_eq(usage_over(usage, &(struct usage_who){&ip, NULL, NULL}, now), 1);
}
END_TEST

START_TEST(counts_for_people)
{
	struct ipaddr ip = memory_address("192.0.2.1");
	const struct usage_who who = {&ip, NULL, NULL};
	struct usage_row row;
	now = INT64_C(100) * 3600 * 1000;
	ck_assert(!find("192.0.2.1", &row));
	for (int i = 0; i < 8; i++)
		take("192.0.2.1");
	usage_take(usage, &who, USAGE_OCTETS, 1 << 20, usage_limit(&config.servers[0], USAGE_OCTETS), true, now);
	usage_over(usage, &who, now);
	ck_assert(find("192.0.2.1", &row));
	ck_assert_uint_eq(row.counts[USAGE_MESSAGES], 8);
	ck_assert_uint_eq(row.counts[USAGE_OCTETS], 1 << 20);
	ck_assert_uint_eq(row.counts[USAGE_ERRORS], 0);
	ck_assert_uint_eq(row.over, 1);
	ck_assert(!row.user);
	ck_assert_int_eq(row.nearest, USAGE_OCTETS);
	ck_assert_uint_eq(row.percent, 100);
	ck_assert_int_eq(row.wait_ms, 4);
	now += 1800 * 1000; /* half of the hour */
	ck_assert(find("192.0.2.1", &row));
	ck_assert_uint_eq(row.counts[USAGE_MESSAGES], 8);
	ck_assert_uint_eq(row.percent, 50);
	ck_assert_int_eq(row.idle_ms, 1800 * 1000);
	take("192.0.2.1");
	now += 2700 * 1000; /* a quarter of the next hour */
	take("192.0.2.1");
	ck_assert(find("192.0.2.1", &row));
	ck_assert_uint_eq(row.counts[USAGE_MESSAGES], 1 + 9 * 3 / 4);
	now += 3600 * 1000;
	ck_assert(!find("192.0.2.1", &row));
}
END_TEST

START_TEST(names_are_printable)
{
	char user[300];
	struct usage_row row;
	memset(user, 'x', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	take_of("192.0.2.1", "a\x1b\"b", &ten);
	take_of("192.0.2.1", user, &ten);
	ck_assert(find("a\\x1B'b", &row) || find("a\\x1b'b", &row));
	ck_assert(row.user);
	user[USAGE_NAME_MAX] = '\0';
	ck_assert(find(user, &row));
}
END_TEST

/* A client is counted for its rule, and for each rule, apart. */
START_TEST(a_client_rule_counts_for_itself)
{
	struct ipaddr ip = memory_address("192.0.2.1");
	const struct usage_who rule = {&ip, NULL, "a"}, other = {&ip, NULL, "b"}, user = {&ip, "joe", "a"};
	struct usage_row row;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(usage_take(usage, &rule, USAGE_MESSAGES, 1, &ten, false, now), 0);
	ck_assert_int_eq(usage_take(usage, &rule, USAGE_MESSAGES, 1, &ten, false, now), 6000);
	ck_assert_int_eq(usage_take(usage, &other, USAGE_MESSAGES, 1, &ten, false, now), 0);
	ck_assert_int_eq(usage_take(usage, &user, USAGE_MESSAGES, 1, &ten, false, now), 0);
	ck_assert_int_eq(usage_wait_ms(usage, &rule, USAGE_MESSAGES, 1, &ten, now), 6000);
	ck_assert_int_eq(usage_wait_ms(usage, &other, USAGE_MESSAGES, 1, &ten, now), 0);
	ck_assert(!find("192.0.2.1", &row) && !find("joe", &row));
	ck_assert_int_eq(take("192.0.2.1"), 0);
	ck_assert(find("192.0.2.1", &row));
	ck_assert_uint_eq(row.counts[USAGE_MESSAGES], 1);
}
END_TEST

/* The only memory that is shared with workers here. */
static void overwrite(void)
{
	unsigned long from, to;
	char line[256], how[8], path[200];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %199s", &from, &to, how, path) != 4 || strcmp(how, "rw-s") ||
		    strcmp(path, "/dev/zero") || to - from < USAGE_SLOTS * 100)
			continue;
		fd_random((void *)from, to - from);
		found = true;
	}
	fclose(maps);
	ck_assert(found);
}

/* A worker that was taken over has written random octets everywhere: names are clean, waits have an end. */
START_TEST(whatever_a_worker_writes)
{
	struct usage_row row;
	for (int round = 0; round < 5; round++) {
		overwrite();
		for (size_t i = 0; i < USAGE_SLOTS; i++) {
			if (!usage_get(usage, i, &config.servers[0], now, &row))
				continue;
			bool clean = strlen(row.name) < sizeof(row.name);
			for (const char *at = row.name; *at; at++)
				clean = clean && *at >= ' ' && *at <= '~';
			if (!clean || row.idle_ms < 0 || row.percent > 200 || row.wait_ms > 3600 * 1000 + 4)
				ck_abort_msg("%s %lld %u %lld", row.name, (long long)row.idle_ms, row.percent,
					     (long long)row.wait_ms);
		}
		for (unsigned i = 0; i < 1000; i++) {
			char address[IPADDR_TEXT_MAX];
			snprintf(address, sizeof(address), "10.%u.%u.1", i >> 8, i & 255);
			struct ipaddr ip = memory_address(address);
			const struct usage_who who = {&ip, NULL, NULL};
			usage_over(usage, &who, now);
			ck_assert_uint_le(usage_used(usage, &who, USAGE_MESSAGES, &ten, now), 20);
			ck_assert_int_le(take(address), 60000);
		}
		now += 120000;
		ck_assert_int_eq(take("10.0.1.1"), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_usage");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_client_rule_counts_for_itself);
	tcase_add_test(all, each_client_has_its_own_counter);
	tcase_add_test(all, each_kind_has_its_own_counter);
	tcase_add_test(all, a_user_is_one_client_at_all_addresses);
	tcase_add_test(all, a_look_does_not_count);
	tcase_add_test(all, what_is_forced_counts);
	tcase_add_test(all, another_limit_starts_anew);
	tcase_add_test(all, workers_count_at_once);
	tcase_add_test(all, a_worker_dies_at_any_moment);
	tcase_add_test(all, a_full_table_forgets_who_was_idle_for_longest);
	tcase_add_test(all, addresses_do_not_displace_users);
	tcase_add_test(all, a_line_a_minute_and_client);
	tcase_add_test(all, lines_about_all_clients_are_bounded);
	tcase_add_test(all, counts_for_people);
	tcase_add_test(all, names_are_printable);
	tcase_add_test(all, whatever_a_worker_writes);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
