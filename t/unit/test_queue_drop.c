/* Drop folders: missing, replaced, shared; and names that exist. */
#include "t/unit/drop_fixture.h"

START_TEST(same_file_is_there_already)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@example.com");
	char text[4096];
	snprintf(text, sizeof(text), "%s", read_file(path_of("new/%s", name_of(id, size))));
	write_file(path_of("drop/%s.eml", id), text);
	say_arrived(id, size);
	turn();
	ck_assert(!exists(path_of("new/%s", name_of(id, size))));
	ck_assert_str_eq(read_file(path_of("drop/%s.eml", id)), text);
	ck_assert_ptr_null(known(id));
}
END_TEST

START_TEST(another_file_of_that_name)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@example.com");
	char text[4096];
	snprintf(text, sizeof(text), "%s", read_file(path_of("new/%s", name_of(id, size))));
	text[size - 3] = 'O';
	write_file(path_of("drop/%s.eml", id), text);
	say_arrived(id, size);
	turn();
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), "another file with this name"));
	ck_assert_str_eq(read_file(path_of("drop/%s.eml", id)), text);
	unlink(path_of("drop/%s.eml", id));
	pass(15 * MINUTE);
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert(!exists(path_of("cur/%s.log", id)));
}
END_TEST

START_TEST(missing_folder_comes_back)
{
	ck_assert_int_eq(rmdir(path_of("drop")), 0);
	size_t size = accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), "No such file"));
	ck_assert_int_eq(mkdir(path_of("drop"), 0755), 0);
	pass(15 * MINUTE);
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

/* A folder that was replaced gets no more mail, not even within the second between two checks. */
START_TEST(replaced_folder_gets_nothing_more)
{
	char old[512];
	snprintf(old, sizeof(old), "%s", path_of("drop"));
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert_int_eq(rename(old, path_of("moved")), 0);
	ck_assert_int_eq(mkdir(path_of("drop"), 0755), 0);
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(replaced_folder_is_noticed)
{
	char old[512];
	snprintf(old, sizeof(old), "%s", path_of("drop"));
	ck_assert_int_eq(rename(old, path_of("moved")), 0);
	ck_assert_int_eq(mkdir(path_of("drop"), 0755), 0);
	pass(1000);
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(removed_folder_made_anew_takes_the_next_message)
{
	ck_assert_int_eq(rmdir(path_of("drop")), 0);
	ck_assert_int_eq(mkdir(path_of("drop"), 0755), 0);
	accept_message(id, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(local_expiry_makes_a_notice)
{
	struct span text;
	open_with("smart_host [192.0.2.1]\n delivery { retry 1m; local_expire 2m; expire 10m }");
	ck_assert_int_eq(rmdir(path_of("drop")), 0);
	accept_message(id, 0, "app@example.net", "a@example.com");
	struct hand *local = hire(&f.loop.queue.local);
	pass(MINUTE);
	ck_assert_int_eq(next_job(local, &text), WIRE_NONE);
	pass(MINUTE);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " failed 0 4.4.7 - expired after 2m"));
	dismiss(local);
}
END_TEST

/* One file for two recipients has the Return-Path that one of them asks for. */
START_TEST(return_path_of_a_shared_folder)
{
	open_with("local_domain sales.example.com { return_path yes }\n local_domain b.example.com { }");
	ck_assert_uint_eq(f.loop.queue.drops.n, 1);
	ck_assert(f.loop.queue.drops.at[0].return_path);
	accept_message(id, 0, "app@example.net", "a@example.com b@b.example.com");
	ck_assert(!exists(path_of("drop/%s.eml", id)));
}
END_TEST

START_TEST(two_domains_with_one_folder)
{
	open_with("local_domain sales.example.com { }");
	accept_message(id, 0, "app@example.net", "a@example.com b@sales.example.com");
	ck_assert(exists(path_of("drop/%s.eml", id)));
	ck_assert_uint_eq(f.loop.queue.drops.n, 1);
}
END_TEST

/* For two folders there are two jobs of the local pool. */
START_TEST(two_folders_are_two_copies)
{
	struct span text;
	struct wire_job_copy job;
	char config[512], sales[256];
	fixture_close();
	fixture_open("");
	snprintf(sales, sizeof(sales), "%s", path_of("sales"));
	snprintf(config, sizeof(config), "local_domain sales.example.com { drop_dir %s }", sales);
	struct config before = f.child.config;
	build_config(config, &f.child.config);
	config_free(&before);
	f.child.server = &f.child.config.servers[0];
	restart();
	turn();
	struct hand *local = hire(&f.loop.queue.local), *other = hire(&f.loop.queue.local);
	size_t size = accept_message(id, 0, "app@example.net", "a@example.com b@sales.example.com");
	ck_assert(exists(path_of("cur/%s", name_of(id, size))));
	bool main_seen = false, sales_seen = false;
	struct hand *const hands[] = {local, other};
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(next_job(hands[i], &text), WIRE_job_copy);
		ck_assert(wire_decode_job_copy(text, &job));
		ck_assert_int_ge(hands[i]->journal, 0);
		bool to_sales = span_equal(job.folder, span_of(sales));
		ck_assert_uint_eq((unsigned char)job.rcpts.at[0], to_sales ? 2 : 1);
		sales_seen |= to_sales;
		main_seen |= !to_sales;
		report(hands[i], id, to_sales, to_sales, JOURNAL_DELIVERED, 0, true);
	}
	ck_assert(main_seen && sales_seen);
	ck_assert_ptr_null(known(id));
	dismiss(local);
	dismiss(other);
}
END_TEST

/* Mail for a failed folder is delivered as soon as possible, not only at its next attempt; and the trouble is
 * reported. */
START_TEST(mended_folder_gets_its_mail_at_once)
{
	char ids[3][MSGID_LEN + 1];
	const struct drop *folder = &f.loop.queue.drops.at[0];
	ck_assert_int_eq(rmdir(path_of("drop")), 0);
	for (int i = 0; i < 3; i++)
		accept_message(ids[i], 0, "app@example.net", "a@example.com");
	ck_assert_str_eq(folder_trouble(&f.loop.queue, folder), "No such file or directory");
	pass(3000);
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], 3);
	ck_assert_uint_eq(known(ids[0])->attempts, 1);
	ck_assert_int_eq(mkdir(path_of("drop"), 0755), 0);
	pass(1000);
	for (int i = 0; i < 3; i++)
		ck_assert(exists(path_of("drop/%s.eml", ids[i])));
	ck_assert_ptr_null(folder_trouble(&f.loop.queue, folder));
}
END_TEST

/* It concerns one message, so the folder has no trouble. */
START_TEST(name_that_is_taken_is_no_trouble_of_the_folder)
{
	make_id(0, id);
	size_t size = put_message("new", id, "app@example.net", "a@example.com");
	write_file(path_of("drop/%s.eml", id), "another");
	say_arrived(id, size);
	turn();
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_ptr_null(folder_trouble(&f.loop.queue, &f.loop.queue.drops.at[0]));
	pass(5000);
	ck_assert_uint_eq(known(id)->attempts, 1);
}
END_TEST

/* A folder that seems fine but fails is tried less and less often. */
START_TEST(folder_that_only_seems_fine)
{
	char config[512];
	struct span text;
	snprintf(config, sizeof(config), "local_domain sales.example.com { drop_dir %s }", path_of("drop2"));
	ck_assert_int_eq(mkdir(path_of("drop2"), 0755), 0);
	struct config before = f.child.config;
	build_config(config, &f.child.config);
	config_free(&before);
	f.child.server = &f.child.config.servers[0];
	restart();
	turn();
	struct hand *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "a@example.com b@sales.example.com");
	int jobs = 0;
	for (int second = 0; second < 120; second++) {
		while (next_job(local, &text) == WIRE_job_copy) {
			report(local, id, 0, 1, JOURNAL_DELAYED, 0, true);
			jobs++;
		}
		pass(1000);
	}
	ck_assert_int_gt(jobs, 3);
	ck_assert_int_lt(jobs, 20);
	dismiss(local);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		same_file_is_there_already,          another_file_of_that_name,
		missing_folder_comes_back,           replaced_folder_is_noticed,
		replaced_folder_gets_nothing_more,   removed_folder_made_anew_takes_the_next_message,
		local_expiry_makes_a_notice,         return_path_of_a_shared_folder,
		two_domains_with_one_folder,         two_folders_are_two_copies,
		mended_folder_gets_its_mail_at_once, name_that_is_taken_is_no_trouble_of_the_folder,
		folder_that_only_seems_fine,
	};
	return run_tests("queue_drop", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
