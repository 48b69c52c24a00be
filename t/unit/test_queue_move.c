/* Mail that mailrootctl takes out of the queue, and mail of moved/ that the queue takes in. */
#include "t/unit/console_fixture.h"

#include "common/spool/moved.h"

static const char number[] = "0123456789abcdef";

/* Locks the file of the message as mailrootctl does. */
static int lock_message(void)
{
	int fd = open(path_of("cur/%s", name_of(id, known(id)->size)), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* Nothing touches the message before the lock is free; its next attempt is that of the journal. */
START_TEST(yielded_until_the_lock_is_free)
{
	struct wire_job_smtp job;
	delay("app@example.net", "u@one.test");
	int fd = lock_message();
	ASK(queue_act, .action = ROW_YIELD, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ASK(queue_act, .action = ROW_DELETE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|0|1|0|0\n");
	struct hand *w = hire(&f.loop.queue.delivery);
	pass(24 * HOUR);
	expect_nothing(w);
	close(fd);
	pass(HOUR);
	expect_smtp(w, &job);
	ASK(queue_act, .action = ROW_YIELD, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|0|1|0|0\n");
	dismiss(w);
}
END_TEST

START_TEST(removed_mail_is_forgotten)
{
	delay("app@example.net", "u@one.test");
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
	int fd = lock_message();
	ASK(queue_act, .action = ROW_YIELD, .select_id = span_of(id));
	ck_assert_int_eq(known(id)->state, MESSAGE_HELD);
	ck_assert_int_eq(unlink(path_of("cur/%s", name_of(id, known(id)->size))), 0);
	ck_assert_int_eq(unlink(path_of("cur/%s.log", id)), 0);
	ASK(queue_act, .action = ROW_YIELD, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_ptr_null(known(id));
	close(fd);
}
END_TEST

/* A restart has closed the link of mailrootctl. */
static void connect_again(void)
{
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
	close(reader);
	reader = ends[1];
	ctl = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
	ck_assert_ptr_nonnull(ctl);
}

/* Moves the message of cur/ to a folder of moved/. */
static void move_away(const char *kind)
{
	char from[512], file[MSGNAME_MAX];
	const char *suffixes[] = {"", ".log"};
	snprintf(file, sizeof(file), "%s", name_of(id, known(id)->size));
	mkdir(path_of("moved"), 0700);
	ck_assert_int_eq(mkdir(path_of("moved/%s%s", kind, number), 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		char name[MSGNAME_MAX + 8];
		snprintf(name, sizeof(name), "%s%s", i ? id : file, suffixes[i]);
		snprintf(from, sizeof(from), "%s", path_of("cur/%s", name));
		ck_assert_int_eq(rename(from, path_of("moved/%s%s/%s", kind, number, name)), 0);
	}
}

START_TEST(mail_of_moved_comes_back)
{
	static const char *const kinds[] = {MOVED_IN, MOVED_OUT};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		delay("app@example.net", "u@one.test");
		ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
		move_away(kinds[i]);
		write_file(path_of("moved/%s%s/" MOVED_LIST, kinds[i], number), "x\n");
		restart();
		pass(1000);
		ck_assert_ptr_nonnull(known(id));
		ck_assert_int_eq(known(id)->state, MESSAGE_HELD);
		ck_assert(exists(path_of("cur/%s.log", id)));
		ck_assert(exists(path_of("moved/" MOVED_DONE "%s", number)));
		ck_assert_int_eq(rmdir(path_of("moved/%s%s", kinds[i], number)), 0);
		ck_assert_int_eq(unlink(path_of("moved/" MOVED_DONE "%s", number)), 0);
		connect_again();
	}
}
END_TEST

START_TEST(mail_of_others_stays)
{
	static const char *const kinds[] = {MOVED_SENT, MOVED_READING, MOVED_OUT};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		delay("app@example.net", "u@one.test");
		move_away(kinds[i]);
		int fd = open(path_of("moved/%s%s", kinds[i], number), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (i == 2) /* an export that runs */
			ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
		restart();
		pass(1000);
		ck_assert_ptr_null(known(id));
		ck_assert(exists(path_of("moved/%s%s/%s.log", kinds[i], number, id)));
		close(fd);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		yielded_until_the_lock_is_free,
		removed_mail_is_forgotten,
		mail_of_moved_comes_back,
		mail_of_others_stays,
	};
	return run_tests("queue_move", tests, sizeof(tests) / sizeof(tests[0]), reader_open, reader_close);
}
