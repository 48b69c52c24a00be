/*
 * A million questions "may this client send to this recipient as this sender?", each answered three times: by a real
 * session with the configuration of a child, by the function of `explain relay`, and by an oracle that knows only the
 * documented order (mailroot.conf(5), relay, client_rule) and reads no configuration. The address in From is asked of
 * the session and the oracle. MAILROOT_SEED repeats a seed that failed.
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
	CLIENTS = 32, /* sessions of one policy */
	REPLY_MAX = 512,
	RECIPIENTS = 15 /* in one session: fewer than the errors that end it */
};

/* Check writes each of its assertions into a file: for a million questions that takes longer than the answers. */
#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			ck_abort_msg("%s", #condition);                                                                \
	} while (0)

/* Each verdict, and each answer about From, is found often. */
enum { OFTEN = 500 };
static size_t verdicts[RULE_RECIPIENT + 1], froms[2];

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

/* The reply to MAIL that is expected; NULL = it is accepted. */
static const char *mail_refusal(const struct asked *a, enum oracle_verdict expected)
{
	static char text[REPLY_MAX];
	const struct client_rule *rule = rule_of(a->policy, &a->q);
	const char *format = NULL;
	switch (expected) {
	case LACKS_TLS:
		return "530 5.7.0 Must issue a STARTTLS command first\r\n";
	case LACKS_USER:
		return "530 5.7.0 Client was not authenticated\r\n";
	case RULE_TLS:
		format = "530 5.7.0 Must issue a STARTTLS command first (client rule %s)\r\n";
		break;
	case RULE_AUTH:
		format = "530 5.7.0 Client was not authenticated (client rule %s)\r\n";
		break;
	case RULE_SENDER:
		format =
			"553 5.7.1 Sender not allowed for this client (client rule %s): use an address that it may send as, or have this one added to senders\r\n";
		break;
	case RULE_SIZE:
		format = "552 5.3.4 Message size exceeds the maximum message size of client rule %s\r\n";
		break;
	default:
		return NULL;
	}
	snprintf(text, sizeof(text), format, rule->name);
	return text;
}

static bool is_of_mail(enum oracle_verdict verdict)
{
	return verdict >= LACKS_TLS && verdict <= RULE_SIZE;
}

static void compare_explain(struct asked *a, enum oracle_verdict expected, unsigned line, const char *reply)
{
	struct explanation e;
	struct address rcpt;
	struct policy_client client = {
		.ip = a->ip, .name_state = POLICY_NAME_UNCONFIRMED, .user = user_of(&a->q), .tls = a->q.tls};
	struct address sender;
	const struct policy_mail mail = {&sender, a->q.size};
	const struct policy_decision *chain[EXPLAIN_DECISIONS];
	char text[4 * ORACLE_NAME], from[4 * ORACLE_NAME];
	const char *why = "";
	struct str said;
	if (a->q.name[0])
		give_name(&a->q, &client);
	snprintf(text, sizeof(text), "%s%s%s", a->q.local, a->q.domain[0] ? "@" : "", a->q.domain);
	strcpy(from, person_text(&a->q.sender));
	MUST(address_parse(span_of(text), &rcpt, &why) && address_parse(span_of(from), &sender, &why));
	explain_decide(a->server, &client, &mail, &rcpt, &e);
	verdicts[expected]++;
	MUST(e.accepted == (expected == ACCEPTED || expected == STAMPED));
	MUST(e.connect.accepted == (expected != NOT_CONNECTED));
	MUST(!e.connect.accepted || e.mail.accepted == !is_of_mail(expected));
	size_t n = explain_chain(&e, chain);
	const struct policy_decision *last = e.accepted ? &e.relay : chain[n - 1];
	MUST(last->steps[last->step_count - 1].origin->line == line);
	str_init(&said, 4096);
	explain_reply(&e, &said);
	MUST(!strcmp(str_text(&said), reply));
	str_free(&said);
}

static bool compare_recipient(struct asked *a)
{
	char command[4 * ORACLE_NAME], reply[REPLY_MAX];
	unsigned line;
	random_domain(a->policy, &a->q);
	const char *domain = a->q.domain;
	enum oracle_verdict expected = oracle(a->policy, &a->q, &line);
	snprintf(command, sizeof(command), "RCPT TO:<%s%s%s>", a->q.local, domain[0] ? "@" : "", domain);
	session_line(&a->session, span_of(command), false);
	if (expected == STAMPED)
		snprintf(reply, sizeof(reply), "250 2.1.5 %s@example.com\r\n", a->q.local);
	else if (expected == ACCEPTED)
		snprintf(reply, sizeof(reply), "250 2.1.5 %s@%s\r\n", a->q.local, domain);
	else if (expected == RULE_RECIPIENT)
		snprintf(
			reply, sizeof(reply),
			"550 5.7.1 Recipient not allowed for this client (client rule %s): have the address added to recipients\r\n",
			rule_of(a->policy, &a->q)->name);
	else
		snprintf(reply, sizeof(reply), "550 5.7.1 Unable to relay for %s@%s\r\n", a->q.local, domain);
	MUST(!strcmp(heard(a), reply));
	compare_explain(a, expected, line, reply);
	return expected == ACCEPTED || expected == STAMPED;
}

/* The client gets no further, whatever the recipient. */
static void compare_shut_out(struct asked *a, enum oracle_verdict expected, unsigned line, const char *reply)
{
	for (int i = 0; i < RECIPIENTS; i++) {
		random_domain(a->policy, &a->q);
		compare_explain(a, expected, line, reply);
	}
}

/* A message to the recipients that were accepted. */
static void compare_from(struct asked *a)
{
	struct person from;
	char text[4 * ORACLE_NAME], reply[REPLY_MAX] = "250 ";
	random_person(&from);
	session_line(&a->session, SPAN("DATA"), false);
	ck_assert(memcmp(heard(a), "354 ", 4) == 0);
	snprintf(text, sizeof(text), "To: x\r\nFrom: %s%s%s\r\n\r\ntext\r\n.\r\n", one_in(2) ? "\"A, B\" <" : "<",
		 person_text(&from), ">");
	session_octets(&a->session, span_of(text));
	bool refused = rule_refuses_from(a->policy, &a->q, &from);
	froms[refused]++;
	if (refused)
		snprintf(reply, sizeof(reply),
			 "550 5.7.1 From in the header not allowed for this client (client rule %s)",
			 rule_of(a->policy, &a->q)->name);
	ck_assert(memcmp(heard(a), reply, strlen(reply)) == 0);
}

static void compare_client(struct asked *a)
{
	char address[IPADDR_TEXT_MAX], reply[REPLY_MAX], command[ORACLE_NAME * 4];
	unsigned line;
	bool taken = false;
	if (session_admits(&a->session))
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
	snprintf(command, sizeof(command), "MAIL FROM:<%s> SIZE=%u", person_text(&a->q.sender), a->q.size);
	session_line(&a->session, span_of(command), false);
	if (is_of_mail(expected)) {
		strcpy(reply, mail_refusal(a, expected));
		ck_assert_str_eq(heard(a), reply);
		compare_shut_out(a, expected, line, reply);
		return;
	}
	ck_assert(memcmp(heard(a), "250 ", 4) == 0);
	for (int i = 0; i < RECIPIENTS; i++)
		taken |= compare_recipient(a);
	if (taken)
		compare_from(a);
}

static void compare_policy(const struct policy *p, const struct config_server *server, const struct store *store)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct asked a = {.server = server, .policy = p};
		const struct names names = {&a.q, give_name};
		char address[IPADDR_TEXT_MAX];
		random_address(&a.q);
		random_mail(&a.q);
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
	for (enum oracle_verdict v = 0; v <= RULE_RECIPIENT; v++)
		ck_assert_msg(verdicts[v] > OFTEN, "verdict %d: %zu", v, verdicts[v]);
	ck_assert_msg(froms[true] > POLICIES / 10 && froms[false] > POLICIES / 10, "%zu %zu", froms[true],
		      froms[false]);
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
