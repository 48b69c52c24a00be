/* ATRN in a whole queue: mail is sent over the connection of the client. */
#include "queue/etrn/atrn_server.h"

#include "t/unit/etrn_fixture.h"

static char other[MSGID_LEN + 1];

/* The stream of the job is the connection of the client: text passes between the two ends. */
static void is_our_stream(int fd)
{
	char octet;
	ck_assert_int_eq(send(turned.stream, "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(fd, &octet, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(octet, 'x');
}

START_TEST(test_fetch)
{
	struct wire_job_smtp job;
	uint64_t count;
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_NOTHING);
	let_turned_go();
	mail_for("user@dial.test");
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("", "alice", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	expect_smtp(second, &job);
	ck_assert(job.turned && job.stream == 1 && second->journal >= 0);
	int stream = second->journal; /* the second descriptor, because there is no journal */
	second->journal = -1;
	is_our_stream(stream);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	expect_nothing(hand); /* there is one connection */
	int64_t begun = f.loop.queue.mono_ms;
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	expect_smtp(second, &job);
	ck_assert(job.turned && !job.stream && f.loop.queue.mono_ms == begun);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	close(stream);
	let_turned_go();
}
END_TEST

START_TEST(test_client_vanishes)
{
	struct wire_job_smtp job;
	uint64_t count;
	accept_message(other, 0, "app@example.net", "user@dial.test");
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	fd_close(&second->journal);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 0, true);
	pass(1000);
	pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 2);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	expect_smtp(second, &job);
	ck_assert(job.turned && job.stream);
	let_turned_go();
}
END_TEST

/* smtpd ends the claim: the current message is finished, and no other one begins. */
START_TEST(test_claim_given_up)
{
	struct wire_job_smtp job;
	uint64_t count;
	for (int i = 0; i < 3; i++)
		mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	fd_close(&second->journal);
	fd_close(&turned.claim);
	pass(1000);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	pass(1000);
	expect_nothing(second);
	expect_nothing(hand);
	ck_assert_uint_eq(waiting(), 2);
	let_turned_go();
}
END_TEST

START_TEST(test_only_one_at_a_time_and_only_under_tls)
{
	uint64_t count;
	mail_for("user@dial.test");
	mail_for("user@safe.test");
	ck_assert_int_eq(atrn("safe.test", "alice", false, &count), ETRN_NEEDS_TLS);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	int claim = turned.claim, stream = turned.stream;
	ck_assert_int_eq(atrn("dial.test", "alice", true, &count), ETRN_LATER);
	let_turned_go();
	ck_assert_int_eq(atrn("safe.test", "alice", true, &count), ETRN_BEGUN);
	let_turned_go();
	close(claim);
	close(stream);
}
END_TEST

START_TEST(test_worker_dies_with_the_connection)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	die(second, &f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
	ck_assert_msg(closed(turned.stream), "another process holds it");
	for (int i = 0; i < 4; i++)
		pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 1);
	let_turned_go();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_fetch,
		test_client_vanishes,
		test_claim_given_up,
		test_only_one_at_a_time_and_only_under_tls,
		test_worker_dies_with_the_connection,
	};
	return run_tests("queue_atrn", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
