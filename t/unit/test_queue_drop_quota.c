/* The quota of a drop folder: what counts, what waits when the folder is full, what smtpd is told. */
#include <sys/resource.h>

#include "common/ipc/fullness.h"
#include "t/unit/drop_fixture.h"

/* Such a message is returned at once, and other mail still goes to the folder. */
START_TEST(larger_than_the_quota)
{
	struct span text;
	open_with("local_domain example.com { drop_quota 1K }");
	char sender[] = "app@example.net", rcpts[4000] = "";
	for (int i = 0; i < 60; i++)
		snprintf(rcpts + strlen(rcpts), sizeof(rcpts) - strlen(rcpts), "%su%d@example.com", i ? " " : "", i);
	struct hand *local = hire(&f.loop.queue.local);
	pass(1000);
	size_t size = accept_message(id, 0, sender, rcpts);
	ck_assert_uint_gt(size, 1024);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " failed 0 5.2.3 - the message ("));
	ck_assert_ptr_null(folder_trouble(&f.loop.queue, &f.loop.queue.drops.at[0]));
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
	dismiss(local);
}
END_TEST

START_TEST(full_folder_defers)
{
	open_with("local_domain example.com { drop_quota 1K }");
	char filler[901];
	memset(filler, 'x', 900);
	filler[900] = '\0';
	write_file(path_of("drop/other"), filler);
	pass(11 * 1000);
	size_t size = accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert_uint_gt(size, 100);
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 0 delayed 0 4.2.2 - "));
	unlink(path_of("drop/other"));
	pass(15 * MINUTE);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

/* Mail that the queue itself delivers counts at once, not only at the next count of the folder. */
START_TEST(quota_counts_own_deliveries)
{
	int dropped = 0;
	open_with("local_domain example.com { drop_quota 1K }");
	for (int i = 0; i < 20; i++) {
		accept_message(id, 0, "app@example.net", "a@example.com");
		dropped += exists(path_of("drop/%s.eml", id));
	}
	ck_assert_int_gt(dropped, 3);
	ck_assert_int_lt(dropped, 9);
}
END_TEST

/* A worker makes a file with Return-Path. A message that does not fit together with those in progress waits for
 * them. */
START_TEST(return_path_is_a_copy_within_the_quota)
{
	struct span text;
	struct wire_job_copy job;
	int jobs = 0;
	open_with("local_domain example.com { drop_quota 1K; return_path yes }");
	struct hand *local = hire(&f.loop.queue.local);
	size_t size = 0;
	for (int i = 0; i < 20; i++)
		size = accept_message(id, 0, "app@example.net", "a@example.com b@example.com");
	for (int i = 0; i < 10; i++) { /* the folder is not counted again so soon */
		while (next_job(local, &text) == WIRE_job_copy) {
			ck_assert(wire_decode_job_copy(text, &job) && job.return_path);
			ck_assert_uint_eq(job.rcpts.len, 0);
			ck_assert(span_copy(job.id, id, sizeof(id)));
			report(local, id, 0, 1, JOURNAL_DELIVERED, 0, true);
			jobs++;
		}
		pass(50);
	}
	ck_assert_uint_eq((size_t)jobs, 1024 / size);
	ck_assert_uint_eq(f.loop.queue.drops.at[0].used, (size_t)jobs * size);
	ck_assert_str_eq(folder_trouble(&f.loop.queue, &f.loop.queue.drops.at[0]), "full, see drop_quota");
	dismiss(local);
}
END_TEST

/* A start does not wait for the count of a large folder; the jobs of workers for it do. */
START_TEST(copies_wait_for_the_count)
{
	open_with("local_domain example.com { drop_quota 1K }");
	for (int i = 0; i < 1200; i++)
		write_file(path_of("drop/%d", i), "x");
	restart();
	ck_assert(!f.loop.queue.drops.at[0].counted);
	while (!f.loop.queue.messages.all_known)
		loop_turn(&f.loop);
	struct hand *local = hire(&f.loop.queue.local);
	f.loop.queue.drops.at[0].counted = false;
	accept_message(id, 0, "app@example.net", "a@example.com b@one.test");
	expect_nothing(local);
	pass(1000);
	expect_nothing(local);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 0 delayed 0 4.2.2 - "));
	dismiss(local);
}
END_TEST

START_TEST(quota_by_multiple)
{
	open_with("messages { max_message_size 1K; max_session_size 1K }\n local_domain example.com { drop_quota 2x }");
	ck_assert_int_eq(f.loop.queue.drops.at[0].quota, 2048);
}
END_TEST

static enum fullness_verdict judge(const struct fullness *page, uint64_t size)
{
	const struct fullness_room room = fullness_of(page, SPAN("example.com"));
	return fullness_judge(&room, size);
}

/* If there is room for one message, not all are tried. */
START_TEST(full_folder_is_told_and_tried_one_by_one)
{
	int write_fd, read_fd;
	char ids[3][MSGID_LEN + 1], filler[901];
	open_with("local_domain example.com { drop_quota 1K }");
	ck_assert_int_eq(fullness_create(&write_fd, &read_fd), 0);
	f.loop.queue.fullness = f.loop.queue.writable.fullness = fullness_map_writable(write_fd);
	const struct fullness *page = fullness_map(read_fd);
	memset(filler, 'x', 900);
	filler[900] = '\0';
	write_file(path_of("drop/other"), filler);
	pass(11 * 1000);
	size_t size = 0;
	for (int i = 0; i < 3; i++)
		size = accept_message(ids[i], 0, "app@example.net", "a@example.com");
	pass(1000);
	ck_assert_int_eq(judge(page, 0), FULLNESS_FULL);
	ck_assert_str_eq(folder_trouble(&f.loop.queue, &f.loop.queue.drops.at[0]), "full, see drop_quota");
	filler[1024 - size * 3 / 2] = '\0'; /* room for one */
	write_file(path_of("drop/other"), filler);
	pass(1000);
	pass(1000);
	ck_assert(exists(path_of("drop/%s.eml", ids[0])));
	ck_assert_uint_eq(known(ids[1])->attempts + known(ids[2])->attempts, 3);
	unlink(path_of("drop/other"));
	pass(1000);
	pass(1000);
	ck_assert(exists(path_of("drop/%s.eml", ids[2])));
	ck_assert_int_eq(judge(page, 0), FULLNESS_FITS);
	close(write_fd);
	close(read_fd);
}
END_TEST

/* Room of exactly the size of a message is enough, also for a waiting one. */
START_TEST(room_of_exactly_the_size_is_enough)
{
	char filler[1025];
	open_with("local_domain example.com { drop_quota 1K }");
	memset(filler, 'x', 1024);
	filler[1024] = '\0';
	write_file(path_of("drop/other"), filler);
	pass(11 * 1000);
	size_t size = accept_message(id, 0, "app@example.net", "a@example.com");
	pass(1000);
	filler[1024 - size] = '\0';
	write_file(path_of("drop/other"), filler);
	pass(1000);
	pass(1000);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

/* If the queue has no free descriptor, the folder is not at fault: it is counted later. */
START_TEST(folder_is_not_blamed_for_want_of_descriptors)
{
	struct rlimit before, none;
	open_with("local_domain example.com { drop_quota 1K }");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	struct drop *folder = &f.loop.queue.drops.at[0];
	folder->counted = false;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	drops_count(&f.loop.queue.drops, f.loop.queue.mono_ms);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(folder->error, 0);
	ck_assert(!drops_count(&f.loop.queue.drops, f.loop.queue.mono_ms));
	ck_assert(drop_is_unknown(folder));
	pass(1000);
	ck_assert(folder->counted);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		larger_than_the_quota,
		full_folder_defers,
		quota_counts_own_deliveries,
		return_path_is_a_copy_within_the_quota,
		copies_wait_for_the_count,
		quota_by_multiple,
		full_folder_is_told_and_tried_one_by_one,
		room_of_exactly_the_size_is_enough,
		folder_is_not_blamed_for_want_of_descriptors,
	};
	return run_tests("queue_drop_quota", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
