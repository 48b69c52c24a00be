/* Filters that fail, come too late or break the protocol, and a stop while smtpd waits for one. */
#include "t/unit/filter_session_fixture.h"

#include "common/base/clock.h"
#include "smtpd/milter/dial.h"

/* A filter that dies at each of its commands: its edits are forgotten, and when_down decides. */
static const char dies_at[] = "OCHMRTLNBE";
static const struct {
	const char *setting;
	int code;
	unsigned stored;
	bool held;
} downs[] = {{"tempfail", 451, 0, false}, {"accept", 250, 1, false}, {"reject", 550, 0, false}, {"hold", 250, 1, true}};

enum { COUNT_OF_DOWN = sizeof(downs) / sizeof(downs[0]) };

static void check_down(size_t i)
{
	bool held = strstr(str_text(&memory.last), "x-mailroot-hold: filter one is down: ");
	ck_assert_msg(strstr(str_text(&replies), downs[i].code == 451   ? "\n451 4.7.1 "
						 : downs[i].code == 550 ? "\n550 5.7.1 "
									: "Queued mail"),
		      "the replies are\n%s", str_text(&replies));
	ck_assert_uint_eq(memory.stored, downs[i].stored);
	ck_assert_int_eq(held, downs[i].held);
	if (downs[i].stored)
		ck_assert_str_eq(own_header(), TEXT);
}

START_TEST(test_down)
{
	char lines[200];
	size_t down = (size_t)_i % COUNT_OF_DOWN;
	snprintf(lines, sizeof(lines), FILTER "when_down %s }", downs[down].setting);
	FAKE_ANSWER(one, 'E', 'h', "X-New\0lost\0");
	one->deeds[(unsigned char)dies_at[(size_t)_i / COUNT_OF_DOWN]] = FAKE_DIES;
	run(lines, HELLO MESSAGE QUIT);
	check_down(down);
}
END_TEST

START_TEST(test_absent)
{
	char lines[200];
	snprintf(lines, sizeof(lines), FILTER "when_down %s }", downs[_i].setting);
	one->absent = ECONNREFUSED;
	run(lines, HELLO MESSAGE QUIT);
	check_down((size_t)_i);
}
END_TEST

/* The filter has no fault: clients shall come again. */
START_TEST(test_own_trouble)
{
	char lines[200];
	snprintf(lines, sizeof(lines), FILTER "when_down %s }", downs[_i].setting);
	one->absent = DIAL_OURS;
	run(lines, HELLO MESSAGE QUIT);
	check_down(0);
}
END_TEST

/* Edits, and then the end of the connection, or an answer that is none. */
START_TEST(test_all_or_nothing)
{
	static const char *const bodies[] = {"new body\r\n", NULL};
	FAKE_ANSWER(one, 'E', 'h', "X-New\0lost\0");
	FAKE_ANSWER(one, 'E', '-', "b@example.com\0");
	fake_answer(one, 'E', 'b', bodies[0], strlen(bodies[0]));
	FAKE_ANSWER(one, 'E', 'z', "");
	run(FILTER "when_down accept }", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(own_header(), TEXT);
	ck_assert(strstr(str_text(&memory.last), "x-receiver: b@example.com\r\n"));
}
END_TEST

START_TEST(test_comes_back)
{
	one->deeds['R'] = FAKE_DIES;
	begin(FILTER "}");
	say(HELLO MESSAGE);
	ck_assert_int_eq(memory.stored, 0);
	one->deeds['R'] = FAKE_ANSWERS;
	say("RSET\r\n" MESSAGE QUIT);
	finish();
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(str_text(&one->letters), "OCHMROCHMRTLLNBEQ");
}
END_TEST

/* The connection ends between two messages, as when the filter is restarted: a new one is made. */
START_TEST(test_reconnects)
{
	begin(FILTER "when_down reject }");
	say(HELLO MESSAGE);
	shutdown(one->fds[0], SHUT_RDWR);
	say(MESSAGE QUIT);
	finish();
	ck_assert_int_eq(memory.stored, 2);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEOCHMRTLLNBEQ");
}
END_TEST

/* What is held is the message in which the filter failed, and no later one. */
START_TEST(test_holds_no_other)
{
	one->deeds['R'] = FAKE_DIES;
	begin(FILTER "when_down hold }");
	say(HELLO MAIL RCPT "RSET\r\n");
	one->deeds['R'] = FAKE_ANSWERS;
	say("UNKNOWN\r\n" MESSAGE QUIT);
	finish();
	ck_assert_int_eq(code(5), 500);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_ptr_null(strstr(str_text(&memory.last), "x-mailroot-hold"));
}
END_TEST

START_TEST(test_stopped)
{
	one->deeds[(unsigned char)"CHMRTLNBE"[_i]] = FAKE_STOPS_US;
	run(FILTER "when_down accept }", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 0);
	ck_assert_int_eq(last_code(), 421);
}
END_TEST

START_TEST(test_too_late)
{
	one->deeds[(unsigned char)"ME"[_i]] = FAKE_STALLS;
	run(FILTER "timeout command 1s content 1s }", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 0);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\n451 4.7.1 Service unavailable - try again later\r\n"));
}
END_TEST

/* A filter that answers nothing to the body and reads slowly: the limit for all of the content counts for sending, too.
 */
START_TEST(test_reads_no_more)
{
	struct str text;
	str_init(&text, 4 << 20);
	one->protocol = MILTER_MUTE_BODY;
	one->deeds['B'] = FAKE_READS_NO_MORE;
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\n");
	for (unsigned i = 0; i < 90000; i++)
		str_append_text(&text, "0123456789 0123456789\r\n");
	str_append_text(&text, ".\r\n" QUIT);
	begin(FILTER "timeout content 1h }");
	filters.deadline = clock_mono_ms() + 3000;
	say(str_text(&text));
	finish();
	str_free(&text);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\n451 4.7.1 "));
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_refused_recipient_while_stopping)
{
	one->protocol = MILTER_REFUSED_RCPTS;
	one->deeds['R'] = FAKE_STOPS_US;
	run(FILTER "when_down accept }", HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" RCPT DATA);
	ck_assert_str_eq(str_text(&one->letters), "OCHMR");
	ck_assert_int_eq(code(3), 550);
	ck_assert_int_eq(last_code(), 421);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* Octets beyond an answer are not the beginning of the next one. */
START_TEST(test_octets_left_over)
{
	FAKE_ANSWER(one, 'R', 'c', "");
	str_append(&one->answers['R'], SPAN("\0\0\0\1"));
	str_append(&one->answers['T'], SPAN("c"));
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(code(4), 451);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_two_answers)
{
	char command = "LNB"[_i];
	fake_answer(one, command, 'c', "", 0);
	fake_answer(one, command, 'c', "", 0);
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(code(5), 451);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

int main(void)
{
	static const struct filter_test tests[] = {
		{&test_down, (int)(sizeof(dies_at) - 1) * COUNT_OF_DOWN},
		{&test_absent, COUNT_OF_DOWN},
		{&test_own_trouble, COUNT_OF_DOWN},
		{&test_all_or_nothing, 0},
		{&test_comes_back, 0},
		{&test_reconnects, 0},
		{&test_holds_no_other, 0},
		{&test_stopped, 9},
		{&test_too_late, 2},
		{&test_reads_no_more, 0},
		{&test_refused_recipient_while_stopping, 0},
		{&test_octets_left_over, 0},
		{&test_two_answers, 3},
	};
	return run_filter_tests("smtpd_filters_down", tests, sizeof(tests) / sizeof(tests[0]));
}
