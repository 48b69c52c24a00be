/* Keys of session tickets: rotation with a simulated clock, memory that workers can't write, tickets end to end. */
#include "smtpd/tickets.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOUR = TLS_TICKETS_PERIOD_MS };

static struct tls_ticket_key newest_of(const struct tls_tickets *t)
{
	struct tls_ticket_key key;
	bool newest = false;
	ck_assert(tls_tickets_key(t, NULL, &key, &newest));
	ck_assert(newest);
	return key;
}

/* 2 = for new tickets, 1 = still good, 0 = forgotten. */
static int standing(const struct tls_tickets *t, const struct tls_ticket_key *key)
{
	static const struct tls_ticket_key wiped;
	struct tls_ticket_key found;
	bool newest = false;
	if (!tls_tickets_key(t, key->name, &found, &newest)) {
		ck_assert_mem_eq(&found, &wiped, sizeof(wiped));
		return 0;
	}
	ck_assert_mem_eq(&found, key, sizeof(found));
	return newest ? 2 : 1;
}

START_TEST(test_rotation)
{
	struct tls_tickets *t = tls_tickets_new(1000);
	ck_assert_ptr_nonnull(t);
	struct tls_ticket_key first = newest_of(t);
	ck_assert_int_eq(tls_tickets_tend(t, 1000), HOUR);
	ck_assert_int_eq(tls_tickets_tend(t, 1000 + HOUR - 1), 1);
	ck_assert_int_eq(standing(t, &first), 2);

	ck_assert_int_eq(tls_tickets_tend(t, 1000 + HOUR), HOUR);
	struct tls_ticket_key second = newest_of(t);
	ck_assert_mem_ne(&second.name, &first.name, sizeof(first.name));
	ck_assert_mem_ne(&second.cipher, &first.cipher, sizeof(first.cipher));
	ck_assert_mem_ne(&second.mac, &first.mac, sizeof(first.mac));
	ck_assert_int_eq(standing(t, &first), 1);
	ck_assert_int_eq(standing(t, &second), 2);

	ck_assert_int_eq(tls_tickets_tend(t, 1000 + 2 * HOUR + 5), HOUR);
	ck_assert_int_eq(standing(t, &first), 0);
	ck_assert_int_eq(standing(t, &second), 1);
	tls_tickets_free(t);
}
END_TEST

/* After a machine slept for hours, no earlier key counts. */
START_TEST(test_late)
{
	struct tls_tickets *t = tls_tickets_new(0);
	struct tls_ticket_key first = newest_of(t);
	ck_assert_int_eq(tls_tickets_tend(t, 2 * HOUR), HOUR);
	ck_assert_int_eq(standing(t, &first), 0);
	tls_tickets_free(t);
}
END_TEST

START_TEST(test_years)
{
	struct tls_tickets *t = tls_tickets_new(0);
	struct tls_ticket_key before, older = newest_of(t);
	for (int64_t hour = 1; hour < 20000; hour++) {
		before = newest_of(t);
		ck_assert_int_eq(tls_tickets_tend(t, hour * HOUR), HOUR);
		ck_assert_int_eq(standing(t, &before), 1);
		ck_assert_int_eq(standing(t, &older), hour == 1 ? 1 : 0);
		older = before;
	}
	tls_tickets_free(t);
}
END_TEST

/* A worker sees the new keys of the parent. */
START_TEST(test_worker)
{
	int ready[2], go[2], status;
	char octet = 0;
	struct tls_tickets *t = tls_tickets_new(0);
	struct tls_ticket_key first = newest_of(t);
	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	pid_t worker = fork();
	if (worker == 0) {
		tls_tickets_read_only(t);
		bool before = standing(t, &first) == 2 && write(ready[1], "r", 1) == 1 && read(go[0], &octet, 1) == 1;
		_exit(before && standing(t, &first) == 1 ? 0 : 1);
	}
	ck_assert_int_eq(read(ready[0], &octet, 1), 1);
	tls_tickets_tend(t, HOUR);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	tls_tickets_free(t);
}
END_TEST

/* A worker dies when it writes to them. */
START_TEST(test_writer_dies)
{
	int status;
	struct tls_tickets *t = tls_tickets_new(0);
	struct tls_ticket_key first = newest_of(t);
	pid_t worker = fork();
	if (worker == 0) {
		tls_tickets_read_only(t);
		tls_tickets_tend(t, HOUR);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	ck_assert_int_eq(standing(t, &first), 2);
	tls_tickets_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_tickets");
	TCase *tcase = tcase_create("tickets");
	tcase_add_test(tcase, test_rotation);
	tcase_add_test(tcase, test_late);
	tcase_add_test(tcase, test_years);
	tcase_add_test(tcase, test_worker);
	tcase_add_test(tcase, test_writer_dies);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
