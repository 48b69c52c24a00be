#include "common/ipc/counters.h"
#include "master/links.h"
#include "t/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SMTPD = 1 << CHILD_SMTPD,
	QUEUE = 1 << CHILD_QUEUE,
	DELIVERY = 1 << CHILD_DELIVERY,
	LOCAL = 1 << CHILD_LOCAL,
	RESOLVER = 1 << CHILD_RESOLVER,
	TO_DELIVERY = 1 << CHILD_LINK_DELIVERY,
	TO_LOCAL = 1 << CHILD_LINK_LOCAL,
	TO_RESOLVER = 1 << CHILD_LINK_RESOLVER,
};

START_TEST(nothing_without_a_queue)
{
	ck_assert_uint_eq(links_due(DELIVERY | LOCAL | RESOLVER | SMTPD, CHILD_DELIVERY), 0);
	ck_assert_uint_eq(links_due(DELIVERY, CHILD_DELIVERY), 0);
}
END_TEST

START_TEST(a_queue_gets_links_to_all_ready_processes)
{
	ck_assert_uint_eq(links_due(QUEUE, CHILD_QUEUE), 0);
	ck_assert_uint_eq(links_due(QUEUE | RESOLVER, CHILD_QUEUE), TO_RESOLVER);
	ck_assert_uint_eq(links_due(QUEUE | SMTPD | DELIVERY | LOCAL | RESOLVER, CHILD_QUEUE),
			  TO_DELIVERY | TO_LOCAL | TO_RESOLVER);
}
END_TEST

START_TEST(a_helper_gets_only_its_own)
{
	ck_assert_uint_eq(links_due(QUEUE | DELIVERY | LOCAL | RESOLVER, CHILD_LOCAL), TO_LOCAL);
	ck_assert_uint_eq(links_due(QUEUE | DELIVERY, CHILD_DELIVERY), TO_DELIVERY);
	ck_assert_uint_eq(links_due(QUEUE | SMTPD | DELIVERY, CHILD_SMTPD), 0);
}
END_TEST

/* In whatever order processes start: every link is made once. */
START_TEST(every_order_makes_each_link_once)
{
	for (int order = 0; order < 3125; order++) { /* 5^5: each digit is the next process */
		unsigned ready = 0, made = 0;
		int digits = order;
		for (int i = 0; i < CHILD_ROLE_COUNT; i++, digits /= CHILD_ROLE_COUNT) {
			enum child_role fresh = (enum child_role)(digits % CHILD_ROLE_COUNT);
			if (ready & 1U << fresh)
				continue;
			ready |= 1U << fresh;
			unsigned due = links_due(ready, fresh);
			ck_assert_uint_eq(made & due, 0);
			made |= due;
		}
		if (ready == (1U << CHILD_ROLE_COUNT) - 1)
			ck_assert_uint_eq(made, TO_DELIVERY | TO_LOCAL | TO_RESOLVER);
	}
}
END_TEST

#define OF(role) (1U << CHILD_##role)

/* Of a kept link, and of a page, the roles that read and the roles that write. */
static const struct {
	enum child_fd fd;
	unsigned readers, writers;
} holders[] = {
	{CHILD_FD_ARRIVALS, OF(QUEUE), OF(SMTPD) | OF(PICKUP) | OF(LOCAL) | OF(WEB)},
	{CHILD_FD_VERDICTS, OF(QUEUE), OF(DELIVERY) | OF(LOCAL)},
	{CHILD_FD_RECORDS, OF(LOG), OF(SMTPD) | OF(DELIVERY)},
	{CHILD_FD_NAMES, OF(RESOLVER), OF(SMTPD) | OF(WEB)},
	{CHILD_FD_FULLNESS, OF(SMTPD) | OF(PICKUP), OF(QUEUE)},
	{CHILD_FD_TOKENS, OF(WEB), OF(DELIVERY)},
	{CHILD_FD_TOKEN_PAGE, OF(DELIVERY), OF(WEB)},
	{CHILD_FD_PASSWORDS, OF(KERBEROS), OF(SMTPD)},
	{CHILD_FD_FILTERS, OF(FILTERS), OF(SMTPD) | OF(PICKUP)},
	{CHILD_FD_COUNTERS, 0, (1U << CHILD_ROLE_COUNT) - 1},
};

START_TEST(each_process_has_its_end)
{
	struct links links;

	ck_assert_uint_eq(sizeof(holders) / sizeof(holders[0]), CHILD_FD_KEPT);
	for (int i = 0; i < CHILD_FD_KEPT; i++)
		links.kept[i] = (struct link_ends){100 + i, 200 + i};
	for (size_t i = 0; i < CHILD_FD_KEPT; i++) {
		int at = (int)holders[i].fd - CHILD_FD_ARRIVALS;
		for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
			int wanted = holders[i].readers & 1U << role   ? 100 + at
				     : holders[i].writers & 1U << role ? 200 + at
								       : -1;
			ck_assert_int_eq(links_of(&links, holders[i].fd, role), wanted);
		}
	}
	ck_assert_int_eq(links_peer(CHILD_LINK_CTL), CHILD_ROLE_COUNT);
	ck_assert_int_eq(links_peer((enum child_link)0), CHILD_ROLE_COUNT);
}
END_TEST

/* A reader of a page can't write it. */
START_TEST(pages_are_written_by_one_role)
{
	struct links links;

	links_init(&links);
	ck_assert_int_eq(links_open(&links), 0);
	const struct {
		enum child_fd fd;
		enum child_role writer, reader;
	} pages[] = {{CHILD_FD_FULLNESS, CHILD_QUEUE, CHILD_SMTPD}, {CHILD_FD_TOKEN_PAGE, CHILD_WEB, CHILD_DELIVERY}};
	for (size_t i = 0; i < 2; i++) {
		int writer = links_of(&links, pages[i].fd, pages[i].writer);
		int reader = links_of(&links, pages[i].fd, pages[i].reader);
		ck_assert_ptr_ne(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0), MAP_FAILED);
		ck_assert_ptr_ne(mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0), MAP_FAILED);
		ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), MAP_FAILED);
	}
	links_close(&links);
}
END_TEST

/* The page of counters of an older master goes on; one with another list gives way to a new one. */
START_TEST(counters_of_another_version_begin_anew)
{
	struct links older, links;

	links_init(&older);
	links_init(&links);
	ck_assert_int_eq(links_open(&older), 0);
	links_count_restart(&older, CHILD_QUEUE);
	if (_i) {
		uint64_t other = 1;
		int fd = links_of(&older, CHILD_FD_COUNTERS, CHILD_QUEUE);
		ck_assert_int_eq(pwrite(fd, &other, sizeof(other), 0), sizeof(other));
	}
	links_adopt(&links, older.kept);
	ck_assert_int_eq(links_counters(&links) < 0, _i);
	ck_assert_int_eq(links_open(&links), 0);
	const struct counters *page = counters_map_read(links_counters(&links));
	ck_assert_ptr_nonnull(page);
	ck_assert_uint_eq(counters_value(page, COUNTER_RESTART_QUEUE), _i ? 0 : 1);
	ck_assert_uint_eq(counters_value(page, COUNTER_RESTART_SMTPD), 0);
	counters_unmap(page);
	links_close(&links);
}
END_TEST

/* A writer of records never waits, and hundreds of records wait for a log that is down. */
START_TEST(records_wait_for_a_log_and_writers_do_not)
{
	struct links links;
	char packet[1024] = "";
	int sent = 0;

	links_init(&links);
	ck_assert_int_eq(links_open(&links), 0);
	while (send(links_of(&links, CHILD_FD_RECORDS, CHILD_SMTPD), packet, sizeof(packet), 0) == sizeof(packet))
		sent++;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_gt(sent, 80);
	links_close(&links);
	ck_assert_int_eq(links_of(&links, CHILD_FD_RECORDS, CHILD_LOG), -1);
}
END_TEST

/* Mail is accepted while the queue is down: hundreds of arrivals fit into the link, also with the limits of an
 * ordinary user. */
START_TEST(arrivals_wait_for_a_queue)
{
	struct links links;
	char packet[48] = "";

	links_init(&links);
	links_close(&links);
	ck_assert_int_eq(links_open(&links), 0);
	int kept = links_of(&links, CHILD_FD_ARRIVALS, CHILD_QUEUE);
	ck_assert_int_eq(links_open(&links), 0);
	ck_assert_int_eq(links_of(&links, CHILD_FD_ARRIVALS, CHILD_QUEUE), kept);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(
			send(links_of(&links, CHILD_FD_ARRIVALS, CHILD_SMTPD), packet, sizeof(packet), MSG_DONTWAIT),
			sizeof(packet));
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(
			recv(links_of(&links, CHILD_FD_ARRIVALS, CHILD_QUEUE), packet, sizeof(packet), MSG_DONTWAIT),
			sizeof(packet));
	links_close(&links);
	ck_assert_int_eq(links_of(&links, CHILD_FD_VERDICTS, CHILD_DELIVERY), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("links");
	TCase *tc = tcase_create("links");
	tcase_add_test(tc, nothing_without_a_queue);
	tcase_add_test(tc, a_queue_gets_links_to_all_ready_processes);
	tcase_add_test(tc, a_helper_gets_only_its_own);
	tcase_add_test(tc, every_order_makes_each_link_once);
	tcase_add_test(tc, each_process_has_its_end);
	tcase_add_test(tc, pages_are_written_by_one_role);
	tcase_add_loop_test(tc, counters_of_another_version_begin_anew, 0, 2);
	tcase_add_test(tc, arrivals_wait_for_a_queue);
	tcase_add_test(tc, records_wait_for_a_log_and_writers_do_not);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
