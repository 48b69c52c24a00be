/* A message that arrives with x-mailroot-hold: held with its reason until an operator decides. */
#include "t/unit/console_fixture.h"

static void hold_one(const char *sender, const char *rcpts, const char *reason)
{
	make_id(0, id);
	say_arrived(id, put_held("new", id, sender, rcpts, reason));
	turn();
}

/* The queue begins anew, with mailrootctl. */
static void begin_anew(void)
{
	int ends[2];
	restart();
	turn();
	ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
	close(reader);
	reader = ends[1];
	ctl = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
}

static void expect_held(void)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	pass(30LL * 24 * HOUR);
	expect_nothing(w);
	ck_assert_int_eq(known(id)->state, MESSAGE_HELD);
	ck_assert_uint_eq(f.loop.queue.messages.loaded_count, 0);
	dismiss(w);
}

START_TEST(held_at_arrival_with_its_reason)
{
	hold_one("app@example.net", "u@one.test v@other.test", "filter virus: Eicar-Test-Signature");
	expect_held();
	ck_assert(!exists(path_of("new/%s", name_of(id, known(id)->size))));
	ck_assert_ptr_nonnull(
		strstr(read_file(path_of("cur/%s.log", id)), " * held 0 - - filter virus: Eicar-Test-Signature\n"));
	ASK(queue_list, .limit = 0);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|held|"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|filter virus: Eicar-Test-Signature|u@one.test"));
	ASK(queue_list, .select_reason = SPAN("eicar"));
	ck_assert_uint_eq(row_count, 1);
	ASK(queue_show, .id = span_of(id));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|held|0||"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|filter virus: Eicar-Test-Signature\n"));
}
END_TEST

/* Mail for a drop folder, which is delivered by a rename. */
START_TEST(held_before_it_is_dropped)
{
	hold_one("app@example.net", "u@example.com", "spam");
	expect_held();
	ck_assert(!exists(path_of("drop/%s.eml", id)));
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_ptr_null(known(id));
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert(!exists(path_of("cur/%s.log", id)));
}
END_TEST

START_TEST(released_once_for_all)
{
	struct wire_job_smtp job;
	hold_one("app@example.net", "u@one.test", "spam");
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ASK(queue_list, .limit = 0);
	ck_assert_ptr_null(strstr(str_text(&rows), "spam"));
	begin_anew();
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	ASK(queue_list, .select_reason = SPAN("451"));
	ck_assert_uint_eq(row_count, 1);
	dismiss(w);
	begin_anew();
	pass(HOUR);
	w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

/* An operator may hold it again; the reason is the last one. */
START_TEST(held_again_by_an_operator)
{
	hold_one("app@example.net", "u@one.test", "spam");
	ASK(queue_act, .action = ROW_RELEASE, .select_id = span_of(id));
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	begin_anew();
	expect_held();
	ASK(queue_list, .select_reason = SPAN("by an operator"));
	ck_assert_uint_eq(row_count, 1);
}
END_TEST

/* Whatever a crash left: the file in new/ or in cur/ without a journal, the line without its time, the time alone. */
START_TEST(held_over_crashes)
{
	static const struct timespec long_gone[2] = {{.tv_sec = 86400}, {.tv_sec = 86400}};
	make_id(0, id);
	put_held(_i ? "cur" : "new", id, "app@example.net", "u@one.test", "spam");
	begin_anew();
	expect_held();
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of("cur/%s.log", id), long_gone, 0), 0);
	begin_anew();
	expect_held();
	ck_assert_int_eq(truncate(path_of("cur/%s.log", id), 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of("cur/%s.log", id), long_gone, 0), 0);
	begin_anew();
	expect_held();
	const char *line = strstr(read_file(path_of("cur/%s.log", id)), " held ");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_null(strstr(line + 1, " held ")); /* one line, however often it is read */
}
END_TEST

START_TEST(deleted_or_returned)
{
	struct span text;
	hold_one("app@example.net", "u@one.test", "virus");
	ASK(queue_act, .action = ROW_DELETE, .select_reason = SPAN("virus"));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_ptr_null(known(id));
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("badmail/%s.txt", id)), "virus"));

	hold_one("app@example.net", "u@one.test", "virus");
	struct hand *local = hire(&f.loop.queue.local);
	ASK(queue_act, .action = ROW_BOUNCE, .select_id = span_of(id));
	ck_assert_str_eq(str_text(&rows), "count|1|0|0|0\n");
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	report(local, id, 0, 0, JOURNAL_NOTICED, 0, true);
	ck_assert_ptr_null(known(id));
	dismiss(local);
}
END_TEST

/* Without a journal it is not tried: it waits until the line can be written. */
START_TEST(not_tried_while_the_journal_cant_be_written)
{
	make_id(0, id);
	ck_assert_int_eq(mkdir(path_of("cur/%s.log", id), 0755), 0);
	say_arrived(id, put_held("new", id, "app@example.net", "u@one.test", "spam"));
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	pass(MINUTE);
	expect_nothing(w);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_int_eq(rmdir(path_of("cur/%s.log", id)), 0);
	pass(MINUTE);
	dismiss(w);
	expect_held();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_hold");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, reader_open, reader_close);
	tcase_add_test(all, held_at_arrival_with_its_reason);
	tcase_add_test(all, held_before_it_is_dropped);
	tcase_add_test(all, released_once_for_all);
	tcase_add_test(all, held_again_by_an_operator);
	tcase_add_loop_test(all, held_over_crashes, 0, 2);
	tcase_add_test(all, deleted_or_returned);
	tcase_add_test(all, not_tried_while_the_journal_cant_be_written);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
