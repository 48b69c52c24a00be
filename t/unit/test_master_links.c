#include "master/links.h"
#include "t/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

START_TEST(each_process_has_its_end)
{
	struct links links = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, {{0}}};

	ck_assert_int_eq(links_arrivals_of(&links, CHILD_QUEUE), 10);
	ck_assert_int_eq(links_arrivals_of(&links, CHILD_SMTPD), 11);
	ck_assert_int_eq(links_arrivals_of(&links, CHILD_LOCAL), 11);
	ck_assert_int_eq(links_arrivals_of(&links, CHILD_DELIVERY), -1);
	ck_assert_int_eq(links_arrivals_of(&links, CHILD_RESOLVER), -1);
	ck_assert_int_eq(links_verdicts_of(&links, CHILD_QUEUE), 12);
	ck_assert_int_eq(links_verdicts_of(&links, CHILD_DELIVERY), 13);
	ck_assert_int_eq(links_verdicts_of(&links, CHILD_LOCAL), 13);
	ck_assert_int_eq(links_verdicts_of(&links, CHILD_SMTPD), -1);
	ck_assert_int_eq(links_records_of(&links, CHILD_LOG), 14);
	ck_assert_int_eq(links_records_of(&links, CHILD_SMTPD), 15);
	ck_assert_int_eq(links_records_of(&links, CHILD_DELIVERY), 15);
	ck_assert_int_eq(links_records_of(&links, CHILD_QUEUE), -1);
	ck_assert_int_eq(links_names_of(&links, CHILD_RESOLVER), 16);
	ck_assert_int_eq(links_names_of(&links, CHILD_SMTPD), 17);
	ck_assert_int_eq(links_names_of(&links, CHILD_DELIVERY), -1);
	ck_assert_int_eq(links_fullness_of(&links, CHILD_SMTPD), 18);
	ck_assert_int_eq(links_fullness_of(&links, CHILD_QUEUE), 19);
	ck_assert_int_eq(links_fullness_of(&links, CHILD_PICKUP), 18);
	ck_assert_int_eq(links_fullness_of(&links, CHILD_LOCAL), -1);
	ck_assert_int_eq(links_peer(CHILD_LINK_CTL), CHILD_ROLE_COUNT);
	ck_assert_int_eq(links_peer((enum child_link)0), CHILD_ROLE_COUNT);
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
	while (send(links.records_write, packet, sizeof(packet), 0) == sizeof(packet))
		sent++;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_gt(sent, 80);
	links_close(&links);
	ck_assert_int_eq(links.records_read, -1);
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
	int kept = links.arrivals_read;
	ck_assert_int_eq(links_open(&links), 0);
	ck_assert_int_eq(links.arrivals_read, kept);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(send(links.arrivals_write, packet, sizeof(packet), MSG_DONTWAIT), sizeof(packet));
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(recv(links.arrivals_read, packet, sizeof(packet), MSG_DONTWAIT), sizeof(packet));
	links_close(&links);
	ck_assert_int_eq(links.verdicts_write, -1);
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
	tcase_add_test(tc, arrivals_wait_for_a_queue);
	tcase_add_test(tc, records_wait_for_a_log_and_writers_do_not);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
