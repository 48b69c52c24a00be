/* Scores of DNS lists, clients that they do not concern, and sessions with lists that answer, say nonsense or nothing.
 */
#include "smtpd/policy/listing.h"

#include <check.h>

#include "common/base/clock.h"
#include "smtpd/policy/explain_lists.h"
#include "smtpd/session/listed.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

#define LISTS                                                                                                          \
	"connect { dnsbl a.test 127.0.0.2-11 score 3\ndnsbl b.test 127.0.0.2 127.0.0.4-5\n"                            \
	"dnsbl_allow c.test 127.0.0-255.1-3 score -2\ndnsbl_reject 3 }\n"

static struct config config;

/* The answers of a.test, b.test and c.test. */
static const struct {
	const char *answers;
	int64_t total;
	bool refused;
	size_t worst;
} verdicts[] = {
	{"- - -", 0, false, 0},
	{"? ? ?", 0, false, 0},
	{"127.0.0.2 - -", 3, true, 0},
	{"127.0.0.11 - -", 3, true, 0},
	{"127.0.0.12 - -", 0, false, 0},
	{"127.0.1.2 - -", 0, false, 0},
	{"127.0.0.12,127.0.0.3 - -", 3, true, 0},
	{"- 127.0.0.2 -", 1, false, 1},
	{"- 127.0.0.3 -", 0, false, 0},
	{"- 127.0.0.4,127.0.0.2 -", 1, false, 1},
	{"127.0.0.2 127.0.0.2 -", 4, true, 0},
	{"127.0.0.2 - 127.0.9.1", 1, false, 0},
	{"127.0.0.2 127.0.0.5 127.0.9.3", 2, false, 0},
	{"127.0.0.2 127.0.0.5 127.0.9.0", 4, true, 0},
	{"- - 127.0.9.2", -2, false, 0},
	{"- - 127.0.0.1", 0, false, 0},
	/* Never a listing, whatever else the list says. */
	{"127.0.0.2,127.255.255.254 - -", 0, false, 0},
	{"127.0.0.2,1.2.3.4 - -", 0, false, 0},
	{"127.0.0.1,127.0.0.2 - -", 0, false, 0},
};

START_TEST(scores)
{
	struct dnsbl_answer answers[3];
	struct listing_verdict verdict;
	ck_assert_uint_eq(listing_count(&config.servers[0].connect), 3);
	ck_assert(dnsbl_answers_parse(span_of(verdicts[_i].answers), answers, 3));
	listing_judge(&config.servers[0].connect, answers, &verdict);
	ck_assert_int_eq(verdict.total, verdicts[_i].total);
	ck_assert(verdict.refused == verdicts[_i].refused);
	if (verdict.refused)
		ck_assert_uint_eq(verdict.worst, verdicts[_i].worst);
}
END_TEST

START_TEST(zones)
{
	struct str text;
	str_init(&text, DNSBL_ZONES_MAX);
	listing_zones(&config.servers[0].connect, &text);
	ck_assert_str_eq(str_text(&text), "a.test b.test c.test");
	str_free(&text);
}
END_TEST

static const struct {
	const char *lines, *client, *user;
	enum policy_name name_state;
	enum listing_skip skip;
	bool wants_name;
} skips[] = {
	{"", "192.0.2.1", NULL, POLICY_NAME_UNASKED, LISTING_STRANGER, false},
	{"", "192.0.2.1", "joe", POLICY_NAME_UNASKED, LISTING_AUTHENTICATED, false},
	{"", "10.1.2.3", NULL, POLICY_NAME_UNASKED, LISTING_EXCEPTED, false},
	{"", "172.31.255.255", NULL, POLICY_NAME_UNASKED, LISTING_EXCEPTED, false},
	{"", "172.32.0.0", NULL, POLICY_NAME_UNASKED, LISTING_STRANGER, false},
	{"", "::1", NULL, POLICY_NAME_UNASKED, LISTING_EXCEPTED, false},
	{"", "fe80::1", NULL, POLICY_NAME_UNASKED, LISTING_EXCEPTED, false},
	{"", "2001:db8::1", NULL, POLICY_NAME_UNASKED, LISTING_STRANGER, false},
	{"connect { dnsbl_except none }", "10.1.2.3", NULL, POLICY_NAME_UNASKED, LISTING_STRANGER, false},
	{"relay { list 192.0.2.0/24 }", "192.0.2.1", NULL, POLICY_NAME_UNASKED, LISTING_MAY_RELAY, false},
	{"relay { list *.a.test }", "192.0.2.1", NULL, POLICY_NAME_UNASKED, LISTING_STRANGER, true},
	{"relay { list *.a.test }", "192.0.2.1", NULL, POLICY_NAME_CONFIRMED, LISTING_MAY_RELAY, false},
	{"relay { list *.a.test }", "192.0.2.1", NULL, POLICY_NAME_UNCONFIRMED, LISTING_STRANGER, false},
};

START_TEST(clients_without_lists)
{
	struct config other;
	bool wants_name;
	struct policy_client client = {.ip = memory_address(skips[_i].client),
				       .user = skips[_i].user,
				       .name_state = skips[_i].name_state,
				       .name = "host.a.test"};
	memory_config(skips[_i].lines, &other);
	ck_assert_int_eq(listing_skip(&other.servers[0], &client, &wants_name), skips[_i].skip);
	ck_assert(wants_name == skips[_i].wants_name);
	config_free(&other);
}
END_TEST

/* What explain says of the lists, and of the pause after them. */
START_TEST(explained)
{
	static const struct {
		const char *client, *user, *rcpt, *list, *pause;
	} rows[] = {
		{"192.0.2.1", NULL, "joe@example.com", "asked", "waits"},
		{"192.0.2.1", NULL, "PostMaster@example.com", "postmaster", "waits"},
		{"192.0.2.1", "joe", "joe@example.com", "authenticated", "waits"},
		{"10.0.0.1", NULL, "joe@example.com", "excepted", "excepted"},
		{"198.51.100.1", NULL, "joe@example.com", "may_relay", "may_relay"},
	};
	struct config other;
	struct explained_list list;
	struct str value;
	memory_config("relay { list 198.51.100.0/24 }\n"
		      "connect { dnsbl abcdefghij0123456789.a.test 127.0.0.2-3\n"
		      "dnsbl_allow b.test 127.0.0.2 score -3\ngreet_pause 2s }",
		      &other);
	str_init(&value, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config_server *server = &other.servers[0];
		const struct policy_client client = {.ip = memory_address(rows[i].client), .user = rows[i].user};
		struct address rcpt;
		const char *why;
		ck_assert(address_parse(span_of(rows[i].rcpt), &rcpt, &why));
		str_clear(&value);
		ck_assert(explain_list(server, &client, &rcpt, 0, &list, &value));
		ck_assert_str_eq(str_text(&value), "***.a.test 127.0.0.2-3");
		ck_assert_str_eq(list.effect, rows[i].list);
		ck_assert_uint_eq(list.origin->line, 6);
		ck_assert(explain_list(server, &client, &rcpt, 1, &list, &value));
		ck_assert_str_eq(list.setting, "dnsbl_allow");
		ck_assert_str_eq(list.effect, rows[i].list);
		ck_assert(explain_list(server, &client, &rcpt, 2, &list, &value));
		ck_assert_str_eq(str_text(&value), "***.a.test 127.0.0.2-3b.test 127.0.0.2 score -32s");
		ck_assert_str_eq(list.setting, "greet_pause");
		ck_assert_str_eq(list.effect, rows[i].pause);
		ck_assert(!explain_list(server, &client, &rcpt, 3, &list, &value));
	}
	str_free(&value);
	config_free(&other);
}
END_TEST

/* The resolver: what it answers, and how often it was asked. */
static const char *said, *text_said;
static unsigned begun, finished, texts;

static void begin(void *context, const struct wire_listed_of *question, int *fd)
{
	(void)context;
	ck_assert(span_equal(question->address, SPAN("192.0.2.1")) && !question->text);
	begun++;
	*fd = -1;
}

static bool finish(void *context, const struct wire_listed_of *question, int *fd, int64_t until, char *to)
{
	const char *answer = question->text ? text_said : said;
	(void)context;
	ck_assert_int_ge(until, clock_mono_ms());
	finished++;
	texts += question->text;
	*fd = -1;
	return answer && span_copy(span_of(answer), to, DNSBL_ANSWERS_MAX + 1);
}

static const struct lists lists = {NULL, begin, finish};

/* The last reply of a session after LINES. */
static const char *reply(const struct config_server *server, const char *const *lines)
{
	static char last[1000];
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	struct ipaddr client = memory_address("192.0.2.1");
	struct session session;
	begun = finished = texts = 0;
	ck_assert(session_init(&session, server, &store, &client));
	session.lists = &lists;
	listed_begin(&session);
	session_greet(&session);
	for (size_t i = 0; lines[i]; i++) {
		str_clear(&session.out);
		session_line(&session, span_of(lines[i]), false);
	}
	span_copy((struct span){session.out.at, span_find(str_span(&session.out), '\r')}, last, sizeof(last));
	session_free(&session);
	memory_store_free(&memory);
	return last;
}

#define ENVELOPE "EHLO c.test", "MAIL FROM:<a@example.org>"

static const struct {
	const char *answers, *text, *rcpt, *reply;
	unsigned texts;
} sessions[] = {
	{"127.0.0.2 - -", "see http://a.test", "RCPT TO:<joe@example.com>",
	 "550 5.7.1 Client [192.0.2.1] is listed by a.test: see http://a.test", 1},
	{"127.0.0.2 - -", "", "RCPT TO:<joe@example.com>", "550 5.7.1 Client [192.0.2.1] is listed by a.test", 1},
	{"127.0.0.2 - -", NULL, "RCPT TO:<joe@example.com>", "550 5.7.1 Client [192.0.2.1] is listed by a.test", 1},
	{"127.0.0.2 - -", "x", "RCPT TO:<POSTMASTER@example.com>", "250 2.1.5 POSTMASTER@example.com", 0},
	{"127.0.0.2 - -", "x", "RCPT TO:<postmaster>", "250 2.1.5 postmaster@example.com", 0},
	{"127.0.0.2 - -", "x", "RCPT TO:<joe@example.net>", "550 5.7.1 Unable to relay for joe@example.net", 0},
	{"- - -", "x", "RCPT TO:<joe@example.com>", "250 2.1.5 joe@example.com", 0},
	{"127.0.0.2", "x", "RCPT TO:<joe@example.com>", "250 2.1.5 joe@example.com", 0},
	{"junk", "x", "RCPT TO:<joe@example.com>", "250 2.1.5 joe@example.com", 0},
	{NULL, "x", "RCPT TO:<joe@example.com>", "250 2.1.5 joe@example.com", 0},
};

START_TEST(replies)
{
	const char *const lines[] = {ENVELOPE, sessions[_i].rcpt, sessions[_i].rcpt, NULL};
	said = sessions[_i].answers;
	text_said = sessions[_i].text;
	ck_assert_str_eq(reply(&config.servers[0], lines), sessions[_i].reply);
	ck_assert_uint_eq(begun, 1);
	ck_assert_uint_le(finished, 1 + texts);
	ck_assert_uint_eq(texts, sessions[_i].texts);
}
END_TEST

START_TEST(key_in_a_zone)
{
	const char *const lines[] = {ENVELOPE, "RCPT TO:<joe@example.com>", NULL};
	struct config other;
	memory_config("connect { dnsbl abcdefghij0123456789.a.test 127.0.0.2 }", &other);
	said = "127.0.0.2";
	text_said = "see why";
	ck_assert_str_eq(reply(&other.servers[0], lines),
			 "550 5.7.1 Client [192.0.2.1] is listed by ***.a.test: see why");
	config_free(&other);
}
END_TEST

/* Without dnsbl nothing is asked, even if there is a resolver. */
START_TEST(no_lists)
{
	const char *const lines[] = {ENVELOPE, "RCPT TO:<joe@example.com>", NULL};
	struct config other;
	memory_config("", &other);
	said = "127.0.0.2";
	ck_assert_str_eq(reply(&other.servers[0], lines), "250 2.1.5 joe@example.com");
	ck_assert_uint_eq(begun + finished, 0);
	config_free(&other);
}
END_TEST

static void setup(void)
{
	memory_config(LISTS, &config);
}

static void teardown(void)
{
	config_free(&config);
}

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("smtpd_listing");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, scores, 0, COUNT(verdicts));
	tcase_add_test(all, zones);
	tcase_add_loop_test(all, clients_without_lists, 0, COUNT(skips));
	tcase_add_loop_test(all, replies, 0, COUNT(sessions));
	tcase_add_test(all, key_in_a_zone);
	tcase_add_test(all, no_lists);
	tcase_add_test(all, explained);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
