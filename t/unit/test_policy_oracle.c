/*
 * A million questions "may this client send to this recipient?", each answered three times: by a real session with the
 * configuration of a child, by the function of `explain relay`, and by an oracle that knows only the documented order
 * (mailroot.conf(5), relay) and reads no configuration. MAILROOT_SEED repeats a seed that failed.
 */
#include <check.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "smtpd/policy/explain.h"
#include "t/unit/policy_random.h"
#include "t/unit/suite.h"

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 200 }; /* ten times slower */
#else
enum { POLICIES = 2100 };
#endif

enum {
	CLIENTS = 32,   /* sessions of one policy */
	RECIPIENTS = 15 /* in one session: fewer than the errors that end it */
};

static void give_name(void *context, struct policy_client *client)
{
	const struct question *q = context;
	ck_assert_int_eq(client->name_state, POLICY_NAME_UNCONFIRMED);
	if (!q->name[0])
		return;
	client->name_state = POLICY_NAME_CONFIRMED;
	snprintf(client->name, sizeof(client->name), "%s", q->name);
}

struct asked {
	const struct config_server *server;
	const struct policy *policy;
	struct session session;
	struct question q;
	struct ipaddr ip;
};

/* The replies of the session since the last call. */
static const char *heard(struct asked *a)
{
	static char text[4096];
	span_copy(str_span(&a->session.out), text, sizeof(text));
	str_clear(&a->session.out);
	return text;
}

static const char *user_of(const struct question *q)
{
	return q->user ? "joe" : NULL;
}

static void compare_explain(struct asked *a, enum oracle_verdict expected, unsigned line, const char *reply)
{
	struct explanation e;
	struct address rcpt;
	struct policy_client client = {
		.ip = a->ip, .name_state = POLICY_NAME_UNCONFIRMED, .user = user_of(&a->q), .tls = a->q.tls};
	char text[2 * ORACLE_NAME];
	const char *why = "";
	struct str said;
	if (a->q.name[0])
		give_name(&a->q, &client);
	snprintf(text, sizeof(text), a->q.domain[0] ? "u@%s" : "u", a->q.domain);
	ck_assert(address_parse(span_of(text), &rcpt, &why));
	explain_decide(a->server, &client, rcpt.domain, &e);
	ck_assert_int_eq(e.accepted, expected == ACCEPTED || expected == STAMPED);
	ck_assert_int_eq(e.connect.accepted, expected != NOT_CONNECTED);
	ck_assert(!e.connect.accepted || e.mail.accepted == (expected != LACKS_TLS && expected != LACKS_USER));
	const struct policy_decision *last = !e.connect.accepted ? &e.connect : !e.mail.accepted ? &e.mail : &e.relay;
	ck_assert_uint_eq(last->steps[last->step_count - 1].origin->line, line);
	str_init(&said, 4096);
	explain_reply(&e, &rcpt, &said);
	ck_assert_str_eq(str_text(&said), reply);
	str_free(&said);
}

static void compare_recipient(struct asked *a)
{
	char command[2 * ORACLE_NAME], reply[4 * ORACLE_NAME];
	unsigned line;
	random_domain(a->policy, &a->q);
	const char *domain = a->q.domain;
	enum oracle_verdict expected = oracle(a->policy, &a->q, &line);
	snprintf(command, sizeof(command), domain[0] ? "RCPT TO:<u@%s>" : "RCPT TO:<u>", domain);
	session_line(&a->session, span_of(command), false);
	if (expected == STAMPED)
		snprintf(reply, sizeof(reply), "250 2.1.5 u@example.com\r\n");
	else if (expected == ACCEPTED)
		snprintf(reply, sizeof(reply), "250 2.1.5 u@%s\r\n", domain);
	else
		snprintf(reply, sizeof(reply), "550 5.7.1 Unable to relay for u@%s\r\n", domain);
	ck_assert_str_eq(heard(a), reply);
	compare_explain(a, expected, line, reply);
}

/* The client gets no further, whatever the recipient. */
static void compare_shut_out(struct asked *a, enum oracle_verdict expected, unsigned line, const char *reply)
{
	for (int i = 0; i < RECIPIENTS; i++) {
		random_domain(a->policy, &a->q);
		compare_explain(a, expected, line, reply);
	}
}

static void compare_client(struct asked *a)
{
	char address[IPADDR_TEXT_MAX], reply[ORACLE_NAME * 2];
	unsigned line;
	session_greet(&a->session);
	enum oracle_verdict expected = oracle(a->policy, &a->q, &line);
	if (expected == NOT_CONNECTED) {
		ipaddr_format(&a->ip, address);
		snprintf(reply, sizeof(reply), "554 5.7.1 Client [%s] may not connect to this server\r\n", address);
		ck_assert_str_eq(heard(a), reply);
		ck_assert_int_eq(session_wants(&a->session), SESSION_WANTS_CLOSE);
		compare_shut_out(a, NOT_CONNECTED, line, reply);
		return;
	}
	ck_assert(memcmp(heard(a), "220 ", 4) == 0);
	session_line(&a->session, SPAN("HELO c"), false);
	heard(a);
	session_line(&a->session, SPAN("MAIL FROM:<>"), false);
	if (expected == LACKS_TLS || expected == LACKS_USER) {
		snprintf(reply, sizeof(reply), "%.120s", heard(a));
		ck_assert_str_eq(reply, expected == LACKS_TLS ? "530 5.7.0 Must issue a STARTTLS command first\r\n"
							      : "530 5.7.0 Client was not authenticated\r\n");
		compare_shut_out(a, expected, line, reply);
		return;
	}
	ck_assert(memcmp(heard(a), "250 ", 4) == 0);
	for (int i = 0; i < RECIPIENTS; i++)
		compare_recipient(a);
}

static void compare_policy(const struct policy *p, const struct config_server *server, const struct store *store)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct asked a = {.server = server, .policy = p};
		const struct names names = {&a.q, give_name};
		char address[IPADDR_TEXT_MAX];
		random_address(&a.q);
		if (one_in(2))
			random_name(a.q.name);
		a.q.user = p->auth && one_in(2);
		a.q.tls = one_in(2);
		address_text(&a.q, address);
		a.ip = memory_address(address);
		ck_assert(session_init(&a.session, server, store, &a.ip));
		a.session.names = &names;
		a.session.client.user = user_of(&a.q);
		a.session.client.tls = a.q.tls;
		compare_client(&a);
		session_free(&a.session);
	}
}

START_TEST(three_answers_are_one)
{
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	const char *given = getenv("MAILROOT_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_ms() | 1;
	log_set_level(LOG_LEVEL_ERROR);
	printf("MAILROOT_SEED=%llu\n", (unsigned long long)first);
	for (uint64_t i = 0; i < POLICIES; i++) {
		struct policy p;
		struct config config;
		seed = (first + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		random_policy(&p, &config);
		compare_policy(&p, &config.servers[0], &store);
		config_free(&config);
	}
	memory_store_free(&memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy_oracle");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, three_answers_are_one);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
