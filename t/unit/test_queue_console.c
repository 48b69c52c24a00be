/* Questions of mailrootctl to a queue: list, show, status; and readers that are slow, malformed or gone. */
#include "t/unit/console_fixture.h"
#include "t/unit/wire_sample.h"

enum { ROWS_MAX = 4000 };

START_TEST(list_of_what_waits)
{
	char expected[512];
	delay("app@example.net", "u@one.test");
	ASK(queue_list, .limit = 0);
	size_t size = known(id)->size;
	snprintf(expected, sizeof(expected),
		 "message|%s|waiting|%zu|app@example.net|1|1|120|900|[192.0.2.1]:25|host.test[192.0.2.1]:25 said 451 "
		 "said "
		 "so|u@one.test\n",
		 id, size);
	ck_assert_str_eq(str_text(&rows), expected);
	ck_assert_uint_eq(end.exit_code, 0);
}
END_TEST

START_TEST(empty_queue)
{
	ASK(queue_list, .limit = 0);
	ck_assert_uint_eq(row_count, 0);
	ASK(queue_show, .id = SPAN("nonsense"));
	ck_assert_uint_eq(end.exit_code, 1);
	ASK(queue_status, .detail = false);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|messages|0\n"));
}
END_TEST

START_TEST(selections)
{
	delay("app@example.net", "u@one.test");
	delay("", "v@two.test");
	delay("App@example.net", "w@one.test");
	static const struct {
		const char *sender, *recipient, *domain;
		uint64_t older, limit;
		size_t count;
	} cases[] = {
		{"", "", "", 0, 0, 3},         {"APP@example.net", "", "", 0, 0, 2},
		{"<>", "", "", 0, 0, 1},       {"", "v@two.test", "", 0, 0, 1},
		{"", "", "ONE.test", 0, 0, 2}, {"", "v@two.test", "one.test", 0, 0, 0},
		{"", "", "", 119, 0, 3},       {"", "", "", 3600, 0, 0},
		{"", "", "", 0, 2, 2},         {"x", "", "", 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASK(queue_list, .select_sender = span_of(cases[i].sender),
		    .select_recipient = span_of(cases[i].recipient), .select_domain = span_of(cases[i].domain),
		    .older_s = cases[i].older, .limit = cases[i].limit);
		ck_assert_uint_eq(row_count, cases[i].count);
	}
	ASK(queue_list, .select_id = span_of(id));
	ck_assert_uint_eq(row_count, 1);
}
END_TEST

START_TEST(more_selections)
{
	char first[MSGID_LEN + 1];
	delay("app@example.net", "u@one.test");
	memcpy(first, id, sizeof(first));
	delay("app@example.net", "v@two.test w@two.test");
	static const struct {
		const char *reason;
		uint64_t attempts, larger;
		size_t count;
	} cases[] = {
		{"", 1, 0, 2},           {"", 2, 0, 0},      {"SAID 451 said", 0, 0, 2}, {"said 452", 0, 0, 0},
		{"host.test[", 1, 1, 2}, {"", 0, 100000, 0}, {"said so", 0, 0, 2},       {"said so ", 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASK(queue_list, .select_reason = span_of(cases[i].reason), .attempts = cases[i].attempts,
		    .larger = cases[i].larger);
		ck_assert_uint_eq(row_count, cases[i].count);
	}
	ASK(queue_list, .larger = known(first)->size);
	ck_assert_uint_eq(row_count, 1);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), id));
}
END_TEST

START_TEST(selection_by_next_hop)
{
	static const struct {
		const char *hop;
		size_t count;
	} cases[] = {{"[192.0.2.1]:25", 2}, {"[192.0.2.2]:25", 1}, {"[192.0.2.2]", 0}, {"one.test", 0}};
	delay("app@example.net", "u@one.test");
	delay("app@example.net", "v@two.test");
	delay("app@example.net", "u@other.test");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASK(queue_list, .select_hop = span_of(cases[i].hop));
		ck_assert_uint_eq(row_count, cases[i].count);
	}
	ASK(queue_act, .action = ROW_HOLD, .select_hop = SPAN("[192.0.2.1]:25"));
	ck_assert_str_eq(str_text(&rows), "count|2|0|0|0\n");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
}
END_TEST

/* A recipient that already has the message does not select it. */
START_TEST(only_waiting_recipients_are_selected)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test v@two.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	ASK(queue_list, .select_domain = SPAN("one.test"));
	ck_assert_uint_eq(row_count, 0);
	ASK(queue_list, .select_domain = SPAN("two.test"));
	ck_assert_uint_eq(row_count, 1);
	dismiss(w);
}
END_TEST

/* Messages that a start found are marked step by step, and a selection skips them without opening files. */
START_TEST(a_start_marks_what_waits)
{
	delay("app@example.net", "u@one.test");
	ck_assert_uint_ne(known(id)->sender, 0);
	restart();
	for (int i = 0; i < 10; i++)
		pass(INDEX_EVERY_MS);
	ck_assert_uint_ne(known(id)->sender, 0);
	ck_assert_uint_ne(known(id)->domains, 0);
	ck_assert_int_eq(index_next(&f.loop.console.index), INT64_MAX);
}
END_TEST

START_TEST(text_of_any_size)
{
	size_t size = accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert_int_eq(truncate(path_of("new/%s", name_of(id, size)), 5 << 20), 0);
	ASK(queue_show, .id = span_of(id), .message = true);
	ck_assert_uint_eq(end.exit_code, 0);
	ck_assert_uint_eq(text_octets, 5 << 20);
	ASK(queue_show, .id = SPAN("nonsense"), .message = true);
	ck_assert_uint_eq(end.exit_code, 1);
}
END_TEST

START_TEST(show_has_the_history)
{
	delay("app@example.net", "u@one.test");
	ASK(queue_show, .id = span_of(id));
	ck_assert_uint_eq(end.exit_code, 0);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "\nrecipient|u@one.test|open|[192.0.2.1]:25\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "Z|0|delayed|451|4.2.0|host.test[192.0.2.1]:25|said so\n"));
}
END_TEST

START_TEST(show_of_a_message_being_sent)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test v@other.test");
	expect_smtp(w, &job);
	ASK(queue_show, .id = span_of(id));
	bool first = (unsigned char)job.rcpts.at[0] == 1;
	ck_assert_ptr_nonnull(
		strstr(str_text(&rows), first ? "recipient|u@one.test|trying|" : "recipient|v@other.test|trying|"));
	ck_assert_ptr_nonnull(
		strstr(str_text(&rows), first ? "recipient|v@other.test|open|" : "recipient|u@one.test|open|"));
	dismiss(w);
}
END_TEST

START_TEST(slow_reader_stops_nothing)
{
	const struct wire_queue_list all = {0};
	struct str text;
	for (int i = 0; i < ROWS_MAX; i++)
		accept_message(id, 0, "app@example.net", "u@one.test");
	str_init(&text, 4096);
	ck_assert(wire_encode_queue_list(&all, &text));
	ck_assert_int_eq(ipc_send(reader, str_span(&text), NULL, 0), 0);
	ck_assert(console_receive(&f.loop.console, ctl));
	turn(); /* comes to rest although the client does not read */
	ck_assert(console_wants_write(ctl));
	char local[MSGID_LEN + 1];
	accept_message(local, 0, "app@example.net", "a@example.com");
	ck_assert(exists(path_of("drop/%s.eml", local)));
	take_answer();
	ck_assert_uint_eq(row_count, ROWS_MAX);
	str_free(&text);
}
END_TEST

START_TEST(malformed_requests_cost_the_link)
{
	static const char *const packets[] = {"\1", "nonsense", "\377\377\377"};
	for (size_t i = 0; i < 3; i++) {
		int ends[2];
		ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
		struct ctl *c = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
		ck_assert_ptr_nonnull(c);
		ck_assert_int_eq(ipc_send(ends[1], span_of(packets[i]), NULL, 0), 0);
		ck_assert(!console_receive(&f.loop.console, c));
		close(ends[1]);
	}
	struct ctl *last = NULL;
	int far[CONSOLE_LINKS_MAX], n = 0;
	for (int ends[2]; n < CONSOLE_LINKS_MAX; n++) {
		ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
		far[n] = ends[1];
		last = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
	}
	ck_assert_ptr_null(last); /* the setup uses one connection */
	while (n--)
		close(far[n]);
}
END_TEST

START_TEST(packets_for_others_cost_the_link)
{
	struct str packet;
	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_ctl_queue, WIRE_UP)
	{
		int ends[2];
		ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
		struct ctl *c = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
		ck_assert_ptr_nonnull(c);
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(ends[1], str_span(&packet), NULL, 0), 0);
		ck_assert_msg(!console_receive(&f.loop.console, c), "%s", wire_type_name(type));
		close(ends[1]);
	}
	str_free(&packet);
}
END_TEST

START_TEST(reader_that_goes_away)
{
	const struct wire_queue_list all = {0};
	struct str text;
	for (int i = 0; i < 50; i++)
		accept_message(id, 0, "app@example.net", "u@one.test");
	str_init(&text, 4096);
	ck_assert(wire_encode_queue_list(&all, &text));
	ck_assert_int_eq(ipc_send(reader, str_span(&text), NULL, 0), 0);
	ck_assert(console_receive(&f.loop.console, ctl));
	close(reader);
	reader = -1;
	turn();
	ck_assert(!console_receive(&f.loop.console, ctl));
	turn();
	str_free(&text);
}
END_TEST

START_TEST(status_of_next_hops)
{
	delay("app@example.net", "u@one.test");
	accept_message(id, 0, "app@example.net", "u@other.test");
	ASK(queue_status, .detail = true);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|messages|2\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|waiting|1\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|active|1\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "next_hop|[192.0.2.2]:25|1|0|0|up|0||1|0\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "next_hop|[192.0.2.1]:25|0|0|0|"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|disk_free|"));
}
END_TEST

/* Held mail is old on purpose. A count may be some seconds old. */
START_TEST(age_of_the_oldest_message)
{
	char held[MSGID_LEN + 1], old[MSGID_LEN + 1], young[MSGID_LEN + 1];
	ASK(queue_status, .detail = true);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|oldest_s|0\n"));
	accept_message(held, 60 * MINUTE, "app@example.net", "u@other.test");
	accept_message(old, 30 * MINUTE, "app@example.net", "u@other.test");
	accept_message(young, MINUTE, "app@example.net", "u@other.test");
	ASK(queue_act, .action = ROW_HOLD, .select_id = span_of(held));
	ASK(queue_status, .detail = true);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|oldest_s|0\n"));
	pass(2 * AGES_PASS_MS);
	ASK(queue_status, .detail = true);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "fact|oldest_s|1810\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "|2|1810\n"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		list_of_what_waits,
		empty_queue,
		selections,
		show_has_the_history,
		show_of_a_message_being_sent,
		more_selections,
		selection_by_next_hop,
		only_waiting_recipients_are_selected,
		a_start_marks_what_waits,
		text_of_any_size,
		slow_reader_stops_nothing,
		malformed_requests_cost_the_link,
		packets_for_others_cost_the_link,
		reader_that_goes_away,
		status_of_next_hops,
		age_of_the_oldest_message,
	};
	return run_tests("queue_console", tests, sizeof(tests) / sizeof(tests[0]), reader_open, reader_close);
}
