/* Recipients that filters remove, under the names that the client gave. */
#include "t/unit/filter_session_fixture.h"

#include <time.h>

#include "t/unit/known_fixture.h"

/* Removed under the name that the client gave: with an alias go those members that no other recipient leads to. */
static const struct {
	const char *rcpts, *removed[2], *left; /* of the recipients, in their order */
} removals[] = {
	{"RCPT TO:<team>\r\n" RCPT, {"<team@example.org>"}, "b@example.com "},
	{"RCPT TO:<team>\r\n", {"<ann@example.com>"}, "bob@example.com "},
	{"RCPT TO:<team>\r\nRCPT TO:<bob>\r\n", {"<team>"}, "bob@example.com "},
	{"RCPT TO:<bob>\r\nRCPT TO:<team>\r\n", {"<team>"}, "bob@example.com "},
	{"RCPT TO:<bob>\r\nRCPT TO:<team>\r\n", {"<bob>"}, "ann@example.com "},
	{"RCPT TO:<team>\r\nRCPT TO:<all>\r\n", {"<team>"}, "bob@example.com c@example.net "},
	{"RCPT TO:<team>\r\nRCPT TO:<all>\r\n" RCPT, {"<team>", "<all>"}, "b@example.com "},
	{"RCPT TO:<team>\r\nRCPT TO:<team>\r\n" RCPT, {"<team>"}, "b@example.com "},
	{"RCPT TO:<team> ORCPT=rfc822;b@example.com\r\n" RCPT, {"<team>"}, "b@example.com "},
	{"RCPT TO:<team> ORCPT=rfc822;b@example.com\r\n" RCPT, {"<b>"}, "ann@example.com bob@example.com "},
	{RCPT "RCPT TO:<ann> ORCPT=rfc822;b@example.com\r\n", {"<b@example.com>"}, "ann@example.com "},
	{"RCPT TO:<team> NOTIFY=SUCCESS\r\n" RCPT, {"<team>"}, "b@example.com "},
	{"RCPT TO:<team> NOTIFY=SUCCESS\r\n", {"<ann>"}, "bob@example.com team@example.com "},
	{"RCPT TO:<team> NOTIFY=SUCCESS\r\n" RCPT, {"<ann>", "<bob>"}, "b@example.com "},
	{"RCPT TO:<team> NOTIFY=SUCCESS\r\nRCPT TO:<all> NOTIFY=SUCCESS\r\n",
	 {"<ann>", "<bob>"},
	 "c@example.net all@example.com "},
};

static void check_receivers(const char *left)
{
	char receivers[500] = "";
	struct span rest = str_span(&memory.last), line;
	while (span_line(&rest, &line))
		if (span_starts(line, SPAN("x-receiver: ")))
			snprintf(receivers + strlen(receivers), sizeof(receivers) - strlen(receivers), "%.*s ",
				 SPAN_ARGS(span_skip(line, 12)));
	ck_assert_str_eq(receivers, left);
}

static void begin_with_aliases(const char *lines, struct known *known)
{
	*known = (struct known){0};
	force_list(known, "/list", SPAN("ann\nb\nbob\nteam: ann bob\nall: bob c@example.net\n"));
	begin(lines);
	session.known = known;
}

START_TEST(test_removes)
{
	struct known known;
	for (size_t i = 0; i < 2 && removals[_i].removed[i]; i++)
		fake_answer(one, 'E', '-', removals[_i].removed[i], strlen(removals[_i].removed[i]) + 1);
	FAKE_ANSWER(one, 'E', 'c', "");
	begin_with_aliases("local_domain example.com { recipients /list }\nalias_domain example.org\n" FILTER "}",
			   &known);
	say(HELLO MAIL);
	say(removals[_i].rcpts);
	say(DATA QUIT);
	finish();
	known_free(&known);
	ck_assert_int_eq(memory.stored, 1);
	check_receivers(removals[_i].left);
}
END_TEST

/* The line of an alias, which asks for a notice alone, is no recipient. */
START_TEST(test_removes_all_members)
{
	struct known known;
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', '-', "<ann>\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	FAKE_ANSWER(two, 'E', '-', "<bob>\0");
	FAKE_ANSWER(two, 'E', 'c', "");
	begin_with_aliases("local_domain example.com { recipients /list }\n" FILTER
			   "}\nfilter two { address inet:127.0.0.1:2 }",
			   &known);
	say(HELLO MAIL "RCPT TO:<team> NOTIFY=SUCCESS\r\n" DATA QUIT);
	finish();
	known_free(&known);
	ck_assert_int_eq(code(5), 250);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* What an earlier filter has added stays, even if it was a member before. */
START_TEST(test_removes_no_added)
{
	struct known known;
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', '+', "<bob>\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	FAKE_ANSWER(two, 'E', '-', "<team>\0");
	FAKE_ANSWER(two, 'E', 'c', "");
	begin_with_aliases("local_domain example.com { recipients /list }\n" FILTER
			   "}\nfilter two { address inet:127.0.0.1:2 }",
			   &known);
	say(HELLO MAIL "RCPT TO:<team>\r\n" DATA QUIT);
	finish();
	known_free(&known);
	check_receivers("bob@example.com ");
}
END_TEST

static int64_t cpu_ms(void)
{
	struct timespec now;
	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As many as there may be: it takes no more time than as many fields. */
START_TEST(test_removes_many)
{
	enum { MOST = ENVELOPE_RCPT_MAX, CPU_MS = 4000 };
	char address[64];
	struct str text, lines;
	str_init(&text, 1 << 20);
	str_init(&lines, 1 << 16);
	str_append_text(&lines, "messages { max_recipients 5000 }\n");
	for (unsigned i = 0; i < 50; i++)
		str_printf(&lines, "alias_domain d%u.example.org\n", i);
	str_append_text(&lines, FILTER "}");
	str_append_text(&text, HELLO MAIL);
	for (unsigned i = 0; i < MOST; i++)
		str_printf(&text, "RCPT TO:<r%u@example.com> ORCPT=rfc822;r%u@example.net\r\n", i, i);
	str_append_text(&text, DATA QUIT);
	for (unsigned i = 0; i < MOST; i++) {
		snprintf(address, sizeof(address), i ? "other%u@example.net" : "r0", i);
		fake_answer(one, 'E', '-', address, strlen(address) + 1);
	}
	FAKE_ANSWER(one, 'E', 'c', "");
	int64_t before = cpu_ms();
	run(str_text(&lines), str_text(&text));
	ck_assert_int_lt(cpu_ms() - before, CPU_MS);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert(
		span_starts(str_span(&memory.last), SPAN("x-sender: a@client.test\r\nx-receiver: r1@example.com\r\n")));
	str_free(&text);
	str_free(&lines);
}
END_TEST

int main(void)
{
	static const struct filter_test tests[] = {
		{&test_removes, (int)(sizeof(removals) / sizeof(removals[0]))},
		{&test_removes_all_members, 0},
		{&test_removes_no_added, 0},
		{&test_removes_many, 0},
	};
	return run_filter_tests("smtpd_filters_removes", tests, sizeof(tests) / sizeof(tests[0]));
}
