/* Tests beyond scripts: floods, all segmentations, limits of 64 MiB. */
#include "common/base/log_level.h"
#include "smtpd/session/session.h"

#include <check.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct config config;
static struct memory_store memory;
static struct store store;
static struct session session;
static struct str replies, input;

static void start(const char *lines)
{
	struct ipaddr client = memory_address("10.1.2.3");
	memory_config(lines, &config);
	store = memory_store_init(&memory);
	str_init(&replies, MEMORY_MAX);
	str_init(&input, MEMORY_MAX);
	ck_assert(session_init(&session, &config.servers[0], &store, &client));
}

static void finish(void)
{
	session_free(&session);
	ck_assert(!memory.open);
	memory_store_free(&memory);
	str_free(&replies);
	str_free(&input);
	config_free(&config);
}

/* Feeds `input`, all of which must be taken. */
static void feed(size_t piece)
{
	ck_assert_uint_eq(memory_feed(&session, str_span(&input), piece, &replies), input.len);
	str_clear(&input);
}

static void say(const char *text)
{
	str_append_text(&input, text);
	feed(SIZE_MAX);
}

static size_t count(const char *reply)
{
	size_t n = 0;
	for (const char *at = str_text(&replies); (at = strstr(at, reply)); at++)
		n += at == replies.at || at[-1] == '\n';
	return n;
}

static void repeat(char octet, size_t n)
{
	char block[4096];
	memset(block, octet, sizeof(block));
	for (; n > sizeof(block); n -= sizeof(block))
		str_append(&input, (struct span){block, sizeof(block)});
	str_append(&input, (struct span){block, n});
}

/* By the domain after rewriting; a message for other domains is accepted. */
START_TEST(test_mailbox_full)
{
	start("local_domain full.example.com\nalias_domain alias.example.com");
	memory.room = (struct fullness_room){UINT64_MAX, 0, 1};
	memory.full_domain = "full.example.com";
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@full.example.com>\r\nRCPT TO:<b>\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("452 4.2.2 Mailbox full\r\n"), 1);
	ck_assert_uint_eq(count("250 2.1.5 b@example.com\r\n"), 1);
	memory.full_domain = "example.com";
	say("RCPT TO:<c>\r\nRCPT TO:<c@alias.example.com>\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("452 4.2.2 Mailbox full\r\n"), 3);
	finish();
}
END_TEST

/* A message that never fits is refused permanently, as soon as this is known; one that fits now is accepted,
 * whatever waits. */
START_TEST(test_mailbox_too_small)
{
	start("local_domain small.example.com");
	memory.full_domain = "small.example.com";
	memory.room = (struct fullness_room){1000, 300, 200};
	say("EHLO c\r\nMAIL FROM:<a@example.com> SIZE=1001\r\nRCPT TO:<b@small.example.com>\r\nRSET\r\n");
	say("MAIL FROM:<a@example.com> SIZE=301\r\nRCPT TO:<b@small.example.com>\r\nRSET\r\n");
	say("MAIL FROM:<a@example.com> SIZE=300\r\nRCPT TO:<b@small.example.com>\r\nRSET\r\n");
	say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@small.example.com>\r\nDATA\r\n");
	repeat('x', 1001);
	say("\r\n.\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("552 5.2.3 "), 2);
	ck_assert_uint_eq(count("452 4.2.2 Mailbox full\r\n"), 1);
	ck_assert_uint_eq(memory.stored, 0);
	say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@small.example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	repeat('x', 1001);
	say("\r\n.\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(memory.stored, 1);
	finish();
}
END_TEST

START_TEST(test_many_recipients)
{
	start("messages { max_recipients 5000 }");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\n");
	for (int i = 0; i < 10002; i++)
		str_printf(&input, "RCPT TO:<user%d@example.com>\r\n", i / 2);
	str_append_text(&input, "DATA\r\n.\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("250 2.1.5 "), 10000);
	ck_assert_uint_eq(count("452 4.5.3 "), 2);
	ck_assert_uint_eq(memory.stored, 1);
	ck_assert_ptr_nonnull(strstr(memory.last.at, "x-receiver: user4999@example.com\r\nReceived: "));
	finish();
}
END_TEST

/* The same octets in pieces of any size give the same replies and the same message. */
START_TEST(test_segments)
{
	static const size_t pieces[] = {1, 2, 3, 5, 17, 4096, SIZE_MAX};
	struct str first, message;
	str_init(&first, MEMORY_MAX);
	str_init(&message, MEMORY_MAX);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		start("bare_newlines repair");
		str_append_text(&input, "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
		str_append_text(&input,
				"a: b\r\n\r\n..\r\n.x\r\n\n.\n\r.\r\r\n.\r\r\nx\r\n.\r\nMAIL FROM:<a@b.example>\r\n");
		str_append_text(&input,
				"RCPT TO:<b@example.com>\r\nBDAT 4\r\na\r\n\rBDAT 9 LAST\r\n\n.\r\nQUIT\rRSET\r\n");
		feed(pieces[i]);
		ck_assert_uint_eq(memory.stored, 2);
		if (i == 0) {
			str_append(&first, str_span(&replies));
			str_append(&message, str_span(&memory.last));
		}
		ck_assert(span_equal(str_span(&first), str_span(&replies)));
		ck_assert(span_equal(str_span(&message), str_span(&memory.last)));
		finish();
	}
	str_free(&first);
	str_free(&message);
}
END_TEST

static void check_large(const char *command, const char *end)
{
	enum { OCTETS = 20 << 20 };
	start("messages { max_message_size 25M; max_session_size none }");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n");
	str_append_text(&input, command);
	for (size_t i = 0; i < OCTETS - 2; i++)
		str_append_c(&input, (char)(i * 7 % 251 + (i * 7 % 251 >= 10 ? 4 : 0)));
	str_append_text(&input, "\r\n");
	struct span sent = {input.at + strlen(command), OCTETS};
	struct str copy;
	str_init(&copy, MEMORY_MAX);
	str_append(&copy, sent);
	str_append_text(&input, end);
	feed(65536);
	ck_assert_uint_eq(count("250 2.6.0 "), 1);
	ck_assert_uint_gt(memory.last.len, OCTETS);
	ck_assert(memcmp(memory.last.at + memory.last.len - OCTETS, copy.at, OCTETS) == 0);
	str_free(&copy);
	finish();
}

/* 20 MB of all octets except CR and LF in one line, with DATA and BDAT. */
START_TEST(test_large)
{
	check_large("DATA\r\n", ".\r\n");
	check_large("BDAT 20971520 LAST\r\n", "");
}
END_TEST

START_TEST(test_small_chunks)
{
	start("");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n");
	for (int i = 0; i < 20000; i++)
		str_append_text(&input, "BDAT 1\r\nx");
	str_append_text(&input, "BDAT 2 LAST\r\n\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("250 2.0.0 1 octets received"), 20000);
	ck_assert_uint_eq(memory.stored, 1);
	ck_assert_uint_le(session.out.cap, 16 * 1024);
	finish();
}
END_TEST

/* Refused text is read up to a bound: then the client gets the reason, and the session ends. */
START_TEST(test_skip)
{
	start("messages { max_message_size 1M }");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	repeat('x', (1 << 20) + LIMIT_SKIP);
	feed(SIZE_MAX);
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_OCTETS);
	ck_assert_uint_eq(memory.open, false);
	say("x");
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_CLOSE);
	ck_assert_uint_eq(count("552 5.3.4 "), 1);
	finish();

	start("messages { max_message_size 1M }");
	say("HELO c\r\n");
	str_printf(&input, "BDAT %d\r\n", LIMIT_SKIP);
	repeat('x', LIMIT_SKIP);
	str_append_text(&input, "NOOP\r\n");
	feed(SIZE_MAX);
	ck_assert_uint_eq(count("503 "), 1);
	ck_assert_uint_eq(count("250 2.0.0 OK"), 1);
	str_printf(&input, "BDAT %d\r\n", LIMIT_SKIP + 1);
	feed(SIZE_MAX);
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_CLOSE);
	finish();
}
END_TEST

/* One long field, 50,000 fields, 10,000 folded lines: accepted unchanged. */
START_TEST(test_headers)
{
	start("");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nX: ");
	repeat('x', 1 << 20);
	for (int i = 0; i < 50000; i++)
		str_append_text(&input, "\r\nA:");
	for (int i = 0; i < 10000; i++)
		str_append_text(&input, "\r\n Received: x");
	str_append_text(&input, "\r\n.\r\n");
	feed(4096);
	ck_assert_uint_eq(memory.stored, 1);
	finish();
}
END_TEST

/* Each accepted message resets the count of errors. */
START_TEST(test_errors_forgotten)
{
	start("");
	say("HELO c\r\n");
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < LIMIT_ERRORS; j++)
			say("EXPN\r\n");
		say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\n");
	}
	ck_assert_uint_eq(memory.stored, 3);
	for (int j = 0; j < LIMIT_ERRORS; j++)
		say("EXPN\r\n");
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_LINE);
	say("EXPN\r\n");
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_CLOSE);
	ck_assert_uint_eq(count("421 4.7.0 "), 1);
	finish();
}
END_TEST

/* Whether a message under the settings LINES is marked as one that DKIM does not sign. */
static bool is_marked(const char *lines)
{
	start(lines);
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nFrom: a@example.com\r\n.\r\n");
	ck_assert_uint_eq(memory.stored, 1);
	bool marked =
		strstr(str_text(&memory.last), "x-sender: a@example.com\r\nx-mailroot-foreign: yes\r\nx-receiver: ");
	ck_assert(marked == (strstr(str_text(&memory.last), "foreign") != NULL));
	finish();
	return marked;
}

START_TEST(test_foreign)
{
	ck_assert(is_marked("dkim example.com { selector a /a.pem }"));
	ck_assert(is_marked("dkim example.com { selector a /a.pem }\nrelay { list 10.1.2.4 }"));
	ck_assert(!is_marked("dkim example.com { selector a /a.pem }\nrelay { list 10.1.2.3 }"));
	ck_assert(
		!is_marked("dkim example.com { selector a /a.pem }\nrelay { list 10.1.2.3 }\nadd_missing_headers no"));
	ck_assert(!is_marked(""));
}
END_TEST

static void look_up(void *context, struct policy_client *client)
{
	++*(unsigned *)context;
	client->name_state = POLICY_NAME_CONFIRMED;
	snprintf(client->name, sizeof(client->name), "host.client.test");
}

/* RCPT for a domain of ours looks no name up, so the message does it, where the list of clients holds names. */
START_TEST(test_foreign_by_name)
{
	static const struct {
		const char *lines;
		unsigned looked_up;
		bool foreign;
	} rows[] = {
		{"dkim example.com { selector a /a.pem }\nrelay { list *.client.test }", 1, false},
		{"dkim example.com { selector a /a.pem }\nrelay { list *.client.test }\nreverse_dns yes", 1, false},
		{"dkim example.com { selector a /a.pem }\nrelay { list *.other.test }", 1, true},
		{"dkim example.com { selector a /a.pem }\nrelay { list 10.1.2.3 *.other.test }", 0, false},
		{"relay { list *.client.test }\nadd_missing_headers no", 0, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned looked_up = 0;
		struct names names = {&looked_up, look_up};
		start(rows[i].lines);
		session.names = &names;
		say("HELO c\r\n");
		for (unsigned j = 1; j <= 2; j++) {
			say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n.\r\n");
			ck_assert_uint_eq(memory.stored, j);
			ck_assert_uint_eq(looked_up, rows[i].looked_up);
			const char *text = str_text(&memory.last);
			ck_assert(rows[i].foreign == (strstr(text, "x-mailroot-foreign: yes\r\n") != NULL));
			ck_assert((i < 4 && !rows[i].foreign) == (strstr(text, "\r\nMessage-ID: ") != NULL));
		}
		finish();
	}
}
END_TEST

/* A flood of recipients, all at once: nothing is accepted, and the session ends. */
START_TEST(test_too_many_later)
{
	char line[100];
	start("messages { max_recipients 1 }");
	say("HELO c\r\nMAIL FROM:<a@example.com>\r\n");
	for (int i = 0; i <= LIMIT_LATER; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<b%d@example.com>\r\n", i);
		say(line);
	}
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_LINE);
	ck_assert_uint_eq(count("452 4.5.3 "), LIMIT_LATER);
	say("RCPT TO:<c@example.com>\r\n");
	ck_assert_int_eq(session_wants(&session), SESSION_WANTS_CLOSE);
	ck_assert_uint_eq(count("421 4.7.0 "), 1);
	finish();
}
END_TEST

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	Suite *suite = suite_create("smtpd_session");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_mailbox_full);
	tcase_add_test(tcase, test_mailbox_too_small);
	tcase_add_test(tcase, test_many_recipients);
	tcase_add_test(tcase, test_segments);
	tcase_add_test(tcase, test_large);
	tcase_add_test(tcase, test_small_chunks);
	tcase_add_test(tcase, test_skip);
	tcase_add_test(tcase, test_headers);
	tcase_add_test(tcase, test_errors_forgotten);
	tcase_add_test(tcase, test_foreign);
	tcase_add_test(tcase, test_foreign_by_name);
	tcase_add_test(tcase, test_too_many_later);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
