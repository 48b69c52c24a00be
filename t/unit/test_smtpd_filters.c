/* Sessions with filters: what filters see, what they may do, and what happens when they are down. */
#include "smtpd/milter/filters.h"

#include <sys/mman.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "smtpd/milter/content.h"
#include "smtpd/milter/dial.h"
#include "t/unit/filter_fixture.h"
#include "t/unit/known_fixture.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

#define HELLO   "EHLO client.test\r\n"
#define MAIL    "MAIL FROM:<a@client.test>\r\n"
#define RCPT    "RCPT TO:<b@example.com>\r\n"
#define TEXT    "Subject: one\r\nX-Old: yes\r\n\r\nhello\r\n"
#define DATA    "DATA\r\n" TEXT ".\r\n"
#define QUIT    "QUIT\r\n"
#define MESSAGE MAIL RCPT DATA
#define FILTER  "filter one { address inet:127.0.0.1:1; "

static struct config config;
static struct memory_store memory;
static struct store store;
static struct session session;
static struct filters filters;
static struct str replies;
static struct fake *one;
static int replace_error; /* of the store */

static void setup(void)
{
	one = fake_begin(0, "one");
	replace_error = 0;
}

static void teardown(void)
{
	fake_free();
	memory_store_free(&memory);
	str_free(&replies);
	config_free(&config);
}

static void begin(const char *lines)
{
	struct ipaddr client = memory_address("10.1.2.3");
	memory_config(lines, &config);
	store = memory_store_init(&memory);
	str_init(&replies, MEMORY_MAX);
	ck_assert(session_init(&session, &config.servers[0], &store, &client));
	filters_init(&filters, &fake_services, SOURCE_SMTP);
	session.filters = &filters;
	session.ends = (struct session_ends){4711, "10.0.0.1", 25};
	session_greet(&session);
}

static void say(const char *text)
{
	memory_feed(&session, span_of(text), SIZE_MAX, &replies);
}

static void finish(void)
{
	str_append(&replies, str_span(&session.out));
	session_free(&session);
	filters_end(&filters);
	fake_join();
	ck_assert(!memory.open);
}

static void run(const char *lines, const char *text)
{
	begin(lines);
	say(text);
	finish();
}

/* The code of reply N, counted from 0, the greeting; 0 = there is none. */
static int code(size_t n)
{
	struct span rest = str_span(&replies), line;
	while (span_line(&rest, &line))
		if (line.len > 3 && line.at[3] == ' ' && n-- == 0)
			return atoi(line.at);
	return 0;
}

static int last_code(void)
{
	int last = 0;
	for (size_t n = 0; code(n); n++)
		last = code(n);
	return last;
}

/* The message that was stored, from its own Received on. */
static const char *own_header(void)
{
	const char *date = strstr(str_text(&memory.last), ";\r\n\t");
	ck_assert_ptr_nonnull(date);
	return strchr(date + 4, '\n') + 1;
}

START_TEST(test_sees)
{
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEQ");
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "C [10.1.2.3]|4\x12\x67"
							   "10.1.2.3|\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "H client.test|\nM <a@client.test>|\nR <b@example.com>|\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "L Subject|one|\nL X-Old|yes|\nN \nB hello\r\n\nE "));
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(own_header(), TEXT);
}
END_TEST

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

/* The reply after each command that is refused; commands are 0 greeting, 1 EHLO, 2 MAIL, 3 RCPT, 4 DATA, 5 text. */
static const struct {
	char command;
	char answer;
	size_t reply;
	int code;
} refusals[] = {
	{'C', 'r', 0, 554}, {'C', 't', 0, 421}, {'C', 'f', 0, 421}, {'C', '4', 0, 421}, {'H', 'r', 1, 550},
	{'H', 't', 1, 421}, {'H', '4', 1, 421}, {'M', 'r', 2, 550}, {'M', 't', 2, 451}, {'M', '4', 2, 421},
	{'R', 'r', 3, 550}, {'R', 't', 3, 451}, {'R', '4', 3, 421}, {'T', 'r', 4, 550}, {'T', 't', 4, 451},
	{'L', 'r', 5, 550}, {'L', 't', 5, 451}, {'N', 'r', 5, 550}, {'B', 't', 5, 451}, {'E', 'r', 5, 550},
	{'E', 't', 5, 451}, {'E', '4', 5, 421},
};

START_TEST(test_refuses)
{
	fake_answer(one, refusals[_i].command, refusals[_i].answer, "", 0);
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_msg(code(refusals[_i].reply) == refusals[_i].code, "%c %c: the replies are\n%s", refusals[_i].command,
		      refusals[_i].answer, str_text(&replies));
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* A filter that accepts early sees no more of the session, or of the message. */
START_TEST(test_accepts)
{
	static const char *const letters[] = {"OC",
					      "OCH",
					      "OCHMAMAQ",
					      "OCHMRAMRAQ",
					      "OCHMRTAMRTAQ",
					      "OCHMRTLAMRTLAQ",
					      "OCHMRTLLNAMRTLLNAQ",
					      "OCHMRTLLNBAMRTLLNBAQ",
					      "OCHMRTLLNBEMRTLLNBEQ"};
	fake_answer(one, "CHMRTLNBE"[_i], 'a', "", 0);
	run(FILTER "}", HELLO MESSAGE MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), letters[_i]);
	ck_assert_int_eq(memory.stored, 2);
	ck_assert_str_eq(own_header(), TEXT);
}
END_TEST

/* A refused sender costs the filter no message: the next one begins anew. */
START_TEST(test_after_refused_sender)
{
	fake_answer(one, 'M', 'r', "", 0);
	begin(FILTER "}");
	say(HELLO MAIL);
	str_clear(&one->answers['M']);
	say(MESSAGE QUIT);
	finish();
	ck_assert_int_eq(code(2), 550);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(str_text(&one->letters), "OCHMAMRTLLNBEQ");
}
END_TEST

START_TEST(test_own_reply)
{
	FAKE_ANSWER(one, 'R', 'y', "550-5.7.99 First\r\n550 5.7.99 100%% sure\0");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\n550-5.7.99 First\r\n550 5.7.99 100% sure\r\n"));
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_discards)
{
	fake_answer(one, "MRTLNBE"[_i], 'd', "", 0);
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 0);
	ck_assert_int_eq(code(5), 250);
}
END_TEST

/* A filter that dies at each of its commands: its edits are forgotten, and when_down decides. */
static const char dies_at[] = "OCHMRTLNBE";
static const struct {
	const char *setting;
	int code;
	unsigned stored;
	bool held;
} downs[] = {{"tempfail", 451, 0, false}, {"accept", 250, 1, false}, {"reject", 550, 0, false}, {"hold", 250, 1, true}};

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
	size_t down = (size_t)_i % 4;
	snprintf(lines, sizeof(lines), FILTER "when_down %s }", downs[down].setting);
	FAKE_ANSWER(one, 'E', 'h', "X-New\0lost\0");
	one->deeds[(unsigned char)dies_at[(size_t)_i / 4]] = FAKE_DIES;
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

/* Runs, and returns what is logged meanwhile. */
static const char *log_of(const char *lines, const char *text)
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
	const char *logged = log_of(FILTER "}", HELLO MESSAGE QUIT);
	snprintf(expected, sizeof(expected), " from=<%s> nrcpt=3 size=%zu status=accepted\n",
		 _i ? "boss@example.com" : "a@client.test", strlen(own_header()));
	ck_assert_msg(strstr(logged, expected), "no%s in\n%s", expected, logged);
}
END_TEST

START_TEST(test_logs_no_edits_that_fail)
{
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	replace_error = _i ? 0 : -ENOSPC;
	const char *logged = log_of(FILTER "}", HELLO MESSAGE QUIT);
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

/* A reload counts from the next message of an open session on. */
START_TEST(test_live_policy)
{
	struct config newer;
	memory_config(FILTER "}", &newer);
	begin("");
	say(HELLO MESSAGE MAIL);
	session.config = &newer.servers[0];
	say(RCPT DATA);
	ck_assert_str_eq(str_text(&one->letters), "");
	say(MESSAGE);
	session.config = &config.servers[0];
	say(MESSAGE QUIT);
	finish();
	ck_assert_int_eq(memory.stored, 4);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEQ");
	config_free(&newer);
}
END_TEST

START_TEST(test_macros)
{
	struct policy_client client = {.ip = memory_address("2001:db8::1"), .name_state = POLICY_NAME_CONFIRMED};
	struct address sender, rcpt;
	struct macros macros;
	struct str text;
	const char *why;
	snprintf(client.name, sizeof(client.name), "client.test");
	client.user = "u";
	ck_assert(address_parse(SPAN("a@client.test"), &sender, &why) &&
		  address_parse(SPAN("b@Example.com"), &rcpt, &why));
	memory_config("", &config);
	macros_make(&macros, &(struct macros_facts){.config = &config.servers[0],
						    .client = &client,
						    .client_text = "2001:db8::1",
						    .client_port = 4711,
						    .daemon = "2001:db8::2",
						    .daemon_port = 25,
						    .tls_version = "TLSv1.3",
						    .tls_cipher = "X",
						    .tls_bits = 128,
						    .auth_type = "PLAIN",
						    .id = "ID",
						    .sender = &sender,
						    .rcpt = &rcpt});
	str_init(&text, 4096);
	for (size_t i = 0; i < macros.count; i++)
		if (strcmp(macros.list[i].name, "v") != 0)
			str_printf(&text, "%s=%.*s ", macros.list[i].name, SPAN_ARGS(macros.list[i].value));
	ck_assert_str_eq(
		str_text(&text),
		"j=mail.example.com {daemon_name}=mail.example.com {daemon_addr}=2001:db8::2 {daemon_port}=25 "
		"_=client.test [2001:db8::1] {client_addr}=IPv6:2001:db8::1 {client_port}=4711 {client_name}=client.test "
		"{client_ptr}=client.test {client_resolve}=OK {tls_version}=TLSv1.3 {cipher}=X {cipher_bits}=128 i=ID "
		"{auth_type}=PLAIN {auth_authen}=u {mail_addr}=a@client.test {mail_host}=client.test {mail_mailer}=smtp "
		"{rcpt_addr}=b@Example.com {rcpt_host}=Example.com {rcpt_mailer}=local ");
	str_free(&text);
	ck_assert(address_parse(SPAN(""), &sender, &why));
	macros_make(&macros, &(struct macros_facts){.config = &config.servers[0],
						    .client = &client,
						    .client_text = "2001:db8::1",
						    .sender = &sender});
	ck_assert_str_eq(macros.list[macros.count - 2].name, "{mail_host}");
	ck_assert(span_equal(macros.list[macros.count - 2].value, SPAN("mail.example.com")));
	ck_assert(!macros.list[macros.count - 3].value.len);
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

START_TEST(test_first_refuses)
{
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', 'r', "");
	run(FILTER "}\nfilter two { address inet:127.0.0.1:2 }", HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&two->letters), "OCHMRTAQ");
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_skipped)
{
	static const char *const lines[] = {"skip_list 10.0.0.0/8 }", "only pickup sendmail }"};
	char text[200];
	snprintf(text, sizeof(text), "%s%s", FILTER, lines[_i]);
	one->absent = ECONNREFUSED;
	run(text, HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

START_TEST(test_too_large_for_it)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\n");
	for (unsigned i = 0; i < 200; i++)
		str_append_text(&text, "0123456789 0123456789\r\n");
	str_append_text(&text, ".\r\n" QUIT);
	run(FILTER "max_size 2K }", str_text(&text));
	str_free(&text);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTAQ");
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

START_TEST(test_large)
{
	struct str text;
	str_init(&text, 4 << 20);
	one->protocol = MILTER_MUTE_HEADER | MILTER_MUTE_BODY;
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\n");
	for (unsigned i = 0; i < 9000; i++)
		str_append_text(&text, "0123456789 0123456789\r\n");
	str_append_text(&text, ".\r\n" QUIT);
	run(FILTER "}", str_text(&text));
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLNBBBBEQ");
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_uint_eq(strlen(own_header()), sizeof("Subject: x\r\nX-New: it is\r\n\r\n") - 1 + 9000 * 23);
	str_free(&text);
}
END_TEST

START_TEST(test_huge_header)
{
	struct str text;
	str_init(&text, 4 << 20);
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i < 50000; i++)
		str_append_text(&text, "X-Long: 0123456789 0123456789\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	run(FILTER "when_down accept }", str_text(&text));
	str_free(&text);
	ck_assert_int_eq(code(5), 552);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* Each field may cost the filter some time. */
START_TEST(test_many_fields)
{
	const unsigned fields = CONTENT_FIELDS_MAX - 1 + (unsigned)_i; /* and our own Received */
	struct str text;
	str_init(&text, 1 << 20);
	one->protocol = MILTER_MUTE_HEADER;
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i < fields; i++)
		str_append_text(&text, "a:\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	run(FILTER "when_down accept }", str_text(&text));
	str_free(&text);
	ck_assert_int_eq(code(5), _i ? 552 : 250);
	ck_assert_uint_eq(memory.stored, !_i);
}
END_TEST

static unsigned reads;
static int (*usual_read)(void *context, uint64_t at, char *to, size_t size, size_t *got);

static int count_read(void *context, uint64_t at, char *to, size_t size, size_t *got)
{
	reads++;
	return usual_read(context, at, to, size, got);
}

/* A filter that wants nothing of the content does not limit it either, unless it changes the message. */
START_TEST(test_content_unwanted)
{
	struct str text;
	str_init(&text, 4 << 20);
	one->protocol = MILTER_NO_HEADER | MILTER_NO_EOH | MILTER_NO_BODY;
	if (_i)
		FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	str_append_text(&text, HELLO MAIL RCPT DATA MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i <= CONTENT_FIELDS_MAX; i++)
		str_append_text(&text, "a:\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	begin(FILTER "}");
	reads = 0;
	usual_read = store.read;
	store.read = count_read;
	say(str_text(&text));
	finish();
	str_free(&text);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTEMRTEQ");
	ck_assert_int_eq(code(5), 250);
	ck_assert_int_eq(code(9), _i ? 552 : 250);
	ck_assert(_i ? reads > 0 : !reads);
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

START_TEST(test_chunks)
{
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	run(FILTER "}", HELLO MAIL RCPT "BDAT 14\r\nSubject: x\r\n\r\nBDAT 7 LAST\r\nhello\r\n" QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLNBEQ");
	ck_assert_str_eq(own_header(), "Subject: x\r\nX-New: it is\r\n\r\nhello\r\n");
}
END_TEST

START_TEST(test_refuses_chunk)
{
	FAKE_ANSWER(one, 'T', 'y', "451 4.7.9 not now\0");
	run(FILTER "}", HELLO MAIL RCPT "BDAT 14\r\nSubject: x\r\n\r\nNOOP\r\n" QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\r\n451 4.7.9 not now\r\n250 2.0.0 OK\r\n"));
}
END_TEST

START_TEST(test_many_messages)
{
	run(FILTER "}", HELLO MESSAGE MAIL RCPT "RSET\r\n" MESSAGE HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEMRAMRTLLNBEHMRTLLNBEQ");
	ck_assert_int_eq(memory.stored, 3);
}
END_TEST

START_TEST(test_starttls)
{
	begin(FILTER "}");
	session.tls.offered = true;
	say(HELLO "STARTTLS\r\n");
	session_secured(&session, &(struct session_tls){.on = true, .version = "TLSv1.3", .cipher = "X", .bits = 128});
	say(HELLO MESSAGE QUIT);
	finish();
	ck_assert_str_eq(str_text(&one->letters), "OCHHMRTLLNBEQ");
	ck_assert_ptr_nonnull(
		strstr(str_text(&one->macros), "D H{tls_version}|TLSv1.3|{cipher}|X|{cipher_bits}|128|\n"));
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

START_TEST(test_refused_recipients)
{
	one->protocol = MILTER_REFUSED_RCPTS;
	run(FILTER "}", HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" RCPT DATA QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRRTLLNBEQ");
	ck_assert_ptr_nonnull(strstr(str_text(&one->macros), "{rcpt_host}|5.7.1|{rcpt_mailer}|error|\n"));
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

/* What a filter answers to a refused recipient counts, too; another refusal changes nothing. */
START_TEST(test_answers_to_refused_recipients)
{
	static const struct {
		char answer;
		const char *letters;
		int code;
		unsigned stored;
	} answers[] = {{'d', "OCHMRAQ", 250, 0}, {'4', "OCHMR", 421, 0}, {'a', "OCHMRAQ", 250, 1}};
	one->protocol = MILTER_REFUSED_RCPTS;
	fake_answer(one, 'R', answers[_i].answer, "", 0);
	run(FILTER "}", HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" RCPT DATA);
	ck_assert_str_eq(str_text(&one->letters), answers[_i].letters);
	ck_assert_int_eq(code(3), 550);
	ck_assert_int_eq(last_code(), answers[_i].code);
	ck_assert_int_eq(memory.stored, answers[_i].stored);
}
END_TEST

static unsigned waits_told;

static void note_wait(void *context, const char *name)
{
	(void)context;
	waits_told += name != NULL;
}

START_TEST(test_tells_each_wait)
{
	struct filter_services services = fake_services;
	services.waiting = note_wait;
	one->protocol = MILTER_REFUSED_RCPTS;
	waits_told = 0;
	begin(FILTER "}");
	filters.services = &services;
	say(HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" QUIT);
	finish();
	ck_assert_str_eq(str_text(&one->letters), "OCHMRAQ");
	ck_assert_uint_eq(waits_told, sizeof("HMR") - 1);
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

/* Without filters there is nothing to wait for, and nothing changes. */
START_TEST(test_none)
{
	run("", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_ptr_null(filters.list);
}
END_TEST

enum { COUNT_OF_DOWN = 4 };

static void add(TCase *to, const TTest *test, int n)
{
	if (n)
		tcase_add_loop_test(to, test, 0, n);
	else
		tcase_add_test(to, test);
}

int main(void)
{
	static const struct {
		const TTest *const *test;
		int n; /* of a loop; 0 = none */
	} tests[] = {
		{&test_sees, 0},
		{&test_adds_field, 0},
		{&test_refuses, (int)(sizeof(refusals) / sizeof(refusals[0]))},
		{&test_accepts, 9},
		{&test_after_refused_sender, 0},
		{&test_own_reply, 0},
		{&test_discards, 7},
		{&test_down, (int)(sizeof(dies_at) - 1) * COUNT_OF_DOWN},
		{&test_absent, COUNT_OF_DOWN},
		{&test_own_trouble, COUNT_OF_DOWN},
		{&test_all_or_nothing, 0},
		{&test_comes_back, 0},
		{&test_reconnects, 0},
		{&test_holds_no_other, 0},
		{&test_edits_all, 0},
		{&test_foreign, 0},
		{&test_other_names, 0},
		{&test_removes, (int)(sizeof(removals) / sizeof(removals[0]))},
		{&test_removes_all_members, 0},
		{&test_removes_no_added, 0},
		{&test_removes_many, 0},
		{&test_logs_what_is_stored, 2},
		{&test_logs_no_edits_that_fail, 2},
		{&test_max_size_after_edits, 2},
		{&test_mailbox_after_edits, 3},
		{&test_live_policy, 0},
		{&test_macros, 0},
		{&test_nobody_left, 0},
		{&test_in_order, 0},
		{&test_ours_is_hidden, 0},
		{&test_first_refuses, 0},
		{&test_skipped, 2},
		{&test_too_large_for_it, 0},
		{&test_large, 0},
		{&test_huge_header, 0},
		{&test_many_fields, 2},
		{&test_content_unwanted, 2},
		{&test_new_body_of_unseen_content, 0},
		{&test_chunks, 0},
		{&test_refuses_chunk, 0},
		{&test_many_messages, 0},
		{&test_starttls, 0},
		{&test_stopped, 9},
		{&test_too_late, 2},
		{&test_reads_no_more, 0},
		{&test_refused_recipients, 0},
		{&test_answers_to_refused_recipients, 3},
		{&test_tells_each_wait, 0},
		{&test_refused_recipient_while_stopping, 0},
		{&test_octets_left_over, 0},
		{&test_two_answers, 3},
		{&test_none, 0},
	};
	log_set_level(LOG_LEVEL_ERROR);
	Suite *suite = suite_create("smtpd_filters");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		add(all, *tests[i].test, tests[i].n);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
