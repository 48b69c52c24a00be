/* Client rules: which one fits, and what it permits. */
#include "smtpd/policy/rules.h"

#include <check.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct config config;
static struct policy_decision decision;

static void setup(void)
{
	config = (struct config){0};
}

static void teardown(void)
{
	config_free(&config);
}

/* The lines of LINES begin at 5. */
static const struct config_server *server_of(const char *lines)
{
	config_free(&config);
	memory_config(lines, &config);
	return &config.servers[0];
}

static struct policy_client client_at(const char *ip)
{
	return (struct policy_client){
		.ip = memory_address(ip), .name_state = POLICY_NAME_UNCONFIRMED, .why = "no reason"};
}

static const struct policy_step *last_step(void)
{
	return &decision.steps[decision.step_count - 1];
}

static void says(const char *words)
{
	struct str text;
	str_init(&text, 1000);
	policy_step_format(&config.servers[0], last_step(), &text);
	ck_assert_str_eq(str_text(&text), words);
	str_free(&text);
}

#define AUTH "access { auth scram-sha-256; tls_certificate /a /b }\n"

static const char three[] = AUTH "client_rule a { list 10.1.0.0/16 *.print.test }\n"
				 "client_rule b { users joe ann }\n"
				 "client_rule c { list 192.0.2.0/24; users * }\n"
				 "client_rule rest { list * }\n";

/* NAME: in DNS; NULL = unconfirmed, "" = not asked yet. */
static const struct {
	const char *lines, *ip, *name, *user, *rule; /* "?" = the name is wanted */
} fits[] = {
	{"", "10.1.2.3", NULL, NULL, NULL},
	{"", "10.1.2.3", "", NULL, NULL},
	{three, "10.1.2.3", NULL, NULL, "a"},
	{three, "10.1.2.3", "", NULL, "a"},
	{three, "10.1.2.3", "", "joe", "a"},
	{three, "::ffff:10.1.2.3", NULL, NULL, "a"},
	{three, "10.2.0.0", "x.print.test", NULL, "a"},
	{three, "10.2.0.0", "print.test", NULL, "rest"},
	{three, "10.2.0.0", "", NULL, "?"},
	{three, "10.2.0.0", "", "joe", "?"},
	{three, "10.2.0.0", NULL, "joe", "b"},
	{three, "10.2.0.0", NULL, "JOE", "b"},
	{three, "10.2.0.0", NULL, "ann", "b"},
	{three, "10.2.0.0", NULL, "tim", "rest"},
	{three, "192.0.2.9", NULL, "tim", "c"},
	{three, "192.0.2.9", NULL, NULL, "rest"},
	{AUTH "client_rule b { users joe; list *.print.test }", "10.2.0.0", "", NULL, NULL},
	{AUTH "client_rule b { users joe; list *.print.test }", "10.2.0.0", "", "joe", "?"},
	{"client_rule b { list * }\nclient_rule c { list *.print.test }", "10.2.0.0", "", NULL, "b"},
};

START_TEST(the_first_rule_that_fits)
{
	struct policy_client client = client_at(fits[_i].ip);
	const char *name = fits[_i].name;
	bool wants_name;
	if (name)
		client.name_state = *name ? POLICY_NAME_CONFIRMED : POLICY_NAME_UNASKED;
	snprintf(client.name, sizeof(client.name), "%s", name ? name : "");
	client.user = fits[_i].user;
	const struct config_client_rule *rule = rules_find(server_of(fits[_i].lines), &client, &wants_name);
	ck_assert_pstr_eq(wants_name ? "?" : rule ? rule->name : NULL, fits[_i].rule);
	ck_assert(!wants_name || !rule);
}
END_TEST

#define SENDERS "client_rule a { list 10.0.0.0/8\nsenders *.a.test scanner@b.test *@c.test }"

static const struct {
	const char *lines, *sender; /* NULL = not known */
	uint64_t size;
	const char *user;
	bool tls, accepted;
	enum policy_rule last; /* POLICY_RULE_COUNT = no step */
	unsigned line;
	const char *says;
} mails[] = {
	{"", "x@y.test", 5, NULL, false, true, POLICY_RULE_COUNT, 0, NULL},
	{"client_rule a { list 192.0.2.1; senders a.test }", "x@y.test", 5, NULL, false, true, POLICY_RULE_COUNT, 0,
	 NULL},
	{"client_rule a {\nlist * }", "x@y.test", 5, NULL, false, true, POLICY_CLIENT_RULE, 5,
	 "client_rule a fits the client: goes on"},
	{SENDERS, "u@x.a.test", 0, NULL, false, true, POLICY_CLIENT_SENDER, 6,
	 "sender is permitted by senders of client_rule a: goes on"},
	{SENDERS, "u@X.Y.A.TEST", 0, NULL, false, true, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, "u@a.test", 0, NULL, false, false, POLICY_CLIENT_SENDER, 6,
	 "sender is not permitted by senders of client_rule a: refused"},
	{SENDERS, "Scanner@B.test", 0, NULL, false, true, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, "scanners@b.test", 0, NULL, false, false, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, "any@c.test", 0, NULL, false, true, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, "any@xc.test", 0, NULL, false, false, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, "", 0, NULL, false, true, POLICY_CLIENT_SENDER, 6, NULL},
	{SENDERS, NULL, 0, NULL, false, true, POLICY_CLIENT_SENDER_UNSAID, 6,
	 "client_rule a has senders, and no sender was given: goes on"},
	{"client_rule a { list *; senders example.com }", "scanner", 0, NULL, false, true, POLICY_CLIENT_SENDER, 5,
	 NULL},
	{"client_rule a { list *; senders example.net }", "scanner", 0, NULL, false, false, POLICY_CLIENT_SENDER, 5,
	 NULL},
	{"client_rule a { list *; senders <> }", "a@b.test", 0, NULL, false, false, POLICY_CLIENT_SENDER, 5, NULL},
	{"client_rule a { list *; max_message_size 2K }", "x@y.test", 2048, NULL, false, true, POLICY_CLIENT_SIZE, 5,
	 "message is within max_message_size of client_rule a: goes on"},
	{"client_rule a { list *; max_message_size 2K }", "x@y.test", 2049, NULL, false, false, POLICY_CLIENT_SIZE, 5,
	 "message is not within max_message_size of client_rule a: refused"},
	{"client_rule a { list *; max_message_size 2K }", "x@y.test", 0, NULL, false, true, POLICY_CLIENT_RULE, 5,
	 NULL},
	{AUTH "client_rule a { list *; require tls auth }", "x@y.test", 0, NULL, false, false, POLICY_CLIENT_TLS, 6,
	 "client_rule a has require tls, client has no TLS: refused"},
	{AUTH "client_rule a { list *; require tls auth }", "x@y.test", 0, NULL, true, false, POLICY_CLIENT_AUTH, 6,
	 "client_rule a has require auth, client has not authenticated: refused"},
	{AUTH "client_rule a { list *; require tls auth }", "x@y.test", 0, "joe", true, true, POLICY_CLIENT_AUTH, 6,
	 "client_rule a has require auth, client has authenticated: goes on"},
	{AUTH "client_rule a { users joe }\nclient_rule b { list *; require auth }", "x@y.test", 0, "joe", false, true,
	 POLICY_CLIENT_RULE, 6, NULL},
};

START_TEST(what_mail_may_say)
{
	struct policy_client client = client_at("10.1.2.3");
	struct address sender;
	struct policy_mail mail = {.size = mails[_i].size};
	const char *why;
	client.user = mails[_i].user;
	client.tls = mails[_i].tls;
	if (mails[_i].sender) {
		ck_assert(address_parse(span_of(mails[_i].sender), &sender, &why));
		mail.sender = &sender;
	}
	policy_mail_decide(server_of(mails[_i].lines), &client, &mail, &decision);
	ck_assert(decision.accepted == mails[_i].accepted);
	ck_assert(!decision.wants_name);
	ck_assert_int_eq(decision.step_count ? last_step()->rule : POLICY_RULE_COUNT, mails[_i].last);
	if (!decision.step_count)
		return;
	ck_assert_uint_eq(last_step()->origin->line, mails[_i].line);
	ck_assert(last_step()->accepts == mails[_i].accepted);
	if (mails[_i].says)
		says(mails[_i].says);
}
END_TEST

/* Before the sender is known, MAIL asks only what the client must have. */
START_TEST(any_mail_at_all)
{
	struct policy_client client = client_at("10.1.2.3");
	policy_mail_decide(server_of(SENDERS), &client, NULL, &decision);
	ck_assert(decision.accepted);
	ck_assert_int_eq(last_step()->rule, POLICY_CLIENT_RULE);
}
END_TEST

START_TEST(a_name_is_asked_for_where_it_counts)
{
	const struct config_server *server = server_of("client_rule a { list *.print.test\nsenders a.test }");
	struct policy_client client = client_at("10.1.2.3");
	struct address rcpt = {.domain = SPAN("b.test")};
	policy_mail_decide(server, &client, NULL, &decision);
	ck_assert(decision.accepted && !decision.wants_name);
	says("client_rule a does not fit, because its list has names (the client has no confirmed name: no reason): goes on");
	client.name_state = POLICY_NAME_UNASKED;
	policy_mail_decide(server, &client, NULL, &decision);
	ck_assert(!decision.accepted && decision.wants_name);
	says("client_rule a has names in list: the client's name decides");
	rules_rcpt_decide(server, &client, &rcpt, NULL, &decision);
	ck_assert(!decision.accepted && decision.wants_name);
	rules_from_decide(server, &client, SPAN("From: a@b\r\n"), false, &decision);
	ck_assert(!decision.accepted && decision.wants_name);
}
END_TEST

static const struct {
	const char *recipients, *rcpt, *stamp;
	bool accepted;
} rcpts[] = {
	{"none", "a@b.test", NULL, true},
	{"b.test", "a@B.test", NULL, true},
	{"b.test", "a@x.b.test", NULL, false},
	{"*.b.test x@c.test", "a@x.b.test", NULL, true},
	{"*.b.test x@c.test", "X@c.test", NULL, true},
	{"*.b.test x@c.test", "y@c.test", NULL, false},
	{"example.com", "a", "example.com", true},
	{"example.com", "a@alias.test", "example.com", true},
	{"alias.test", "a@alias.test", "example.com", false},
};

START_TEST(which_recipients)
{
	char lines[200];
	struct policy_client client = client_at("10.1.2.3");
	struct address rcpt;
	const char *why;
	snprintf(lines, sizeof(lines), "client_rule a { list *\nrecipients %s }", rcpts[_i].recipients);
	ck_assert(address_parse(span_of(rcpts[_i].rcpt), &rcpt, &why));
	rules_rcpt_decide(server_of(lines), &client, &rcpt, rcpts[_i].stamp, &decision);
	ck_assert(decision.accepted == rcpts[_i].accepted);
	ck_assert_uint_eq(decision.step_count, _i > 0);
	if (!decision.step_count)
		return;
	ck_assert_uint_eq(last_step()->origin->line, 6);
	says(decision.accepted ? "recipient is in recipients of client_rule a: accepted"
			       : "recipient is not in recipients of client_rule a: refused");
}
END_TEST

/* What clients write into From, and what mail programs make of it. */
static const struct {
	const char *from;
	bool accepted, bad;
} froms[] = {
	{"", true, false},
	{"From: u@a.test\r\n", true, false},
	{"FROM : u@A.TEST\r\n", true, false},
	{"From: u@b.test\r\n", false, false},
	{"From: Joe <u@a.test>\r\n", true, false},
	{"From: =?utf-8?q?J=C3=B6?= <u@a.test>\r\n", true, false},
	{"From: =?utf-8?q?u=40a=2Etest?= <u@b.test>\r\n", false, false},
	{"From: \"u@a.test\" <u@b.test>\r\n", false, false},
	{"From: u@a.test <u@b.test>\r\n", false, true},
	{"From: u@b.test <u@a.test>\r\n", false, true},
	{"From: \"u@b.test\" <u@a.test>\r\n", true, false},
	{"From: \"u@b.test\", u@a.test\r\n", false, true},
	{"From: \"u@b.test\"] <u@a.test>\r\n", false, true},
	{"From: u@b.test) <u@a.test>\r\n", false, true},
	{"From: \\\"u@b.test\" <u@a.test>\r\n", false, true},
	{"From: =?utf-8?q?u=40b.test?=, u@a.test\r\n", false, true},
	{"From: =?utf-8?q?u=40b.test?=u@a.test\r\n", false, true},
	{"From: =?utf-8?q?u=40b.test?= <u@a.test>\r\n", true, false},
	{"From: (u@a.test) u@b.test\r\n", false, true},
	{"From: u@b.test (u of a.test)\r\n", false, false},
	{"From: u@a.test (Joe)\r\n", true, false},
	{"From: u@a.test (comment, <u@b.test>)\r\n", false, true},
	{"From: Joe\r\n\t<u@a.test>\r\n", true, false},
	{"From: Joe <u@a.test>,\r\n Ann <u@b.test>\r\n", false, false},
	{"From: Joe <u@a.test>,\r\n Ann <v@a.test>\r\n", true, false},
	{"From: u@a.test\r\nFrom: u@b.test\r\n", false, false},
	{"From: u@b.test\r\nFrom: u@a.test\r\n", false, false},
	{"From: Acme, Inc. <u@a.test>\r\n", true, false},
	{"From: Acme, Inc. <u@b.test>\r\n", false, false},
	{"From: group: u@a.test, u@b.test;\r\n", false, true},
	{"From: group: u@a.test;\r\n", false, true},
	{"From: undisclosed:;\r\n", false, true},
	{"From:\r\n", false, true},
	{"From: <>\r\n", false, false},
	{"From: (open <u@a.test>\r\n", false, true},
	{"From: \"open <u@a.test>\r\n", false, true},
	{"From: u@a.test u@b.test\r\n", false, true},
	{"From: <@b.test:u@a.test>\r\n", false, true},
	{"From: J\xc3\xb6 <u@a.test>\r\n", true, false},
	{"From: \x1b$B%9\x1b(B <u@a.test>\r\n", false, true},
	{"From\t: u@b.test\r\n", false, false},
	{"From: scanner\r\n", true, false},
	{"From: Scanner Room Two\r\n", false, true},
};

START_TEST(who_the_header_says_it_is_from)
{
	struct policy_client client = client_at("10.1.2.3");
	const struct config_server *server =
		server_of("client_rule a { list *\nsenders a.test scanner@example.com\nfrom_header yes }");
	rules_from_decide(server, &client, span_of(froms[_i].from), false, &decision);
	ck_assert_msg(decision.accepted == froms[_i].accepted, "%s", froms[_i].from);
	ck_assert_uint_eq(decision.step_count, 1);
	ck_assert_msg((last_step()->rule == POLICY_CLIENT_FROM_BAD) == froms[_i].bad, "%s", froms[_i].from);
	ck_assert_uint_eq(last_step()->origin->line, 7);
	rules_from_decide(server, &client, span_of(froms[_i].from), true, &decision);
	ck_assert(!decision.accepted && last_step()->rule == POLICY_CLIENT_FROM_BAD);
	says("From in the header can't be read, and client_rule a has from_header yes: refused");
	rules_from_decide(server_of("client_rule a { list *\nsenders a.test }"), &client, span_of(froms[_i].from),
			  false, &decision);
	ck_assert(decision.accepted && !decision.step_count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_rules");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_first_rule_that_fits, 0, sizeof(fits) / sizeof(fits[0]));
	tcase_add_loop_test(tcase, what_mail_may_say, 0, sizeof(mails) / sizeof(mails[0]));
	tcase_add_test(tcase, any_mail_at_all);
	tcase_add_test(tcase, a_name_is_asked_for_where_it_counts);
	tcase_add_loop_test(tcase, which_recipients, 0, sizeof(rcpts) / sizeof(rcpts[0]));
	tcase_add_loop_test(tcase, who_the_header_says_it_is_from, 0, sizeof(froms) / sizeof(froms[0]));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
