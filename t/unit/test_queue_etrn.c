/* ETRN in a whole queue: mail waits without attempts, and is sent at a request. */
#include "queue/etrn/etrn_server.h"

#include "queue/model/etrn_hold.h"
#include "t/unit/etrn_fixture.h"

enum { DAY = 24 * HOUR };

static enum etrn_event etrn(const char *domain, bool below, uint64_t *count)
{
	const struct wire_etrn request = {.domain = span_of(domain), .below = below};
	struct str packet;
	str_init(&packet, 1024);
	ck_assert(wire_encode_etrn(&request, &packet));
	int fd = ask(str_span(&packet), -1);
	enum etrn_event event = hear(fd, count);
	close(fd);
	str_free(&packet);
	return event;
}

START_TEST(test_waits_without_attempts)
{
	mail_for("user@branch.test");
	expect_nothing(hand);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert(!exists(path_of("cur/%s.log", id)) && !known(id)->in_cur);
	pass(3 * DAY);
	expect_nothing(hand);
	ck_assert_msg(!exists(path_of("cur/%s.log", id)), "delivery expire and retry are not for this mail");
	ck_assert_uint_eq(known(id)->attempts, 0);
}
END_TEST

START_TEST(test_is_sent_at_a_request)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@branch.test");
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("other.test", false, &count), ETRN_REFUSED);
	ck_assert_int_eq(etrn("x.branch.test", false, &count), ETRN_NOTHING);
	expect_nothing(hand);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	struct hand *hands[] = {hand, second};
	for (int i = 0; i < 2; i++) {
		struct span text;
		ck_assert_int_eq(next_job(hands[i], &text), WIRE_job_smtp);
		ck_assert(wire_decode_job_smtp(text, &job));
		ck_assert(!job.turned);
		ck_assert(span_copy(job.id, id, sizeof(id)));
		report(hands[i], id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	}
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
}
END_TEST

START_TEST(test_open_for_a_while)
{
	struct wire_job_smtp job;
	uint64_t count;
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
	pass(ETRN_OPEN_MS / 2);
	mail_for("user@branch.test");
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	pass(ETRN_OPEN_MS);
	pass(ETRN_OPEN_MS);
	mail_for("user@branch.test");
	expect_nothing(hand);
	expect_nothing(second);
}
END_TEST

/* Mail that a host delays is not tried again in an endless loop: it waits for the next ETRN. */
START_TEST(test_each_message_once)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 450, true);
	for (int i = 0; i < 5; i++)
		pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_UNDER_WAY);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
}
END_TEST

START_TEST(test_below)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@a.branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", true, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 1);
	expect_smtp(second, &job);
	ck_assert(span_find(job.destination, ' ') < job.destination.len);
}
END_TEST

START_TEST(test_expires_by_its_own_time)
{
	struct hand *local = hire(&f.loop.queue.local);
	struct span text;
	mail_for("user@branch.test");
	pass(10 * DAY - 1000);
	ck_assert_uint_eq(waiting(), 1);
	pass(2000);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(
		strstr(read_file(path_of("cur/%s.log", id)), "no ETRN or ATRN has requested the mail of branch.test"));
	dismiss(local);
}
END_TEST

/* One recipient is sent at once; its outcome is in the journal, because the other one waits. */
START_TEST(test_beside_others)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("a@elsewhere.test b@branch.test");
	expect_smtp(second, &job);
	ck_assert_int_ge(second->journal, 0);
	report(second, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(waiting(), 1);
	pass(2 * HOUR);
	expect_nothing(second);
	restart();
	turn();
	dismiss(hand);
	dismiss(second);
	hand = hire(&f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
	expect_nothing(second);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
}
END_TEST

START_TEST(test_for_two_domains_that_wait)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("a@branch.test b@x.branch.test");
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_int_eq(etrn("x.branch.test", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 0);
	expect_smtp(second, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	report(second, id, 1, 1, JOURNAL_DELIVERED, 250, true);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	(void)etrn("branch.test", false, &count);
	/* The other recipient has another host. */
	expect_smtp(hand, &job);
	report(hand, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

/* However many requests come, there is one early attempt in ETRN_AGAIN_MS, and requests per second are bounded. */
START_TEST(test_flood)
{
	struct wire_job_smtp job;
	uint64_t count;
	unsigned later = 0;
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 0, true);
	for (int i = 0; i < 2 * ETRN_A_SECOND; i++) {
		enum etrn_event event = etrn("branch.test", false, &count);
		later += event == ETRN_LATER;
		ck_assert(event == ETRN_LATER || event == ETRN_UNDER_WAY);
	}
	ck_assert_uint_eq(later, ETRN_A_SECOND + 1);
	expect_nothing(second);
	expect_nothing(hand);
}
END_TEST

START_TEST(test_hostile_packets)
{
	static const char *const wrong[] = {"", "@branch.test", "branch..test", "#x"};
	uint64_t count;
	int fds[2];
	struct str packet;
	str_init(&packet, 8192);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct wire_etrn request = {.domain = span_of(wrong[i])};
		str_clear(&packet);
		ck_assert(wire_encode_etrn(&request, &packet));
		int fd = ask(str_span(&packet), -1);
		ck_assert_msg(closed(fd), "its socket is not kept");
		close(fd);
	}
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	const struct wire_etrn good = {.domain = SPAN("branch.test")};
	str_clear(&packet);
	ck_assert(wire_encode_etrn(&good, &packet));
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), &fds[1], 1), 0); /* no socket */
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), (int[]){fds[1], fds[1], fds[1], fds[1]}, 4), 0);
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	close(fds[1]);
	turn();
	ck_assert_msg(closed(fds[0]), "a descriptor is kept");
	close(fds[0]);
	str_free(&packet);
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("branch.test", "alice", true, &count), ETRN_REFUSED);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "mallory", true, &count), ETRN_REFUSED);
	ck_assert(closed(turned.stream));
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test branch.test", "alice", true, &count), ETRN_REFUSED);
	let_turned_go();
	expect_nothing(second);
}
END_TEST

/* After a reload without etrn, no mail waits for a request. */
START_TEST(test_reload_takes_etrn_away)
{
	struct wire_job_smtp job;
	mail_for("user@branch.test");
	expect_nothing(second);
	ck_assert(reload_take(&f.loop.queue, canonical("remote_domain branch.test { route [192.0.2.1] }")));
	expect_smtp(second, &job);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_waits_without_attempts,
		test_is_sent_at_a_request,
		test_open_for_a_while,
		test_each_message_once,
		test_below,
		test_expires_by_its_own_time,
		test_beside_others,
		test_for_two_domains_that_wait,
		test_flood,
		test_hostile_packets,
		test_reload_takes_etrn_away,
	};
	return run_tests("queue_etrn", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
