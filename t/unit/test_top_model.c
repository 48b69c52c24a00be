/* The screen of `mailrootctl top` without a terminal: lists, keys, answers, and what is painted. */
#include "t/unit/top_fixture.h"

START_TEST(panes_of_a_service)
{
	news(3, 2);
	see("Mailroot 1.2, running for 10s");
	see("SERVER STATE");
	see("one    running");
	see("[192.0.2.0]:25 down");
	see("10.0.0.1");
	see("?:help q:quit");
}
END_TEST

START_TEST(before_the_first_news)
{
	see("asking the service");
	unseen("No mail in the queue.");
	news(0, 0);
	see("No mail in the queue.");
	see("No client is connected.");
}
END_TEST

START_TEST(the_selection_stays_with_its_row)
{
	news(5, 0);
	press(KEYBOARD_DOWN);
	press(KEYBOARD_DOWN);
	ck_assert_str_eq(selected(), "[192.0.2.2]:25");
	hops_begin = 1; /* the first has gone */
	news(5, 0);
	ck_assert_str_eq(selected(), "[192.0.2.2]:25");
	hops_begin = 4; /* it has gone itself: another one stands there */
	news(5, 0);
	ck_assert_str_eq(selected(), "[192.0.2.5]:25");
	hops_begin = 0;
	news(1, 0);
	ck_assert_str_eq(selected(), "[192.0.2.0]:25");
	news(0, 0);
	ck_assert_ptr_null(picklist_selected(model_list(&model)));
	press(KEYBOARD_DOWN);
	press(KEYBOARD_ENTER);
	press('r');
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
}
END_TEST

START_TEST(keys_move_and_scroll)
{
	news(1000, 0);
	press(KEYBOARD_END);
	ck_assert_str_eq(selected(), "[192.0.2.999]:25");
	see("[192.0.2.999]:25");
	see("/1000");
	press(KEYBOARD_PAGE_UP);
	ck_assert_str_eq(selected(), "[192.0.2.990]:25");
	press(KEYBOARD_HOME);
	press(KEYBOARD_UP);
	ck_assert_str_eq(selected(), "[192.0.2.0]:25");
	see(" 1-");
}
END_TEST

START_TEST(tab_goes_round)
{
	news(1, 1);
	press(KEYBOARD_TAB);
	ck_assert_int_eq(model.focus, PANE_SESSIONS);
	press(KEYBOARD_TAB);
	ck_assert_int_eq(model.focus, PANE_SERVERS);
	press(KEYBOARD_BACK_TAB);
	press(KEYBOARD_BACK_TAB);
	ck_assert_int_eq(model.focus, PANE_QUEUE);
}
END_TEST

START_TEST(filter_shows_rows_with_a_text)
{
	news(20, 2);
	press('/');
	type("2.7]");
	see("/2.7]_");
	see("[192.0.2.7]:25");
	unseen("[192.0.2.8]:25");
	see("No row has this text.");
	see("one    running");
	press(KEYBOARD_ENTER);
	see("only rows with \"2.7]\"");
	news(20, 2); /* stays over news */
	unseen("[192.0.2.8]:25");
	press(KEYBOARD_ESCAPE);
	see("[192.0.2.8]:25");
}
END_TEST

START_TEST(filter_takes_letters_of_every_length)
{
	news(1, 0);
	press('/');
	press('a');
	press(0xe9);
	press(0x65e5);
	press(0x1f4e7);
	press('\x07');
	ck_assert_str_eq(model.filter, "aé日\xf0\x9f\x93\xa7");
	press(KEYBOARD_BACKSPACE);
	press(KEYBOARD_BACKSPACE);
	ck_assert_str_eq(model.filter, "aé");
	for (int i = 0; i < 1000; i++)
		press(0x65e5);
	ck_assert_uint_le(strlen(model.filter), MODEL_FILTER_MAX);
	for (int i = 0; i < 1000; i++)
		press(KEYBOARD_BACKSPACE);
	ck_assert_str_eq(model.filter, "");
}
END_TEST

/* Nothing is touched before it was counted and confirmed. */
START_TEST(retry_of_a_next_hop)
{
	news(2, 0);
	press('r');
	ck_assert_int_eq(model.order.kind, ORDER_COUNT);
	ck_assert_int_eq(model.order.action, ROW_RETRY);
	ck_assert_str_eq(model.order.server, "one");
	ck_assert_str_eq(model.order.hop, "[192.0.2.0]:25");
	see("asking ...");
	answer(12, 0);
	see("12 messages will be tried again now. Continue? [y/N]");
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
	press('n');
	see("Nothing was done.");
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
	press('r');
	answer(12, 0);
	press('y');
	ck_assert_int_eq(model.order.kind, ORDER_ACT);
	ck_assert_str_eq(model.order.hop, "[192.0.2.0]:25");
	answer(11, 1);
	see("11 retried. 1 of 12 is held");
}
END_TEST

/* What is asked is never cut. */
START_TEST(a_long_question)
{
	model_size(&model, LAYOUT_LINES_MIN, LAYOUT_COLUMNS_MIN);
	news(2, 0);
	press('h');
	answer(12, 0);
	see("12 messages will be held");
	see("[y/N]");
}
END_TEST

START_TEST(nothing_to_release)
{
	news(1, 0);
	press('u');
	ck_assert_int_eq(model.order.action, ROW_RELEASE);
	answer(0, 3);
	see("nothing to do: 3 are not held");
	ck_assert_int_eq(model.prompt, MODEL_NO_PROMPT);
	press('h');
	ck_assert_int_eq(model.order.action, ROW_HOLD);
	answer(0, 0);
	see("no message in the queue matches");
}
END_TEST

START_TEST(all_mail_of_a_server)
{
	news(1, 1);
	press(KEYBOARD_BACK_TAB);
	press('h');
	ck_assert_str_eq(model.order.server, "one");
	ck_assert_str_eq(model.order.hop, "");
	ck_assert_str_eq(model.order.id, "");
	answer(5, 0);
	press('N');
	press(KEYBOARD_BACK_TAB); /* sessions have no mail */
	press('h');
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
	see("Select a next hop");
}
END_TEST

START_TEST(one_order_at_a_time)
{
	news(2, 0);
	press('r');
	model.order.kind = ORDER_NOTHING; /* it is on its way */
	press('h');
	press('p');
	press(KEYBOARD_ENTER);
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
	press(KEYBOARD_DOWN);
	ck_assert_str_eq(selected(), "[192.0.2.1]:25");
}
END_TEST

START_TEST(pause_and_continue)
{
	news(1, 0);
	press('p');
	see("Server one will answer new connections with 421. Continue? [y/N]");
	press('y');
	ck_assert_int_eq(model.order.kind, ORDER_SERVER);
	ck_assert_int_eq(model.order.server_action, ROW_PAUSE);
	answer(0, 0);
	state = "paused";
	news(1, 0);
	press('p');
	see("Server one will accept connections again.");
	press('y');
	ck_assert_int_eq(model.order.server_action, ROW_CONTINUE);
	answer(0, 0);
	state = "stopping";
	news(1, 0);
	press('p');
	ck_assert_int_eq(model.order.kind, ORDER_NOTHING);
	see("Only a server that is running or paused");
}
END_TEST

START_TEST(pages_of_messages)
{
	news(1, 0);
	press(KEYBOARD_ENTER);
	ck_assert_int_eq(model.order.kind, ORDER_LIST);
	list_of_messages(3);
	see("Mail for [192.0.2.0]:25");
	see("ID1");
	press(KEYBOARD_DOWN);
	press('r'); /* of one message: nobody is asked */
	ck_assert_int_eq(model.order.kind, ORDER_COUNT);
	ck_assert_str_eq(model.order.id, "ID1");
	answer(1, 0);
	ck_assert_int_eq(model.order.kind, ORDER_ACT);
	answer(1, 0);
	ck_assert_int_eq(model.order.kind, ORDER_LIST); /* the list may have changed */
	list_of_messages(2);
	ck_assert_str_eq(selected(), "ID1");
	press(KEYBOARD_ENTER);
	ck_assert_int_eq(model.order.kind, ORDER_SHOW);
	show_message();
	see("Message ID1");
	see("why 99");
	press('h');
	ck_assert_str_eq(model.order.id, "ID1");
	answer(1, 0);
	see("1 message will be held");
	press('n');
	press('q');
	see("Mail for [192.0.2.0]:25");
	press(KEYBOARD_ESCAPE);
	see("NEXT HOP");
	press('q');
	ck_assert(model.quit);
}
END_TEST

START_TEST(texts_scroll)
{
	news(1, 0);
	press(KEYBOARD_ENTER);
	list_of_messages(1);
	press(KEYBOARD_ENTER);
	show_message();
	see("why 99");
	press(KEYBOARD_DOWN);
	unseen("why 99");
	see("line 0 ");
	press(KEYBOARD_END);
	see("line 199 ");
	press(KEYBOARD_UP);
	unseen("line 199 ");
}
END_TEST

START_TEST(details_of_a_session_and_a_server)
{
	news(1, 2);
	press(KEYBOARD_TAB);
	press(KEYBOARD_ENTER);
	see("CLIENT: 10.0.0.0");
	press('q');
	press(KEYBOARD_TAB);
	press(KEYBOARD_ENTER);
	see("listens at: 127.0.0.1:25");
}
END_TEST

START_TEST(a_refusal_is_said)
{
	struct answer refused = {.order = {.kind = ORDER_ACT, .action = ROW_HOLD}, .said = "the queue hangs"};
	news(1, 0);
	press('h');
	model_answer(&model, &refused, now_ms);
	see("the queue hangs");
	press('h');
	ck_assert_int_eq(model.order.kind, ORDER_COUNT);
}
END_TEST

/* The last rows stay while nobody answers. */
START_TEST(the_service_goes_and_comes)
{
	struct news gone = {.up = false, .why = "mailrootd is not running"};
	news(1, 1);
	model_news(&model, &gone, now_ms);
	see("No answer, trying again: mailrootd is not running");
	see("[192.0.2.0]:25");
	news(1, 1);
	see("Mailroot 1.2, running for 10s");
	now_ms += 20000;
	see("A process has not answered for 20s");
}
END_TEST

START_TEST(help_covers_the_screen)
{
	news(1, 1);
	press('?');
	see("next pane: servers, queue by next hop, sessions");
	press('q');
	ck_assert(!model.quit);
	see("NEXT HOP");
}
END_TEST

START_TEST(every_size)
{
	news(100, 100);
	for (size_t lines = 1; lines < 40; lines += 3) {
		for (size_t columns = 1; columns < 200; columns += 13) {
			model_size(&model, lines, columns);
			screen();
		}
	}
	model_size(&model, 9, 30);
	see("30x9 is too small;");
	see("40x10 at least");
}
END_TEST

/* In 40x10 each pane has a row, with what matters most. */
START_TEST(the_least_size)
{
	model_size(&model, LAYOUT_LINES_MIN, LAYOUT_COLUMNS_MIN);
	news(100, 100);
	see("one    running");
	see("[192.0.2.0]:25");
	see("10.0.0.0");
	see("?:help q:quit");
}
END_TEST

START_TEST(hostile_texts_stay_at_their_place)
{
	model_size(&model, 24, 160);
	why = "a\x1b[2Jb\nc\xff\xc2\x9b日本\xe2\x80\xae"
	      "d";
	news(1, 0);
	see("a\\x1b[2Jb\\x0ac\\xff\\xc2\\x9b日本\\xe2\\x80\\xaed");
	why = "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語";
	news(1, 0);
	screen();
	model.utf8 = false;
	see("\\xe6\\x97\\xa5");
}
END_TEST

START_TEST(the_terminal_goes_away)
{
	press(KEYBOARD_GONE);
	ck_assert(model.quit);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		panes_of_a_service,
		before_the_first_news,
		the_selection_stays_with_its_row,
		keys_move_and_scroll,
		tab_goes_round,
		filter_shows_rows_with_a_text,
		filter_takes_letters_of_every_length,
		retry_of_a_next_hop,
		a_long_question,
		nothing_to_release,
		all_mail_of_a_server,
		one_order_at_a_time,
		pause_and_continue,
		pages_of_messages,
		texts_scroll,
		details_of_a_session_and_a_server,
		a_refusal_is_said,
		the_service_goes_and_comes,
		help_covers_the_screen,
		every_size,
		the_least_size,
		hostile_texts_stay_at_their_place,
		the_terminal_goes_away,
	};
	return run_tests("top_model", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
