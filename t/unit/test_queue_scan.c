/* Each row of the table of files that a scan finds (doc/spool.md). */
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]");
}

static void write_log(const char *line)
{
	write_file(path_of("cur/%s.log", id), line);
}

static void set_log_time(int64_t wall_ms)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = wall_ms / 1000}};
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of("cur/%s.log", id), times, 0), 0);
}

static const char *const delayed = "2026-11-21T01:00:00Z 0 delayed 451 4.3.0 mx.test[192.0.2.1]:25 later\n";

START_TEST(new_and_locked_is_left)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@example.com");
	int fd = open(path_of("new/%s", name_of(id, size)), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	restart();
	for (int i = 0; i < 100; i++)
		pass(100);
	ck_assert(exists(path_of("new/%s", name_of(id, size))));
	ck_assert_int_eq(known(id)->state, MESSAGE_LOCKED);
	close(fd);
	pass(1500);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(arrival_of_a_locked_one_is_checked_soon)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@example.com");
	int fd = open(path_of("new/%s", name_of(id, size)), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	restart();
	for (int i = 0; i < 100; i++)
		pass(100);
	say_arrived(id, size);
	turn();
	close(fd);
	pass(50);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(new_of_its_size_is_delivered)
{
	make_id(0, id);
	put_message("new", id, "app@example.net", "a@example.com");
	restart();
	turn();
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

START_TEST(new_of_no_octets_is_removed)
{
	make_id(0, id);
	write_file(path_of("new/%s", name_of(id, 100)), "");
	restart();
	turn();
	ck_assert(!exists(path_of("new/%s", name_of(id, 100))));
	ck_assert(!exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_null(known(id));
}
END_TEST

static void write_zeros(const char *path, off_t size, const char *end)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(pwrite(fd, end, strlen(end), size), (ssize_t)strlen(end));
	close(fd);
}

START_TEST(new_of_zeros_is_removed)
{
	make_id(0, id);
	write_zeros(path_of("new/%s", name_of(id, 300000)), 300000, "");
	restart();
	turn();
	ck_assert(!exists(path_of("new/%s", name_of(id, 300000))));
	ck_assert(!exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_null(known(id));
}
END_TEST

/* A file with one other octet may be mail, and so may a file in cur/, which was durable before. */
START_TEST(zeros_that_may_be_mail_become_badmail)
{
	make_id(0, id);
	write_zeros(path_of("new/%s", name_of(id, 300001)), 300000, "x");
	restart();
	turn();
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	make_id(0, id);
	write_zeros(path_of("cur/%s", name_of(id, 3000)), 3000, "");
	restart();
	turn();
	ck_assert(exists(path_of("badmail/%s.eml", id)));
}
END_TEST

START_TEST(new_of_another_size_becomes_badmail)
{
	make_id(0, id);
	write_file(path_of("new/%s", name_of(id, 100)), "x-sender: <>\r\nx-receiver: a@example.com\r\n");
	restart();
	turn();
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("badmail/%s.txt", id)), "size"));
	ck_assert_ptr_null(known(id));
}
END_TEST

START_TEST(not_a_regular_file_is_ignored)
{
	static const char *const folders[] = {"new", "cur"};
	for (size_t i = 0; i < 2; i++) {
		make_id(0, id);
		ck_assert_int_eq(mkdir(path_of("%s/%s", folders[i], name_of(id, 4096)), 0755), 0);
		make_id(0, id);
		ck_assert_int_eq(symlink("/etc/passwd", path_of("%s/%s", folders[i], name_of(id, 4096))), 0);
		make_id(0, id);
		ck_assert_int_eq(mkfifo(path_of("%s/%s", folders[i], name_of(id, 4096)), 0644), 0);
	}
	restart();
	turn();
	make_id(0, id);
	put_message("new", id, "app@example.net", "a@example.com");
	pass(61 * 1000);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(cur_without_journal_is_untried)
{
	struct wire_job_smtp job;
	make_id(0, id);
	put_message("cur", id, "app@example.net", "a@one.test");
	restart();
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert_int_ge(w->journal, 0);
	dismiss(w);
}
END_TEST

START_TEST(cur_with_journal_waits_for_its_mtime)
{
	struct wire_job_smtp job;
	make_id(HOUR, id);
	put_message("cur", id, "app@example.net", "a@one.test b@one.test");
	write_log("2026-11-21T01:00:00Z 1 delivered 250 2.0.0 mx.test[192.0.2.1]:25 ok\n"
		  "2026-11-21T01:00:00Z 0 delayed 451 4.3.0 mx.test[192.0.2.1]:25 later\n"
		  "2026-11-21T01:00:01Z 0 delivered 250 2.0.0 mx.test[192.0.2.1]:25 torn");
	set_log_time(f.loop.queue.wall_ms + 10 * MINUTE);
	restart();
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	pass(10 * MINUTE - 1000);
	expect_nothing(w);
	pass(1000);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 1);
	/* After the second failed attempt the second retry interval applies. */
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	ck_assert_int_eq(known(id)->due_ms - f.loop.queue.mono_ms, 30 * MINUTE);
	ck_assert_ptr_null(strstr(read_file(path_of("cur/%s.log", id)), "torn"));
	dismiss(w);
}
END_TEST

START_TEST(mtime_of_a_wrong_clock_is_bounded)
{
	make_id(HOUR, id);
	put_message("cur", id, "app@example.net", "a@one.test");
	write_log(delayed);
	set_log_time(f.loop.queue.wall_ms + 1000 * 24 * (int64_t)HOUR);
	restart();
	turn();
	ck_assert_int_eq(known(id)->due_ms - f.loop.queue.mono_ms, 4 * HOUR);
}
END_TEST

START_TEST(journal_alone_is_removed)
{
	make_id(HOUR, id);
	write_log(delayed);
	restart();
	turn();
	ck_assert(!exists(path_of("cur/%s.log", id)));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

/* All recipients are final, but the process died before it removed the message. */
START_TEST(finished_journal_with_message)
{
	make_id(HOUR, id);
	size_t size = put_message("cur", id, "app@example.net", "a@one.test b@one.test");
	write_log("2026-11-21T01:00:00Z 0-1 delivered 250 2.0.0 mx.test[192.0.2.1]:25 ok\n");
	set_log_time(f.loop.queue.wall_ms - MINUTE);
	restart();
	turn();
	ck_assert(!exists(path_of("cur/%s", name_of(id, size))));
	ck_assert(!exists(path_of("cur/%s.log", id)));
}
END_TEST

START_TEST(failed_without_notice_is_noticed)
{
	struct span text;
	make_id(HOUR, id);
	put_message("cur", id, "app@example.net", "a@one.test b@one.test");
	write_log("2026-11-21T01:00:00Z 0 delivered 250 2.0.0 mx.test[192.0.2.1]:25 ok\n"
		  "2026-11-21T01:00:00Z 1 failed 550 5.1.1 mx.test[192.0.2.1]:25 no\n");
	set_log_time(f.loop.queue.wall_ms - MINUTE);
	restart();
	struct hand *local = hire(&f.loop.queue.local);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	dismiss(local);
}
END_TEST

START_TEST(copied_but_not_recorded)
{
	make_id(HOUR, id);
	size_t size = put_message("cur", id, "app@example.net", "a@example.com");
	write_log("2026-11-21T01:00:00Z 0 delayed 0 4.3.0 - full\n");
	set_log_time(f.loop.queue.wall_ms - MINUTE);
	put_message("new", id, "app@example.net", "a@example.com");
	char from[512];
	snprintf(from, sizeof(from), "%s", path_of("new/%s", name_of(id, size)));
	ck_assert_int_eq(rename(from, path_of("drop/%s.eml", id)), 0);
	restart();
	turn();
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert(!exists(path_of("cur/%s", name_of(id, size))));
	ck_assert(!exists(path_of("cur/%s.log", id)));
}
END_TEST

START_TEST(unfinished_writes)
{
	char other[MSGID_LEN + 1];
	make_id(0, id);
	make_id(0, other);
	write_file(path_of("new/.%s", id), "half");
	write_file(path_of("new/.%s", other), "being written");
	int fd = open(path_of("new/.%s", other), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	restart();
	turn();
	ck_assert(!exists(path_of("new/.%s", id)));
	ck_assert(exists(path_of("new/.%s", other)));
	close(fd);
}
END_TEST

/* Killed between the two unlinks of a finished message: its verdict is read again, and its journal is removed at
 * once. */
START_TEST(verdict_of_a_journal_alone)
{
	make_id(0, id);
	write_file(path_of("cur/%s.log", id), "2026-11-21T01:00:00Z * delayed 451 4.2.0 mx.test[192.0.2.1]:25 later\n");
	restart();
	send_verdict(&(struct wire_verdict){
		.id = span_of(id), .event = JOURNAL_DELIVERED, .code = 250, .last_of_job = true});
	pass(0);
	ck_assert(!exists(path_of("cur/%s.log", id)));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		new_and_locked_is_left,
		arrival_of_a_locked_one_is_checked_soon,
		new_of_its_size_is_delivered,
		new_of_no_octets_is_removed,
		new_of_zeros_is_removed,
		zeros_that_may_be_mail_become_badmail,
		new_of_another_size_becomes_badmail,
		not_a_regular_file_is_ignored,
		cur_without_journal_is_untried,
		cur_with_journal_waits_for_its_mtime,
		mtime_of_a_wrong_clock_is_bounded,
		journal_alone_is_removed,
		finished_journal_with_message,
		failed_without_notice_is_noticed,
		copied_but_not_recorded,
		unfinished_writes,
		verdict_of_a_journal_alone,
	};
	return run_tests("queue_scan", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
