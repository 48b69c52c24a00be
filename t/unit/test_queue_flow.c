/* The way of a message through the queue: arrivals, jobs, delays, and hosts that are down. */
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
		many_recipients_are_several_jobs,
		delay_waits_its_time_in_cur,
		clock_set_forward_expires_nothing,
		host_that_no_job_reaches,
		host_down_for_long_takes_no_memory,
		following_job_over_the_same_connection,
		stopping_queue_begins_nothing,
	};
	return run_tests("queue_flow", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
