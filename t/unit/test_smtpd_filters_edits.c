/* What filters change in a message. */
#include "t/unit/filter_session_fixture.h"

#include <sys/mman.h>

START_TEST(test_adds_field)
{
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_str_eq(own_header(), "Subject: one\r\nX-Old: yes\r\nX-New: it is\r\n\r\nhello\r\n");
	ck_assert_int_eq(memory.stored, 1);
	ck_assert(
		span_starts(str_span(&memory.last), SPAN("x-sender: a@client.test\r\nx-receiver: b@example.com\r\n")));
}
END_TEST

START_TEST(test_edits_all)
{
	FAKE_ANSWER(one, 'E', 'i', "\0\0\0\0X-First\0top\0");
	FAKE_ANSWER(one, 'E', 'm', "\0\0\0\1Subject\0two\n\tlines\0");
	FAKE_ANSWER(one, 'E', 'm', "\0\0\0\1X-Old\0\0");
	FAKE_ANSWER(one, 'E', '+', "<c@example.org>\0");
	FAKE_ANSWER(one, 'E', '-', "<b@example.com>\0");
	FAKE_ANSWER(one, 'E', 'e', "<other@client.test>\0");
	FAKE_ANSWER(one, 'E', 'b', "new\nbo");
	FAKE_ANSWER(one, 'E', 'b', "dy");
	FAKE_ANSWER(one, 'E', 'q', "smells\0");
	FAKE_ANSWER(one, 'E', 'a', "");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	const char *text = str_text(&memory.last);
	ck_assert(span_starts(str_span(&memory.last),
			      SPAN("x-sender: other@client.test\r\nx-receiver: c@example.org\r\n"
				   "x-mailroot-hold: filter one: smells\r\nX-First: top\r\nReceived: ")));
	ck_assert_ptr_null(strstr(text, "X-Old"));
	ck_assert_str_eq(own_header(), "Subject: two\r\n\tlines\r\n\r\nnew\r\nbody\r\n");
}
END_TEST

/* What the envelope says of the client stays. */
START_TEST(test_foreign)
{
	FAKE_ANSWER(one, 'E', 'b', "new body");
	FAKE_ANSWER(one, 'E', 'a', "");
	run(FILTER "}\ndkim client.test { selector a /a.pem }", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert(span_starts(str_span(&memory.last),
			      SPAN("x-sender: a@client.test\r\nx-mailroot-foreign: yes\r\nx-receiver: ")));
	ck_assert_ptr_nonnull(strstr(str_text(&memory.last), "new body"));
}
END_TEST

/* The filter knows the recipients as the client has named them. */
START_TEST(test_other_names)
{
	FAKE_ANSWER(one, 'E', '-', "<b@example.org>\0");
	FAKE_ANSWER(one, 'E', '-', "<c>\0");
	FAKE_ANSWER(one, 'E', '+', "<d@example.org>\0");
	FAKE_ANSWER(one, 'E', '+', "<e>\0");
	FAKE_ANSWER(one, 'E', 'e', "<boss>\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	run("alias_domain example.org\n" FILTER "}",
	    HELLO MAIL "RCPT TO:<b@example.org>\r\nRCPT TO:<c@example.com>\r\n" DATA QUIT);
	ck_assert(span_starts(
		str_span(&memory.last),
		SPAN("x-sender: boss@example.com\r\nx-receiver: d@example.com\r\nx-receiver: e@example.com\r\nReceived: ")));
}
END_TEST

/* Runs, and returns what is logged meanwhile. REPLACE_ERROR: of the store. */
static const char *log_of(const char *lines, const char *text, int replace_error)
{
	static char logged[16 * 1024];
	int kept = dup(2), log = memfd_create("log", MFD_CLOEXEC);
	log_set_level(LOG_LEVEL_INFO);
	dup2(log, 2);
	begin(lines);
	memory.replace_error = replace_error;
	say(text);
	finish();
	dup2(kept, 2);
	log_set_level(LOG_LEVEL_ERROR);
	close(kept);
	ssize_t len = pread(log, logged, sizeof(logged) - 1, 0);
	logged[len > 0 ? len : 0] = '\0';
	close(log);
	return logged;
}

/* The line about the message has the envelope and the size with which it is stored. */
START_TEST(test_logs_what_is_stored)
{
	static const char body[] = "a body that is longer than the one before";
	char expected[200];
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', '+', "<c@example.org>\0");
	FAKE_ANSWER(one, 'E', '+', "<d@example.org>\0");
	if (_i)
		FAKE_ANSWER(one, 'E', 'e', "<boss>\0");
	if (_i)
		fake_answer(one, 'E', 'b', body, sizeof(body) - 1);
	FAKE_ANSWER(one, 'E', 'c', "");
	const char *logged = log_of(FILTER "}", HELLO MESSAGE QUIT, 0);
	snprintf(expected, sizeof(expected), " from=<%s> nrcpt=3 size=%zu status=accepted\n",
		 _i ? "boss@example.com" : "a@client.test", strlen(own_header()));
	ck_assert_msg(strstr(logged, expected), "no%s in\n%s", expected, logged);
}
END_TEST

START_TEST(test_logs_no_edits_that_fail)
{
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	const char *logged = log_of(FILTER "}", HELLO MESSAGE QUIT, _i ? 0 : -ENOSPC);
	ck_assert((strstr(logged, "status=edited") != NULL) == (_i == 1));
	ck_assert_int_eq(memory.stored, _i);
}
END_TEST

/* The size that an earlier filter leaves counts for the later one. */
START_TEST(test_max_size_after_edits)
{
	char much[3000], text[4000];
	struct fake *two = fake_begin(1, "two");
	memset(much, 'x', sizeof(much));
	memcpy(much + 900, "\r\n", 2);
	much[sizeof(much) - 1] = '\0';
	fake_answer(one, 'E', 'b', much, _i ? sizeof(much) - 1 : 1);
	FAKE_ANSWER(one, 'E', 'c', "");
	snprintf(text, sizeof(text), HELLO MAIL RCPT "DATA\r\n" TEXT "%s\r\n.\r\n" QUIT, _i ? "" : much);
	run(FILTER "}\nfilter two { address inet:127.0.0.1:2; max_size 2K }", text);
	ck_assert_ptr_nonnull(strchr(str_text(&two->letters), 'R'));
	ck_assert(!strchr(str_text(&two->letters), 'E') == (_i == 1));
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

/* What a filter makes larger than each mailbox can hold is refused, as if the client had sent it. */
START_TEST(test_mailbox_after_edits)
{
	static const char body[] = "a body that is longer than the one before, and than all of the mailbox";
	fake_answer(one, 'E', 'b', body, sizeof(body) - 1);
	if (_i == 2)
		FAKE_ANSWER(one, 'E', '+', "<c@example.org>\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	begin(FILTER "}");
	memory.full_domain = "example.com";
	memory.room = (struct fullness_room){.most = _i ? 50 : 1000, .now = 1000};
	say(HELLO MESSAGE QUIT);
	finish();
	ck_assert_int_eq(code(5), _i == 1 ? 552 : 250);
	ck_assert_int_eq(memory.stored, _i == 1 ? 0 : 1);
}
END_TEST

START_TEST(test_nobody_left)
{
	FAKE_ANSWER(one, 'E', '-', "<b@example.com>\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 0);
	ck_assert_int_eq(code(5), 250);
}
END_TEST

/* The second sees what the first has done, and nothing after a refusal of the first. */
START_TEST(test_in_order)
{
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', 'h', "X-One\0was here\0");
	FAKE_ANSWER(one, 'E', 'b', "changed\r\n");
	FAKE_ANSWER(one, 'E', 'c', "");
	FAKE_ANSWER(two, 'E', 'h', "X-Two\0too\0");
	FAKE_ANSWER(two, 'E', 'c', "");
	run(FILTER "}\nfilter two { address inet:127.0.0.1:2 }", HELLO MESSAGE QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&two->seen), "L X-One|was here|\nN \nB changed\r\n\nE "));
	ck_assert_str_eq(own_header(),
			 "Subject: one\r\nX-Old: yes\r\nX-One: was here\r\nX-Two: too\r\n\r\nchanged\r\n");
}
END_TEST

/* Our own Received is not shown, even if it is no longer the first field. */
START_TEST(test_ours_is_hidden)
{
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', 'i', "\0\0\0\0X-One\0first\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	FAKE_ANSWER(two, 'E', 'm', "\0\0\0\1Received\0none\0");
	FAKE_ANSWER(two, 'E', 'm', "\0\0\0\1X-One\0changed\0");
	FAKE_ANSWER(two, 'E', 'c', "");
	run(FILTER "}\nfilter two { address inet:127.0.0.1:2 }", HELLO MESSAGE QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&two->seen), "\nL X-One|first|\nL Subject|one|\nL X-Old|yes|\nN \n"));
	ck_assert_ptr_nonnull(
		strstr(str_text(&memory.last), "x-receiver: b@example.com\r\nX-One: changed\r\nReceived: "));
	ck_assert_str_eq(own_header(), "Subject: one\r\nX-Old: yes\r\nReceived: none\r\n\r\nhello\r\n");
}
END_TEST

START_TEST(test_new_body_of_unseen_content)
{
	one->protocol = MILTER_NO_HEADER | MILTER_NO_EOH | MILTER_NO_BODY;
	FAKE_ANSWER(one, 'E', 'b', "new\r\n");
	FAKE_ANSWER(one, 'E', 'c', "");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(own_header(), "Subject: one\r\nX-Old: yes\r\n\r\nnew\r\n");
}
END_TEST

int main(void)
{
	static const struct filter_test tests[] = {
		{&test_adds_field, 0},
		{&test_edits_all, 0},
		{&test_foreign, 0},
		{&test_other_names, 0},
		{&test_logs_what_is_stored, 2},
		{&test_logs_no_edits_that_fail, 2},
		{&test_max_size_after_edits, 2},
		{&test_mailbox_after_edits, 3},
		{&test_nobody_left, 0},
		{&test_in_order, 0},
		{&test_ours_is_hidden, 0},
		{&test_new_body_of_unseen_content, 0},
	};
	return run_filter_tests("smtpd_filters_edits", tests, sizeof(tests) / sizeof(tests[0]));
}
