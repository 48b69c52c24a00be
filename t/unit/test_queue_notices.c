/* Mail that can't be delivered: notices to the sender, expiry, and badmail. */
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]\n local_domain sales.example.com { }\n"
		     " remote_domain other.test { route [192.0.2.2] }");
}

START_TEST(mixed_verdicts_of_one_job)
{
	struct wire_job_smtp job;
	struct span text;
	struct wire_job_notice notice;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test b@one.test c@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_FAILED, 550, false);
	report(w, id, 2, 2, JOURNAL_DELAYED, 451, true);
	const char *log = read_file(path_of("cur/%s.log", id));
	ck_assert_ptr_nonnull(strstr(log, " 0 delivered "));
	ck_assert_ptr_nonnull(strstr(log, " 1 failed 550 5.1.1 "));
	ck_assert_ptr_nonnull(strstr(log, " 2 delayed "));
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert(wire_decode_job_notice(text, &notice));
	ck_assert(span_equal(notice.id, span_of(id)) && msgid_valid(notice.notice_id));
	ck_assert_uint_eq((unsigned char)notice.rcpts.at[0], 2);
	report(local, id, 1, 1, JOURNAL_NOTICED, 0, true);
	expect_nothing(w);
	pass(15 * MINUTE);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 4);
	report(w, id, 2, 2, JOURNAL_DELIVERED, 250, true);
	ck_assert(!exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
	dismiss(local);
}
END_TEST

/* The worker has reported but holds the lock a moment longer: the notice waits for it; delayed recipients wait for
 * their time. */
START_TEST(notice_that_finds_the_lock_taken)
{
	struct wire_job_smtp job;
	struct span text;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@one.test b@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_FAILED, 550, false);
	int held = dup(w->message);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	for (int i = 0; i < 10; i++) {
		expect_nothing(local);
		expect_nothing(w);
		pass(20);
	}
	close(held);
	pass(3000);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	report(local, id, 0, 0, JOURNAL_NOTICED, 0, true);
	pass(14 * MINUTE);
	expect_nothing(w);
	ck_assert_uint_eq(known(id)->attempts, 1);
	pass(MINUTE);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	dismiss(w);
	dismiss(local);
}
END_TEST

START_TEST(notice_has_the_same_id_after_a_restart)
{
	struct wire_job_smtp job;
	struct span text;
	struct wire_job_notice notice;
	char first[MSGID_LEN + 1];
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_FAILED, 550, true);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert(wire_decode_job_notice(text, &notice) && span_copy(notice.notice_id, first, sizeof(first)));
	dismiss(local);
	dismiss(w);
	restart();
	local = hire(&f.loop.queue.local);
	pass(MINUTE);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert(wire_decode_job_notice(text, &notice));
	ck_assert(span_equal(notice.notice_id, span_of(first)));
	dismiss(local);
}
END_TEST

START_TEST(notice_that_fails_is_tried_again)
{
	struct wire_job_smtp job;
	struct span text;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_FAILED, 550, true);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	report(local, id, 0, 0, JOURNAL_DELAYED, 0, true);
	ck_assert_int_eq(next_job(local, &text), WIRE_NONE);
	pass(15 * MINUTE);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	report(local, id, 0, 0, JOURNAL_NOTICED, 0, true);
	ck_assert_ptr_null(known(id));
	dismiss(w);
	dismiss(local);
}
END_TEST

/* The alias gets a notice and no mail; its members get the mail. A restart tells the sender no second time. */
START_TEST(expanded_alias_gets_a_notice)
{
	struct wire_job_smtp job;
	struct span text;
	struct wire_job_notice notice;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "sales@one.test! a@one.test b@one.test");
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert(wire_decode_job_notice(text, &notice));
	ck_assert_uint_eq((unsigned char)notice.rcpts.at[0], 1);
	report(local, id, 0, 0, JOURNAL_NOTICED, 0, true);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 6);
	dismiss(local);
	dismiss(w);
	restart();
	local = hire(&f.loop.queue.local);
	w = hire(&f.loop.queue.delivery);
	pass(MINUTE);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 6);
	ck_assert_int_eq(next_job(local, &text), WIRE_NONE);
	report(w, id, 1, 2, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	accept_message(id, 0, "", "sales@one.test! a@one.test");
	expect_smtp(w, &job);
	report(w, id, 1, 1, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	dismiss(w);
	dismiss(local);
}
END_TEST

START_TEST(null_sender_becomes_badmail)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "", "a@one.test b@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_FAILED, 550, true);
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("badmail/%s.txt", id)), " 1 failed 550 5.1.1 "));
	ck_assert(!exists(path_of("cur/%s.log", id)));
	ck_assert_ptr_null(known(id));
	dismiss(w);
}
END_TEST

/* A rename from /tmp to /dev/shm fails if they are two file systems; if they are one, the test proves less. */
START_TEST(badmail_on_another_file_system)
{
	char path[] = "/dev/shm/mailroot-queue-XXXXXX", extra[128], name[128], sent[4096];
	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(extra, sizeof(extra), "badmail_dir %s", path);
	fixture_close();
	fixture_open(extra);
	make_id(0, id);
	size_t size = put_message("new", id, "", "a@example.com");
	snprintf(sent, sizeof(sent), "%s", read_file(path_of("new/%s", name_of(id, size))));
	write_file(path_of("new/%s", name_of(id, size + 1)), sent);
	unlink(path_of("new/%s", name_of(id, size)));
	restart();
	turn();
	ck_assert(!exists(path_of("new/%s", name_of(id, size + 1))));
	ck_assert_ptr_null(known(id));
	snprintf(name, sizeof(name), "%s/%s.eml", path, id);
	ck_assert_str_eq(read_file(name), sent);
	snprintf(name, sizeof(name), "%s/%s.txt", path, id);
	ck_assert_ptr_nonnull(strstr(read_file(name), "size"));
	snprintf(name, sizeof(name), "%s/.%s.eml", path, id);
	ck_assert(!exists(name));
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
END_TEST

START_TEST(expiry_makes_a_notice)
{
	struct wire_job_smtp job;
	struct span text;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@one.test");
	int attempts = 0;
	while (next_job(w, &text) == WIRE_job_smtp && attempts < 100) {
		attempts++;
		ck_assert(wire_decode_job_smtp(text, &job));
		report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
		if (f.loop.queue.wall_ms - f.start_wall_ms == 12 * HOUR) {
			ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
			report(local, id, 0, 0, JOURNAL_WARNED, 0, true);
		}
		if (known(id)->state == MESSAGE_WAITING)
			pass(known(id)->due_ms - f.loop.queue.mono_ms);
	}
	/* 0, 15m, 45m, 105m, 345m, 585m, at 12 hours with the notice, then every 4 hours, the last at 2 days. */
	ck_assert_int_eq(attempts, 16);
	ck_assert_int_eq(f.loop.queue.wall_ms - f.start_wall_ms, 48 * HOUR);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	const char *last = strstr(read_file(path_of("cur/%s.log", id)), " failed ");
	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_nonnull(
		strstr(last, "4.4.7 - expired after 2d; last: host.test[192.0.2.1]:25 said 451 said so\n"));
	dismiss(w);
	dismiss(local);
}
END_TEST

START_TEST(file_that_is_no_message_becomes_badmail)
{
	make_id(0, id);
	write_file(path_of("new/%s", name_of(id, 12)), "hello world\n");
	say_arrived(id, 12);
	turn();
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("badmail/%s.txt", id)), "not a valid message"));
	ck_assert_ptr_null(known(id));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		mixed_verdicts_of_one_job,
		notice_that_finds_the_lock_taken,
		notice_has_the_same_id_after_a_restart,
		notice_that_fails_is_tried_again,
		expanded_alias_gets_a_notice,
		null_sender_becomes_badmail,
		badmail_on_another_file_system,
		expiry_makes_a_notice,
		file_that_is_no_message_becomes_badmail,
	};
	return run_tests("queue_notices", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
