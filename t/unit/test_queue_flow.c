/* The way of a message through the queue: jobs, verdicts, and everything that can fail in between. */
#include "t/unit/queue_fixture.h"
#include "t/unit/wire_sample.h"

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]\n local_domain sales.example.com { }\n"
		     " remote_domain other.test { route [192.0.2.2] }");
}

START_TEST(local_mail_is_renamed)
{
	accept_message(id, 0, "app@example.net", "a@example.com b@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert_ptr_null(known(id));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	ck_assert_uint_eq(f.loop.queue.messages.loaded_count, 0);
	ck_assert_uint_eq(f.loop.queue.messages.file_count, 0);
}
END_TEST

START_TEST(arrival_of_a_known_or_removed_message)
{
	size_t size = accept_message(id, 0, "app@example.net", "u@remote.test");
	say_arrived(id, size);
	turn();
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 1);
	make_id(0, id);
	say_arrived(id, 100);
	turn();
	ck_assert_ptr_null(known(id));
}
END_TEST

START_TEST(hostile_arrivals_are_ignored)
{
	static const char *const names[] = {"", "../x", "/etc/passwd", "a", ".01", "x,S=1.eml"};
	struct str packet;
	str_init(&packet, 256);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct wire_arrived arrived = {.name = span_of(names[i])};
		str_clear(&packet);
		ck_assert(wire_encode_arrived(&arrived, &packet));
		ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	}
	ck_assert_int_eq(ipc_send(f.arrivals[1], SPAN("\377junk"), NULL, 0), 0);
	str_clear(&packet);
	const struct wire_credentials_ready ready = {.security = SPAN("connector nobody")};
	ck_assert(wire_encode_credentials_ready(&ready, &packet));
	for (size_t len = 1; len <= packet.len; len++) /* cut anywhere */
		ck_assert_int_eq(ipc_send(f.arrivals[1], (struct span){packet.at, len}, NULL, 0), 0);
	int null = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), (int[]){null, null}, 2), 0);
	close(null);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_arrivals, WIRE_UP)
	{
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	}
	turn();
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	str_free(&packet);
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(remote_mail_is_one_job)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test b@two.test");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(id)));
	ck_assert(span_equal(job.destination, SPAN("[192.0.2.1]:25")));
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.1 192.0.2.1 25\n")));
	ck_assert_uint_eq(job.rcpts.len, 0);
	ck_assert_uint_eq(job.size, size);
	ck_assert_int_eq(w->journal, -1);
	ck_assert(locked(path_of("new/%s", name_of(id, size))));
	expect_nothing(w);
	report(w, id, 0, 1, JOURNAL_DELIVERED, 250, true);
	ck_assert(!exists(path_of("new/%s", name_of(id, size))));
	ck_assert(!exists(path_of("cur/%s.log", id)));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	ck_assert_uint_eq(queue_jobs_out(&f.loop.queue), 0);
	dismiss(w);
}
END_TEST

START_TEST(lock_of_smtpd_is_waited_for)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@one.test");
	int fd = open(path_of("new/%s", name_of(id, size)), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	say_arrived(id, size);
	for (int i = 0; i < 5; i++) {
		turn();
		expect_nothing(w);
		pass(20);
	}
	ck_assert_uint_eq(known(id)->attempts, 0);
	close(fd);
	pass(3000);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

START_TEST(two_destinations_are_two_jobs_with_a_journal)
{
	struct wire_job_smtp job;
	struct hand *one = hire(&f.loop.queue.delivery), *two = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test b@other.test c@one.test");
	expect_smtp(one, &job);
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_int_ge(one->journal, 0);
	bool first_is_smart_host = span_equal(job.destination, SPAN("[192.0.2.1]:25"));
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], first_is_smart_host ? 5 : 2);
	expect_smtp(two, &job);
	ck_assert_int_ge(two->journal, 0);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], first_is_smart_host ? 2 : 5);
	struct hand *smart = first_is_smart_host ? one : two, *other = first_is_smart_host ? two : one;
	report(smart, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(smart, id, 2, 2, JOURNAL_DELIVERED, 250, true);
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 2 delivered 250 2.0.0 "));
	report(other, id, 1, 1, JOURNAL_DELIVERED, 250, true);
	ck_assert(!exists(path_of("cur/%s", name_of(id, size))));
	ck_assert(!exists(path_of("cur/%s.log", id)));
	dismiss(one);
	dismiss(two);
}
END_TEST

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

START_TEST(many_recipients_are_several_jobs)
{
	struct str rcpts;
	struct wire_job_smtp job;
	struct hand *w[3];
	str_init(&rcpts, 1 << 16);
	for (int i = 0; i < 250; i++)
		str_printf(&rcpts, "%su%d@one.test", i ? " " : "", i);
	for (int i = 0; i < 3; i++)
		w[i] = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", str_text(&rcpts));
	size_t seen = 0;
	for (int i = 0; i < 3; i++) {
		expect_smtp(w[i], &job);
		for (size_t at = 0; at < job.rcpts.len; at++)
			seen += (size_t)__builtin_popcount((unsigned char)job.rcpts.at[at]);
		ck_assert_int_ge(w[i]->journal, 0);
	}
	ck_assert_uint_eq(seen, 250);
	for (int i = 0; i < 3; i++)
		dismiss(w[i]);
	str_free(&rcpts);
}
END_TEST

START_TEST(delay_waits_its_time_in_cur)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	struct stat st;
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_ptr_nonnull(
		strstr(read_file(path_of("cur/%s.log", id)), " 0 delayed 451 4.2.0 host.test[192.0.2.1]:25 said so\n"));
	ck_assert_int_eq(stat(path_of("cur/%s.log", id), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, (f.loop.queue.wall_ms + 15 * MINUTE) / 1000);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_ptr_null(known(id)->loaded);
	pass(15 * MINUTE - 1);
	expect_nothing(w);
	pass(1);
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	pass(29 * MINUTE);
	expect_nothing(w);
	pass(MINUTE);
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	ck_assert(!exists(path_of("cur/%s.log", id)));
	dismiss(w);
}
END_TEST

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

START_TEST(clock_set_forward_expires_nothing)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	f.loop.queue.wall_ms += 10 * 24 * (int64_t)HOUR;
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	f.loop.queue.wall_ms -= 20 * 24 * (int64_t)HOUR;
	pass(15 * MINUTE);
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	ck_assert_int_le(known(id)->due_ms - f.loop.queue.mono_ms, 30 * MINUTE);
	dismiss(w);
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

START_TEST(host_that_no_job_reaches)
{
	struct wire_job_smtp job;
	char ids[6][MSGID_LEN + 1];
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 6; i++)
		accept_message(ids[i], 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	report(w, id, 0, 0, JOURNAL_DELAYED, 0, true);
	/* The other messages are not all tried at a host that is down; they wait for it. */
	expect_nothing(w);
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_ACTIVE], 5);
	pass(1100);
	expect_smtp(w, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	/* The host is up again: messages that waited for it are sent at once, before the time of their next attempt. */
	for (int i = 0; i < 4; i++) {
		expect_smtp(w, &job);
		ck_assert(span_copy(job.id, id, sizeof(id)));
		report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	}
	expect_smtp(w, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	ck_assert(msgid_valid(span_of(id)));
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

START_TEST(host_down_for_long_takes_no_memory)
{
	struct wire_job_smtp job;
	struct span text;
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 30; i++)
		accept_message(id, 0, "app@example.net", "a@one.test");
	for (int i = 0; i < 3600; i++) {
		if (next_job(w, &text) == WIRE_job_smtp) {
			ck_assert(wire_decode_job_smtp(text, &job) && span_copy(job.id, id, sizeof(id)));
			report(w, id, 0, 0, JOURNAL_DELAYED, 0, true);
		}
		pass(100);
	}
	ck_assert_uint_eq(f.loop.queue.messages.loaded_count, 0);
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], 30);
	dismiss(w);
}
END_TEST

START_TEST(following_job_over_the_same_connection)
{
	struct wire_job_smtp job;
	char second[MSGID_LEN + 1], third[MSGID_LEN + 1];
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	accept_message(second, 0, "app@example.net", "a@one.test");
	expect_nothing(w);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(second)));
	accept_message(third, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(third)));
	/* The worker dies with one job that it began and one that it did not: only the first counts as failed. */
	die(w, &f.loop.queue.delivery);
	w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(third)));
	pass(1000);
	report(w, third, 0, 0, JOURNAL_DELIVERED, 250, true);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(second)));
	dismiss(w);
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

START_TEST(stopping_queue_begins_nothing)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	f.loop.queue.stopping = true;
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@one.test");
	say_arrived(id, size);
	ck_assert_int_gt(loop_turn(&f.loop), 0);
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_receive(w->fd, w->buffer, sizeof(w->buffer), MSG_DONTWAIT, &packet), -EAGAIN);
	dismiss(w);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		local_mail_is_renamed,
		arrival_of_a_known_or_removed_message,
		hostile_arrivals_are_ignored,
		remote_mail_is_one_job,
		lock_of_smtpd_is_waited_for,
		two_destinations_are_two_jobs_with_a_journal,
		verdict_counts_only_for_its_job,
		many_recipients_are_several_jobs,
		delay_waits_its_time_in_cur,
		mixed_verdicts_of_one_job,
		notice_that_finds_the_lock_taken,
		notice_has_the_same_id_after_a_restart,
		notice_that_fails_is_tried_again,
		null_sender_becomes_badmail,
		badmail_on_another_file_system,
		expiry_makes_a_notice,
		clock_set_forward_expires_nothing,
		worker_death_is_a_temporary_failure,
		last_words_of_a_worker_count,
		verdict_after_a_restart,
		verdict_waits_for_the_next_queue,
		journal_of_a_worker_is_believed,
		hostile_verdicts_change_nothing,
		verdict_for_none_ends_the_job,
		host_that_no_job_reaches,
		host_down_for_long_takes_no_memory,
		following_job_over_the_same_connection,
		worker_that_retires_keeps_its_job,
		file_that_is_no_message_becomes_badmail,
		stopping_queue_begins_nothing,
	};
	return run_tests("queue_flow", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
