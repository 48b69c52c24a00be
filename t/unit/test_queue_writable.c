/* A spool that can't be written, and what the queue remembers meanwhile. A folder fails if its descriptor is
 * replaced. */
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];
static int kept; /* the folder that fails now */

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]");
	pass(MINUTE);
}

/* Everything in the folder FD fails with ENOTDIR. */
static void break_folder(int fd)
{
	kept = dup(fd);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(dup2(nothing, fd), 0);
	close(nothing);
}

static void mend_folder(int fd)
{
	ck_assert_int_ge(dup2(kept, fd), 0);
	close(kept);
}

START_TEST(what_is_delivered_stays_delivered)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	log_keep();
	break_folder(f.loop.queue.store.new_fd);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	for (int i = 0; i < 60; i++) {
		pass(1000);
		expect_nothing(w);
	}
	ck_assert(writable_stops(&f.loop.queue.writable));
	const char *said = strstr(log_kept(), "can't be written (Not a directory)");
	ck_assert(said && !strstr(said + 1, "can't be written"));
	ck_assert_ptr_null(strstr(log_kept(), "can't remove"));
	mend_folder(f.loop.queue.store.new_fd);
	pass(1000);
	expect_nothing(w);
	ck_assert(!writable_stops(&f.loop.queue.writable));
	ck_assert_ptr_nonnull(strstr(log_kept(), "can be written again"));
	ck_assert(!exists(path_of("new/%s", name_of(id, size))));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

START_TEST(nothing_is_begun_meanwhile)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	break_folder(f.loop.queue.store.cur_fd);
	writable_look(&f.loop.queue.writable, f.loop.queue.mono_ms);
	accept_message(id, 0, "app@example.net", "a@one.test");
	pass(MINUTE);
	expect_nothing(w);
	mend_folder(f.loop.queue.store.cur_fd);
	pass(1000);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

/* The journal can't be created, and at the next attempt it can: recipients that have the message are not tried
 * again. */
START_TEST(verdict_that_the_disk_refused_is_kept)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@one.test");
	expect_smtp(w, &job);
	ck_assert_uint_eq(job.rcpts.len, 0);
	break_folder(f.loop.queue.store.cur_fd);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	ck_assert_ptr_nonnull(known(id)->unwritten);
	mend_folder(f.loop.queue.store.cur_fd);
	pass(15 * MINUTE);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 0 delivered "));
	ck_assert_ptr_null(known(id)->unwritten);
	report(w, id, 1, 1, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* The message file was removed while its journal could not be created: nothing waits for the journal any longer. */
START_TEST(lines_of_a_message_that_is_gone)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	size_t size = accept_message(id, 0, "app@example.net", "a@one.test b@one.test");
	expect_smtp(w, &job);
	break_folder(f.loop.queue.store.cur_fd);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	mend_folder(f.loop.queue.store.cur_fd);
	ck_assert_int_eq(unlink(path_of("new/%s", name_of(id, size))), 0);
	pass(15 * MINUTE);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* The sender gets a notice of a refusal only when the journal has it. */
START_TEST(notice_waits_for_the_journal)
{
	struct wire_job_smtp job;
	struct span text;
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@one.test");
	expect_smtp(w, &job);
	break_folder(f.loop.queue.store.cur_fd);
	report(w, id, 0, 0, JOURNAL_FAILED, 550, true);
	pass(MINUTE);
	expect_nothing(local);
	mend_folder(f.loop.queue.store.cur_fd);
	pass(MINUTE);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 0 failed "));
	expect_nothing(w);
	dismiss(w);
	dismiss(local);
}
END_TEST

/* One failed file does not mean that the spool fails. */
START_TEST(trouble_of_one_message_stops_no_other)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test b@one.test");
	expect_smtp(w, &job);
	ck_assert_int_eq(mkdir(path_of("cur/%s.log", id), 0700), 0);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	ck_assert(!writable_stops(&f.loop.queue.writable));
	accept_message(id, 0, "app@example.net", "a@two.test");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(id)));
	dismiss(w);
}
END_TEST

static struct message journaled(const char *text)
{
	struct message m = {.has_file = true};
	make_id(0, id);
	memcpy(m.id, id, sizeof(m.id));
	write_file(path_of("cur/%s.log", id), text);
	return m;
}

START_TEST(journal_has_room_before_it_is_needed)
{
	struct stat st;
	struct message m = {.has_file = true};
	make_id(0, m.id);
	int fd = store_journal_open(&f.loop.queue.store, &m, 10 * JOURNAL_LINE_MAX, true);
	ck_assert_int_ge(fd, 0);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1) == 0) {
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_int_eq(st.st_size, 0);
		ck_assert_int_ge(st.st_blocks * 512, 10 * JOURNAL_LINE_MAX);
	}
	close(fd);
}
END_TEST

/* An incomplete last line is cut only without other writers, never while a worker may be writing it. */
START_TEST(a_tail_is_cut_only_without_other_writers)
{
	struct message m = journaled("one\ntwo\nthr");
	int fd = store_journal_open(&f.loop.queue.store, &m, 0, false);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_str_eq(read_file(path_of("cur/%s.log", id)), "one\ntwo\nthr\n");
	ck_assert_int_eq(store_journal_append(&f.loop.queue.store, &m, SPAN("four\n"), true), 0);
	ck_assert_str_eq(read_file(path_of("cur/%s.log", id)), "one\ntwo\nthr\nfour\n");
	m = journaled("one\ntwo\nthr");
	fd = store_journal_open(&f.loop.queue.store, &m, 0, true);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_str_eq(read_file(path_of("cur/%s.log", id)), "one\ntwo\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_delivered_stays_delivered,     nothing_is_begun_meanwhile,
		verdict_that_the_disk_refused_is_kept, lines_of_a_message_that_is_gone,
		notice_waits_for_the_journal,          trouble_of_one_message_stops_no_other,
		journal_has_room_before_it_is_needed,  a_tail_is_cut_only_without_other_writers,
	};
	return run_tests("queue_writable", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
