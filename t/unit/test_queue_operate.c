/* What mailrootctl does to messages: retry, hold, release, delete, bounce; and which messages are left alone. */
#include "t/unit/console_fixture.h"

START_TEST(retry_is_now)
{
	struct wire_job_smtp job;
	delay("app@example.net", "u@one.test");
	ASK(queue_act, .action = ROW_RETRY, .select_id = span_of(id), .count_only = true);
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ASK(queue_act, .action = ROW_RETRY, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " * retry 0 - - "));
	dismiss(w);
}
END_TEST

START_TEST(delete_of_what_waits)
{
	delay("app@example.net", "u@one.test");
	ASK(queue_act, .action = ROW_DELETE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_ptr_null(known(id));
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert(!exists(path_of("cur/%s.log", id)));
	ASK(queue_act, .action = ROW_DELETE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|0|0|0|0\n");
}
END_TEST

/* A message that a worker is sending is not changed, nor are its other recipients. */
START_TEST(messages_being_sent_are_left_alone)
{
	static const enum row_action actions[] = {ROW_RETRY, ROW_HOLD, ROW_DELETE, ROW_BOUNCE};
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test v@other.test");
	expect_smtp(w, &job);
	unsigned mine = (unsigned char)job.rcpts.at[0] == 1 ? 0 : 1;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		ASK(queue_act, .action = actions[i], .select_sender = SPAN("app@example.net"));
		ck_assert_str_eq(str_text(&rows), "count|0|1|0|0\n");
	}
	report(w, id, mine, mine, JOURNAL_DELIVERED, 250, true);
	expect_smtp(w, &job);
	report(w, id, 1 - mine, 1 - mine, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	ck_assert(!exists(path_of("badmail/%s.eml", id)));
	dismiss(w);
}
END_TEST

/* Jobs that no worker has yet are withdrawn. */
START_TEST(what_waits_for_a_worker_is_held)
{
	struct wire_job_smtp job;
	accept_message(id, 0, "app@example.net", "u@one.test v@other.test");
	ck_assert_int_eq(known(id)->state, MESSAGE_ACTIVE);
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_int_eq(known(id)->state, MESSAGE_HELD);
	ck_assert_uint_eq(f.loop.queue.messages.loaded_count, 0);
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	pass(7 * 24 * HOUR);
	expect_nothing(w);
	ASK(queue_list, .limit = 0);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|held|"));
	ASK(queue_act, .action = ROW_RETRY, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|0|0|1|0\n");
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id), .count_only = true);
	ck_assert_str_eq(str_text(&rows), "count|0|0|1|0\n");
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	expect_smtp(w, &job);
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|0|0|1|0\n");
	dismiss(w);
}
END_TEST

/* Held before and after a restart, whether a crash left the line of the journal, its time, or both. */
START_TEST(held_over_restarts)
{
	static const struct timespec long_gone[2] = {{.tv_sec = 86400}, {.tv_sec = 86400}};
	delay("app@example.net", "u@one.test");
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			ck_assert_int_eq(utimensat(AT_FDCWD, path_of("cur/%s.log", id), long_gone, 0), 0);
		restart();
		pass(5 * HOUR);
		struct hand *w = hire(&f.loop.queue.delivery);
		expect_nothing(w);
		ck_assert_int_eq(known(id)->state, MESSAGE_HELD);
		dismiss(w);
	}
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
	close(reader);
	reader = ends[1];
	ctl = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	restart();
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

/* After a restart a worker of the previous queue may still send it, which its lock shows. */
START_TEST(messages_locked_by_others_are_left_alone)
{
	static const enum row_action actions[] = {ROW_HOLD, ROW_DELETE, ROW_BOUNCE};
	delay("app@example.net", "u@one.test");
	size_t size = known(id)->size;
	restart();
	pass(1000);
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
	close(reader);
	reader = ends[1];
	ctl = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
	int fd = open(path_of("cur/%s", name_of(id, size)), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		ASK(queue_act, .action = actions[i], .select_id = span_of(id));
		ck_assert_str_eq(str_text(&rows), "count|0|1|0|0\n");
	}
	close(fd);
	ASK(queue_act, .action = ROW_DELETE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
}
END_TEST

START_TEST(bounce_makes_a_notice_now)
{
	struct span text;
	delay("app@example.net", "u@one.test v@one.test");
	struct hand *local = hire(&f.loop.queue.local);
	ASK(queue_act, .action = ROW_BOUNCE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " failed 0 5.0.0 - returned to the sender"));
	report(local, id, 0, 1, JOURNAL_NOTICED, 0, true);
	ck_assert_ptr_null(known(id));
	dismiss(local);
}
END_TEST

START_TEST(bounce_without_a_sender_is_badmail)
{
	delay("", "u@one.test");
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
	ASK(queue_act, .action = ROW_BOUNCE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_ptr_null(known(id));
	ck_assert(exists(path_of("badmail/%s.eml", id)));
}
END_TEST

START_TEST(delete_everything_while_listing)
{
	for (int i = 0; i < 100; i++)
		accept_message(id, 0, "app@example.net", "u@one.test");
	ASK(queue_act, .action = ROW_DELETE, .select_domain = SPAN("one.test"));
	ck_assert_str_eq(str_text(&rows), "count|100|0|0|0\n");
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	ck_assert_uint_eq(f.loop.queue.messages.loaded_count, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		retry_is_now,
		delete_of_what_waits,
		messages_being_sent_are_left_alone,
		what_waits_for_a_worker_is_held,
		held_over_restarts,
		messages_locked_by_others_are_left_alone,
		bounce_makes_a_notice_now,
		bounce_without_a_sender_is_badmail,
		delete_everything_while_listing,
	};
	return run_tests("queue_operate", tests, sizeof(tests) / sizeof(tests[0]), reader_open, reader_close);
}
