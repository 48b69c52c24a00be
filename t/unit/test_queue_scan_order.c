/* When the queue scans, in which order it takes the files, and what waits until all are listed. */
#include <sys/wait.h>

#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]");
}

START_TEST(newest_of_new_first)
{
	struct wire_job_smtp job;
	char ids[3][MSGID_LEN + 1];
	static const int64_t ages[] = {20 * MINUTE, 30 * MINUTE, 10 * MINUTE};
	static const int order[] = {2, 0, 1};
	for (int i = 0; i < 3; i++) {
		make_id(ages[i], ids[i]);
		put_message("new", ids[i], "app@example.net", "a@one.test");
	}
	restart();
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 3; i++) {
		expect_smtp(w, &job);
		ck_assert(span_equal(job.id, span_of(ids[order[i]])));
		report(w, ids[order[i]], 0, 0, JOURNAL_DELIVERED, 250, true);
	}
	dismiss(w);
}
END_TEST

/* However many files there are, each turn handles only a slice of them. */
START_TEST(newest_of_many_first_and_in_slices)
{
	enum { MANY = 2500, SLICE = 1000 };
	char newest[MSGID_LEN + 1] = "";
	for (int i = 0; i < MANY; i++) {
		make_id((1 + (i + MANY / 2) % MANY) * MINUTE, id);
		put_message("new", id, "app@example.net", "a@one.test");
		memcpy(newest, strcmp(id, newest) > 0 ? id : newest, sizeof(newest));
	}
	restart();
	f.loop.queue.messages.loaded_count = QUEUE_LOADED_MAX; /* no attempt is begun */
	for (size_t before = 0, now; f.loop.queue.messages.counts[MESSAGE_READY] < MANY; before = now) {
		loop_turn(&f.loop);
		now = f.loop.queue.messages.counts[MESSAGE_FOUND];
		ck_assert_uint_le(now, before + SLICE);
	}
	ck_assert_str_eq(TAILQ_FIRST(&f.loop.queue.messages.ready)->id, newest);
	f.loop.queue.messages.loaded_count = 0;
}
END_TEST

START_TEST(stranded_message_is_found_within_a_minute)
{
	make_id(0, id);
	put_message("new", id, "app@example.net", "a@example.com");
	pass(30 * 1000);
	pass(31 * 1000);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

static void send_look(void)
{
	struct str packet;
	str_init(&packet, 16);
	ck_assert(wire_encode_look(&(struct wire_look){true}, &packet));
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

/* At a request the queue scans soon, but at most once a second. */
START_TEST(scans_at_a_request)
{
	make_id(0, id);
	put_message("new", id, "app@example.net", "a@example.com");
	send_look();
	pass(SCAN_PAUSE_MS);
	ck_assert(exists(path_of("drop/%s.eml", id)));

	send_look();
	send_look();
	pass(0);
	make_id(0, id);
	put_message("new", id, "app@example.net", "a@example.com");
	send_look();
	pass(SCAN_PAUSE_MS / 2);
	ck_assert(!exists(path_of("drop/%s.eml", id)));
	pass(SCAN_PAUSE_MS);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(many_are_listed_in_slices)
{
	for (int i = 0; i < 3 * SCAN_SLICE; i++) {
		make_id(0, id);
		put_message("new", id, "app@example.net", "a@example.com");
	}
	restart();
	int turns = 0;
	while (messages_count(&f.loop.queue.messages) || !f.loop.queue.messages.all_known) {
		loop_turn(&f.loop);
		ck_assert_int_lt(++turns, 1000);
	}
	ck_assert_int_gt(turns, 3);
	ck_assert(!exists(path_of("new/%s", name_of(id, 0))));
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(verdicts_wait_for_the_listing)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@one.test");
	restart();
	send_verdict(&(struct wire_verdict){.id = span_of(id), .event = JOURNAL_DELIVERED, .code = 250});
	ck_assert(!verdicts_receive(&f.loop.queue));
	ck_assert(exists(path_of("new/%s", name_of(id, size))));
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	ck_assert(!exists(path_of("new/%s", name_of(id, size))));
	dismiss(w);
}
END_TEST

START_TEST(a_second_queue_waits_for_the_lock)
{
	char what[128], dir[256], badmail[256];
	struct store store;
	int status;
	snprintf(dir, sizeof(dir), "%s", path_of("."));
	snprintf(badmail, sizeof(badmail), "%s", path_of("badmail"));
	pid_t child = fork();
	if (child == 0) {
		store_close(&f.loop.queue.store); /* the open file description of the parent, which the fork shares */
		_exit(store_open(&store, dir, badmail, what, sizeof(what)) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
		usleep(5000);
	}
	store_close(&f.loop.queue.store);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		newest_of_new_first,
		newest_of_many_first_and_in_slices,
		stranded_message_is_found_within_a_minute,
		scans_at_a_request,
		many_are_listed_in_slices,
		verdicts_wait_for_the_listing,
		a_second_queue_waits_for_the_lock,
	};
	return run_tests("queue_scan_order", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
