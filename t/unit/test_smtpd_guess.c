/* Which clients are delayed and why; memory stays bounded; a worker that overwrites the table only makes counts
 * wrong. */
#include "smtpd/auth/guess.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct guess *guess;
static int64_t now;

static void setup(void)
{
	guess = guess_new();
	ck_assert(guess != NULL);
	now = 1000 * 1000;
}

static void teardown(void)
{
	guess_free(guess);
}

static struct guess_who who(const char *address, const char *name)
{
	struct guess_who found;
	struct ipaddr ip = memory_address(address);
	guess_name(guess, &ip, span_of(name), &found);
	return found;
}

static struct guess_counts look(const char *address, const char *name)
{
	struct guess_counts counts;
	struct guess_who key = who(address, name);
	guess_look(guess, &key, now, &counts);
	return counts;
}

static bool wrong(const char *address, const char *name)
{
	struct guess_who key = who(address, name);
	return guess_failed(guess, &key, now);
}

static void pass(const char *address, const char *name)
{
	struct guess_who key = who(address, name);
	guess_passed(guess, &key, now);
}

static struct guess_verdict decide(const char *address, const char *name)
{
	struct guess_counts counts = look(address, name);
	struct guess_verdict verdict;
	guess_decide(&counts, &verdict);
	return verdict;
}

static const struct {
	struct guess_counts counts;
	struct guess_verdict verdict;
} decisions[] = {
	{{false, 0, 0, 0}, {false, 0, 0}},
	{{false, 1, 1, 0}, {false, 0, 0}},
	{{false, 2, 2, 0}, {false, 0, 250}},
	{{false, 3, 0, 0}, {false, 0, 500}},
	{{false, 5, 0, 0}, {false, 0, 2000}},
	{{false, 6, 0, 0}, {false, 0, 4000}},
	{{false, 19, 19, 0}, {false, 0, 4000}},
	{{false, 20, 0, 0}, {true, 0, 4000}},
	{{false, 100, 100, 0}, {true, 2000, 4000}},
	{{false, 0, 20, 0}, {false, 2000, 0}},
	{{false, 0, 100, 0}, {false, 2000, 0}},
	{{true, 100, 100, 0}, {false, 0, 0}}, /* a client that logged in before is not delayed by failures of others */
	{{true, 0, 0, 2}, {false, 0, 250}},
	{{true, 0, 100, 19}, {false, 0, 4000}},
	{{true, 0, 0, 20}, {true, 0, 4000}},
};

START_TEST(test_decide)
{
	struct guess_verdict verdict;
	guess_decide(&decisions[_i].counts, &verdict);
	ck_assert_int_eq(verdict.refused, decisions[_i].verdict.refused);
	ck_assert_int_eq(verdict.before_ms, decisions[_i].verdict.before_ms);
	ck_assert_int_eq(verdict.after_ms, decisions[_i].verdict.after_ms);
}
END_TEST

START_TEST(test_address)
{
	for (int i = 0; i < GUESS_REFUSED; i++) {
		char name[16];
		snprintf(name, sizeof(name), "user%d", i);
		ck_assert(!decide("192.0.2.1", name).refused);
		ck_assert_int_eq(wrong("192.0.2.1", name), i == GUESS_REFUSED - 1);
	}
	ck_assert(decide("192.0.2.1", "user0").refused && decide("192.0.2.1", "anybody").refused);
	ck_assert(!decide("192.0.2.2", "user0").refused);
	ck_assert(!wrong("192.0.2.1", "user0"));
	now += 2 * GUESS_LEAK_MS;
	ck_assert(!decide("192.0.2.1", "user0").refused);
}
END_TEST

/* One failure is forgotten per interval, even while failures continue: a partly elapsed interval counts. */
START_TEST(test_leak)
{
	for (int i = 0; i < 3; i++)
		wrong("192.0.2.1", "a");
	now += GUESS_LEAK_MS - 1;
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 3);
	now += 1;
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 2);
	now += GUESS_LEAK_MS / 2;
	wrong("192.0.2.1", "a");
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 3);
	now += GUESS_LEAK_MS / 2;
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 2);
	now += 2 * GUESS_LEAK_MS;
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 0);
	for (int i = 0; i < 3 * GUESS_MOST; i++)
		wrong("192.0.2.1", "a");
	ck_assert_uint_eq(look("192.0.2.1", "a").address, GUESS_MOST);
	now += (int64_t)GUESS_MOST * GUESS_LEAK_MS;
	ck_assert_uint_eq(look("192.0.2.1", "a").address, 0);
}
END_TEST

/* A device that tries an old password each minute is never refused. */
START_TEST(test_old_password_each_minute)
{
	for (int i = 0; i < 10000; i++) {
		ck_assert(!decide("192.0.2.1", "copier").refused);
		wrong("192.0.2.1", "copier");
		now += 60 * 1000;
	}
}
END_TEST

START_TEST(test_proven)
{
	pass("192.0.2.1", "Alice");
	for (int i = 0; i < GUESS_MOST; i++) {
		wrong("192.0.2.1", "mallory");
		wrong("198.51.100.1", "alice");
	}
	ck_assert(!decide("192.0.2.1", "ALICE").refused);
	ck_assert_int_eq(decide("192.0.2.1", "alice").before_ms, 0);
	ck_assert(decide("192.0.2.1", "mallory").refused && decide("192.0.2.1", "bob").refused);
	ck_assert_int_eq(decide("203.0.113.1", "alice").before_ms, GUESS_ACCOUNT_WAIT_MS);
	ck_assert(!decide("203.0.113.1", "alice").refused);
	for (int i = 0; i < GUESS_REFUSED; i++)
		ck_assert_int_eq(wrong("192.0.2.1", "alice"), i == GUESS_REFUSED - 1);
	ck_assert(decide("192.0.2.1", "alice").refused);
	pass("192.0.2.1", "alice");
	ck_assert(!decide("192.0.2.1", "alice").refused);
}
END_TEST

/* Failures of a proven pair of client and user do not count against others. */
START_TEST(test_forgotten_device)
{
	pass("192.0.2.1", "phone");
	for (int i = 0; i < GUESS_MOST; i++)
		wrong("192.0.2.1", "phone");
	ck_assert(decide("192.0.2.1", "phone").refused);
	ck_assert(!decide("192.0.2.1", "colleague").refused);
	ck_assert_int_eq(decide("198.51.100.1", "phone").before_ms, 0);
}
END_TEST

START_TEST(test_ipv6)
{
	for (int i = 0; i < GUESS_REFUSED; i++)
		wrong(i % 2 ? "2001:db8:1:2::1" : "2001:db8:1:2:ffff::", "a");
	ck_assert(decide("2001:db8:1:2:1234:5678::9", "b").refused);
	ck_assert(!decide("2001:db8:1:3::1", "b").refused);
	for (int i = 0; i < GUESS_REFUSED; i++)
		wrong("192.0.2.1", "a");
	ck_assert(decide("::ffff:192.0.2.1", "b").refused);
	ck_assert(!decide("192.0.2.2", "b").refused);
}
END_TEST

static bool ask(const char *address, const char *name, uint64_t *key)
{
	struct guess_who keys = who(address, name);
	return guess_ask(guess, &keys, 3, 1000, now, key);
}

/* Strangers together have three questions within the time, each proven pair has three of its own. */
START_TEST(test_directory)
{
	uint64_t key;
	pass("192.0.2.1", "alice");
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(ask("198.51.100.1", i % 2 ? "Alice" : "alice@x.test", &key), i < 3);
		ck_assert_int_eq(ask("192.0.2.1", "alice", &key), i < 3);
		now += 500; /* a question that is not asked does not prolong the time */
		if (i == 2)
			now -= 500;
	}
	ck_assert(ask("198.51.100.1", "bob", &key));
	now += 1000;
	ck_assert(ask("198.51.100.2", "alice", &key));
	ck_assert(ask("198.51.100.2", "alice", &key));
	guess_unask(guess, key);
	ck_assert(ask("198.51.100.2", "alice", &key));
	now += 999;
	ck_assert(ask("198.51.100.2", "alice", &key)); /* it counts from the last one */
	now += 999;
	ck_assert(!ask("198.51.100.2", "alice", &key));
	pass("198.51.100.9", "alice"); /* the directory has not heard of that */
	ck_assert(!ask("198.51.100.2", "alice", &key));
	struct guess_who right = who("198.51.100.9", "alice");
	guess_ask_passed(guess, &right);
	ck_assert(ask("198.51.100.2", "alice", &key));
	for (int i = 0; i < 1000; i++)
		ck_assert(guess_ask(guess, &(struct guess_who){.person = 7}, 0, 0, now, &key));
}
END_TEST

/* A full table is no way to more questions. */
START_TEST(test_directory_flood)
{
	uint64_t key;
	char name[16];
	unsigned refused = 0;
	for (int i = 0; i < 3; i++)
		ck_assert(ask("198.51.100.1", "alice", &key));
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		refused += !ask("198.51.100.1", name, &key);
	}
	ck_assert_uint_ge(refused, 50000 - 16384);
	ck_assert(!ask("198.51.100.1", "alice", &key));
	now += 1000;
	ck_assert(ask("198.51.100.1", "n1", &key));
	ck_assert(ask("198.51.100.1", "alice", &key));
}
END_TEST

/* A flood of addresses takes no more memory; the latest counts are still known. */
START_TEST(test_flood)
{
	char address[32];
	for (unsigned i = 0; i < 100000; i++, now++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		wrong(address, address);
	}
	ck_assert_uint_eq(look(address, "x").address, 1);
	ck_assert_uint_eq(look("10.0.0.0", "x").address, 0);
}
END_TEST

/* An address that keeps failing is not displaced by addresses that fail once. */
START_TEST(test_oldest_goes)
{
	char address[32];
	for (unsigned i = 0; i < 50000; i++, now++) {
		if (i % 100 == 0)
			wrong("192.0.2.1", "a");
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		wrong(address, "b");
	}
	ck_assert_uint_ge(look("192.0.2.1", "a").address, GUESS_REFUSED);
}
END_TEST

/* Overwrites the only shared mapping. */
static void scribble(unsigned seed)
{
	char line[512];
	unsigned long from, to;
	char mode[5];
	FILE *maps = fopen("/proc/self/maps", "r");
	ck_assert(maps != NULL);
	bool found = false;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || strcmp(mode, "rw-s") != 0)
			continue;
		found = true;
		for (unsigned long at = from; at < to; at++)
			*(unsigned char *)at =
				seed ? (unsigned char)((seed = seed * 1664525 + 1013904223) >> 24) : 0xff;
	}
	fclose(maps);
	ck_assert(found);
}

/* A compromised worker overwrites the table: counts are wrong, and become right again. */
START_TEST(test_overwritten)
{
	for (unsigned seed = 0; seed < 3; seed++) {
		scribble(seed);
		for (int i = 0; i < 1000; i++) {
			char name[16];
			snprintf(name, sizeof(name), "user%d", i);
			struct guess_counts counts = look("192.0.2.1", name);
			ck_assert(counts.address <= GUESS_MOST && counts.account <= GUESS_MOST &&
				  counts.pair <= GUESS_MOST);
			wrong("192.0.2.1", name);
		}
		pass("192.0.2.1", "alice");
		ck_assert(look("192.0.2.1", "alice").proven && !decide("192.0.2.1", "alice").refused);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_guess");
	TCase *tcase = tcase_create("guess");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_decide, 0, sizeof(decisions) / sizeof(decisions[0]));
	tcase_add_test(tcase, test_address);
	tcase_add_test(tcase, test_leak);
	tcase_add_test(tcase, test_old_password_each_minute);
	tcase_add_test(tcase, test_proven);
	tcase_add_test(tcase, test_forgotten_device);
	tcase_add_test(tcase, test_ipv6);
	tcase_add_test(tcase, test_directory);
	tcase_add_test(tcase, test_directory_flood);
	tcase_add_test(tcase, test_flood);
	tcase_add_test(tcase, test_oldest_goes);
	tcase_add_test(tcase, test_overwritten);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
