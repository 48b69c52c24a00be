/* What workers report: verdicts, journals, and workers or queues that end in between. */
#include "t/unit/queue_fixture.h"
#include "t/unit/wire_sample.h"

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]\n local_domain sales.example.com { }\n"
		     " remote_domain other.test { route [192.0.2.2] }");
}

/* A verdict "0 to 2" for a job of recipients 0 and 2 does not count for recipient 1, which another worker has. */
START_TEST(verdict_counts_only_for_its_job)
{
	struct wire_job_smtp job;
	struct hand *one = hire(&f.loop.queue.delivery), *two = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@other.test c@one.test");
	expect_smtp(one, &job);
	struct hand *smart = span_equal(job.destination, SPAN("[192.0.2.1]:25")) ? one : two;
	expect_smtp(two, &job);
	report(smart, id, 0, 2, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_nonnull(known(id));
	ck_assert_uint_eq(known(id)->loaded->counts[RECIPIENT_OPEN], 1);
	ck_assert_uint_eq(known(id)->loaded->states[1], RECIPIENT_OPEN);
	dismiss(one);
	dismiss(two);
}
END_TEST

START_TEST(worker_death_is_a_temporary_failure)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	die(w, &f.loop.queue.delivery);
	w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	ck_assert(exists(path_of("new/%s", name_of(id, size))));
	pass(1000);
	expect_smtp(w, &job);
	die(w, &f.loop.queue.delivery);
	/* The second time the message waits as if a host had delayed it. */
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	w = hire(&f.loop.queue.delivery);
	pass(15 * MINUTE - 1);
	expect_nothing(w);
	pass(1);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

START_TEST(last_words_of_a_worker_count)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	send_verdict(&(struct wire_verdict){
		.id = span_of(id), .worker = w->number, .event = JOURNAL_DELIVERED, .code = 250, .last_of_job = true});
	die(w, &f.loop.queue.delivery);
	ck_assert_ptr_null(known(id));
}
END_TEST

START_TEST(verdict_after_a_restart)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	int held = w->message;
	w->message = -1;
	restart();
	struct hand *other = hire(&f.loop.queue.delivery);
	turn();
	ck_assert_int_eq(known(id)->state, MESSAGE_LOCKED);
	pass(5000);
	expect_nothing(other);
	/* The old worker reports, then lets go; the new queue must see it in that order. */
	send_verdict(&(struct wire_verdict){.id = span_of(id), .worker = 1, .event = JOURNAL_DELIVERED, .code = 250});
	close(held);
	f.loop.queue.mono_ms += 10000;
	loop_turn(&f.loop);
	turn();
	expect_nothing(other);
	ck_assert_ptr_null(known(id));
	ck_assert(!exists(path_of("new/%s", name_of(id, size))));
	dismiss(w);
	dismiss(other);
}
END_TEST

/* The verdict came while there was no queue, and the lock is free when the scan starts. */
START_TEST(verdict_waits_for_the_next_queue)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@one.test");
	expect_smtp(w, &job);
	let_go(w);
	send_verdict(&(struct wire_verdict){
		.id = span_of(id), .worker = 1, .first = 1, .last = 1, .event = JOURNAL_DELIVERED, .code = 250});
	restart();
	struct hand *other = hire(&f.loop.queue.delivery);
	turn();
	expect_smtp(other, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 1);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 1 delivered 250 "));
	dismiss(w);
	dismiss(other);
}
END_TEST

START_TEST(journal_of_a_worker_is_believed)
{
	struct wire_job_smtp job;
	struct hand *one = hire(&f.loop.queue.delivery), *two = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@other.test");
	expect_smtp(one, &job);
	unsigned rcpt = (unsigned char)job.rcpts.at[0] == 1 ? 0 : 1;
	char line[128];
	snprintf(line, sizeof(line), "2026-11-21T01:00:00Z %u delivered 250 2.0.0 - ok\n2026-11-21T01:00:00Z torn",
		 rcpt);
	ck_assert_int_eq(fd_write_all(one->journal, span_of(line)), 0);
	dismiss(one);
	dismiss(two);
	restart();
	struct hand *w = hire(&f.loop.queue.delivery);
	pass(MINUTE);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], rcpt == 0 ? 2 : 1);
	report(w, id, 1 - rcpt, 1 - rcpt, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	expect_nothing(w);
	dismiss(w);
}
END_TEST

START_TEST(hostile_verdicts_change_nothing)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	char stranger[MSGID_LEN + 1];
	make_id(0, stranger);
	send_verdict(&(struct wire_verdict){.id = span_of(stranger), .event = JOURNAL_FAILED});
	send_verdict(&(struct wire_verdict){.id = SPAN("../../etc"), .event = JOURNAL_FAILED});
	send_verdict(&(struct wire_verdict){
		.id = span_of(id), .first = 4000, .last = 4999, .worker = 77, .event = JOURNAL_DELIVERED});
	send_verdict(&(struct wire_verdict){.id = span_of(id), .worker = 77, .event = 15});
	send_verdict(&(struct wire_verdict){.id = span_of(id), .first = 3, .last = 2, .event = JOURNAL_DELIVERED});
	ck_assert_int_eq(ipc_send(f.verdicts[1], SPAN("\1\2\3"), NULL, 0), 0);
	struct str packet;
	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_verdicts, WIRE_UP)
	{
		wire_sample(type, &packet);
		ck_assert_msg(!verdicts_apply(&f.loop.queue, str_span(&packet)), "%s", wire_type_name(type));
	}
	str_free(&packet);
	turn();
	ck_assert_int_eq(known(id)->state, MESSAGE_ACTIVE);
	ck_assert_uint_eq(known(id)->loaded->counts[RECIPIENT_OPEN], 1);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	dismiss(w);
}
END_TEST

/* A worker that can't read its message reports on recipient 0, whatever the recipients of its job. */
START_TEST(verdict_for_none_ends_the_job)
{
	struct wire_job_smtp job;
	struct hand *one = hire(&f.loop.queue.delivery), *two = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@other.test");
	expect_smtp(one, &job);
	struct hand *other = (unsigned char)job.rcpts.at[0] == 2 ? one : two;
	struct hand *smart = other == one ? two : one;
	expect_smtp(two, &job);
	const struct wire_verdict none = {.id = span_of(id),
					  .worker = other->number,
					  .event = JOURNAL_DELAYED,
					  .text = SPAN("can't read it"),
					  .last_of_job = true};
	report(smart, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	send_verdict(&none);
	let_go(other);
	turn();
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 1 delayed 0 - - can't read it\n"));
	dismiss(one);
	dismiss(two);
}
END_TEST

/* A worker that retires closes its end; it keeps its current job until it reports. */
START_TEST(worker_that_retires_keeps_its_job)
{
	struct wire_job_smtp job;
	char second[MSGID_LEN + 1];
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	shutdown(w->fd, SHUT_RD);
	accept_message(second, 0, "app@example.net", "a@one.test");
	ck_assert_uint_eq(queue_jobs_out(&f.loop.queue), 1);
	struct hand *fresh = hire(&f.loop.queue.delivery);
	expect_smtp(fresh, &job);
	ck_assert(span_equal(job.id, span_of(second)));
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	die(w, &f.loop.queue.delivery);
	expect_nothing(fresh);
	dismiss(fresh);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		verdict_counts_only_for_its_job, worker_death_is_a_temporary_failure, last_words_of_a_worker_count,
		verdict_after_a_restart,         verdict_waits_for_the_next_queue,    journal_of_a_worker_is_believed,
		hostile_verdicts_change_nothing, verdict_for_none_ends_the_job,       worker_that_retires_keeps_its_job,
	};
	return run_tests("queue_verdicts", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
