/* What a log does not tell makes a verdict unknowable if, and only if, it matters. */
#include "ctl/replay/verdict.h"
#include "smtpd/policy/explain.h"
#include "t/unit/policy_random.h"
#include "t/unit/suite.h"

enum { POLICIES = 300, QUESTIONS = 100 };

static struct config config;
static struct verdict verdict;

/* The lines of LINES begin at 5. */
static void decide(const char *lines, const char *client, bool authenticated, bool tls, const char *domain)
{
	struct facts facts = {.authenticated = authenticated, .tls = tls};
	ck_assert(ipaddr_parse(span_of(client), &facts.client));
	memory_config(lines, &config);
	verdict_decide(&config.servers[0], &facts, &(struct address){.domain = span_of(domain)}, &verdict);
	config_free(&config);
}

#define AUTH "access { auth scram-sha-256 }\n"

static const struct {
	const char *lines, *client;
	bool authenticated, tls;
	const char *domain;
	enum outcome outcome;
	enum depends depends;
	enum policy_rule rule;
	bool for_all;
} ways[] = {
	{"", "192.0.2.1", false, false, "example.com", OUTCOME_ACCEPTED, 0, POLICY_DEFAULT_DOMAIN, true},
	{"", "192.0.2.1", false, false, "example.net", OUTCOME_REFUSED, 0, POLICY_RELAY_NOT_LISTED, false},
	{"relay { list 192.0.2.1 }", "192.0.2.1", false, false, "example.net", OUTCOME_ACCEPTED, 0, POLICY_RELAY_LISTED,
	 false},
	{"remote_domain example.net { relay yes }", "192.0.2.1", true, false, "example.net", OUTCOME_ACCEPTED, 0,
	 POLICY_REMOTE_DOMAIN, true},
	/* authentication */
	{"", "192.0.2.1", true, false, "example.net", OUTCOME_REFUSED, 0, POLICY_RELAY_NOT_LISTED, false},
	{AUTH, "192.0.2.1", true, false, "example.net", OUTCOME_UNKNOWABLE, DEPENDS_USER, POLICY_AUTHENTICATED, false},
	{AUTH, "192.0.2.1", false, false, "example.net", OUTCOME_REFUSED, 0, POLICY_RELAY_NOT_LISTED, false},
	{AUTH "relay { list 192.0.2.1 }", "192.0.2.1", true, false, "example.net", OUTCOME_ACCEPTED, 0,
	 POLICY_AUTHENTICATED, false},
	{AUTH "relay { authenticated no }", "192.0.2.1", true, false, "example.net", OUTCOME_REFUSED, 0,
	 POLICY_RELAY_NOT_LISTED, false},
	{"access { auth scram-sha-256; anonymous no }", "192.0.2.1", true, false, "example.com", OUTCOME_UNKNOWABLE,
	 DEPENDS_USER, POLICY_NOT_ANONYMOUS, true},
	{"access { auth scram-sha-256; anonymous no }", "192.0.2.1", false, false, "example.com", OUTCOME_REFUSED, 0,
	 POLICY_NOT_ANONYMOUS, true},
	/* names */
	{"relay { list *.corp.example }", "192.0.2.1", false, false, "example.net", OUTCOME_UNKNOWABLE, DEPENDS_NAME,
	 POLICY_RELAY_LISTED, false},
	{"relay { list *.corp.example }", "192.0.2.1", false, false, "example.com", OUTCOME_ACCEPTED, 0,
	 POLICY_DEFAULT_DOMAIN, true},
	{"relay { list *.corp.example 192.0.2.0/24 }", "192.0.2.1", false, false, "example.net", OUTCOME_ACCEPTED, 0,
	 POLICY_RELAY_LISTED, false},
	{"connect { list *.bad.example }", "192.0.2.1", false, false, "example.com", OUTCOME_UNKNOWABLE, DEPENDS_NAME,
	 POLICY_CONNECT_LISTED, true},
	{"connect { list *.bad.example }", "192.0.2.1", false, false, "example.net", OUTCOME_REFUSED, 0,
	 POLICY_RELAY_NOT_LISTED, false},
	{"connect { list 192.0.2.0/24 }\nrelay { list *.corp.example }", "192.0.2.1", false, false, "example.net",
	 OUTCOME_REFUSED, 0, POLICY_CONNECT_LISTED, false},
	/* TLS */
	{"access { tls_certificate /a /b; tls_required yes }", "192.0.2.1", false, false, "example.com",
	 OUTCOME_UNKNOWABLE, DEPENDS_TLS, POLICY_TLS_REQUIRED, true},
	{"access { tls_certificate /a /b; tls_required yes }", "192.0.2.1", false, true, "example.com",
	 OUTCOME_ACCEPTED, 0, POLICY_DEFAULT_DOMAIN, true},
	{"access { tls_certificate /a /b; tls_required yes }", "192.0.2.1", false, false, "example.net",
	 OUTCOME_REFUSED, 0, POLICY_TLS_REQUIRED, false},
};

START_TEST(what_matters)
{
	decide(ways[_i].lines, ways[_i].client, ways[_i].authenticated, ways[_i].tls, ways[_i].domain);
	ck_assert_str_eq(verdict_word(verdict.outcome), verdict_word(ways[_i].outcome));
	ck_assert_int_eq(verdict.depends, ways[_i].depends);
	ck_assert_int_eq(verdict.step.rule, ways[_i].rule);
	ck_assert_int_eq(verdict.for_all, ways[_i].for_all);
}
END_TEST

static void says(const char *lines, bool authenticated, const char *words, unsigned line)
{
	struct facts facts = {.authenticated = authenticated};
	struct str text;
	ck_assert(ipaddr_parse(SPAN("192.0.2.1"), &facts.client));
	memory_config(lines, &config);
	verdict_decide(&config.servers[0], &facts, &(struct address){.domain = SPAN("example.net")}, &verdict);
	str_init(&text, 1000);
	verdict_format(&config.servers[0], &verdict, &text);
	ck_assert_str_eq(str_text(&text), words);
	ck_assert_uint_eq(verdict.step.origin->line, line);
	str_free(&text);
	config_free(&config);
}

/* The sender of the log, and what the log does not say of a client rule. */
static void rule_says(const char *lines, const char *from, bool authenticated, enum outcome outcome, const char *words)
{
	struct facts facts = {.authenticated = authenticated};
	struct address sender, rcpt = {.domain = SPAN("example.com")};
	struct str text;
	const char *why;
	ck_assert(ipaddr_parse(SPAN("192.0.2.1"), &facts.client));
	if (from) {
		ck_assert(address_parse(span_of(from), &sender, &why));
		facts.sender = &sender;
	}
	memory_config(lines, &config);
	verdict_decide(&config.servers[0], &facts, &rcpt, &verdict);
	str_init(&text, 1000);
	verdict_format(&config.servers[0], &verdict, &text);
	ck_assert_int_eq(verdict.outcome, outcome);
	ck_assert_str_eq(str_text(&text), words);
	str_free(&text);
	config_free(&config);
}

START_TEST(client_rules)
{
	static const char rule[] = "client_rule r { list 192.0.2.0/24; senders a.net }";
	rule_says(rule, "u@a.net", false, OUTCOME_ACCEPTED, "example.com is the default domain: accepted");
	rule_says(rule, "", false, OUTCOME_ACCEPTED, "example.com is the default domain: accepted");
	rule_says(rule, NULL, false, OUTCOME_ACCEPTED, "example.com is the default domain: accepted");
	rule_says(rule, "u@b.net", false, OUTCOME_REFUSED,
		  "sender is not permitted by senders of client_rule r: refused");
	rule_says("client_rule r { list *; recipients a.net }", NULL, false, OUTCOME_REFUSED,
		  "recipient is not in recipients of client_rule r: refused");
	rule_says("client_rule r { list *.corp.example; senders a.net }", "u@b.net", false, OUTCOME_UNKNOWABLE,
		  "client_rule r has names in list, and the log has no names of clients");
	rule_says(AUTH "client_rule r { users joe; senders a.net }", "u@b.net", true, OUTCOME_UNKNOWABLE,
		  "the user decides whether client_rule r holds, and the log does not say which user it will be here");
	rule_says(AUTH "client_rule r { users joe; senders a.net }", "u@b.net", false, OUTCOME_ACCEPTED,
		  "example.com is the default domain: accepted");
	rule_says("access { tls_certificate /a /b }\nclient_rule r { list *; require tls }", NULL, false,
		  OUTCOME_UNKNOWABLE,
		  "client_rule r has require tls, and the log does not say whether the client can use TLS");
}
END_TEST

START_TEST(words)
{
	struct str text;
	says("relay {\nlist 10.0.0.0/8\n}", false, "client is not in relay list, allow is only-listed: refused", 6);
	says("relay {\nlist 10.0.0.0/8\nlist *.corp.example\n}", false,
	     "relay list has names, and the log has no names of clients", 7);
	says("access { auth scram-sha-256 }\nrelay {\nauthenticated yes }", true,
	     "relay authenticated is yes; the client authenticated before, and may relay if it does so here", 7);
	says("access { auth scram-sha-256 }\nrelay { list *.corp.example\n}", true,
	     "relay authenticated is yes; the client authenticated before, and may relay if it does so here", 0);
	says("access { auth scram-sha-256;\nanonymous no }\nrelay { list 192.0.2.1 }", true,
	     "access anonymous is no; the client authenticated before, and must do so here", 6);
	says("access { tls_certificate /a /b\ntls_required yes }\nrelay { list 192.0.2.1 }", false,
	     "access tls_required is yes, and the log does not say whether the client can use TLS", 6);
	verdict_invalid("no address", &verdict);
	str_init(&text, 1000);
	verdict_format(NULL, &verdict, &text);
	ck_assert_str_eq(str_text(&text), "501 5.1.3 Invalid address: no address");
	str_free(&text);
}
END_TEST

/* A name that only ENTRY, and what is wider, matches. */
static void name_for(const struct config_client *entry, struct policy_client *client)
{
	bool pattern = entry->name[0] == '*';
	client->name_state = POLICY_NAME_CONFIRMED;
	snprintf(client->name, sizeof(client->name), "%s%s", pattern ? "unheard-of" : "",
		 entry->name + (pattern ? 1 : 0));
}

/* Asks about CLIENT; counts it as accepted or refused. */
static void ask(const struct facts *facts, const struct policy_client *client, const struct address *rcpt,
		size_t count[2])
{
	struct explanation e;
	struct policy_mail mail = {.sender = facts->sender};
	explain_decide(&config.servers[0], client, &mail, rcpt, &e);
	count[e.accepted ? OUTCOME_ACCEPTED : OUTCOME_REFUSED]++;
}

/* Those that client rules name, one that they don't, and none. */
static const char *const users[] = {NULL, "joe", "ann", "tim"};
enum { WORLDS = 8 };

/* Asks about every client that may be behind FACTS. */
static void ask_all(const struct facts *facts, const struct address *rcpt, size_t count[2])
{
	const struct config_server *server = &config.servers[0];
	const struct config_clients *lists[2 + ORACLE_RULES] = {&server->connect.list, &server->relay.list};
	size_t n = 2;
	for (size_t i = 0; i < server->client_rule_count; i++)
		lists[n++] = &server->client_rules[i].list;
	for (int world = 0; world < WORLDS; world++) {
		struct policy_client client = {.ip = facts->client, .tls = world & 1};
		client.user = users[world / 2];
		if ((client.user && !(facts->authenticated && server->access.auth)) || (!client.tls && facts->tls))
			continue;
		if (client.tls && !server->access.tls_certificate.n)
			continue;
		client.name_state = POLICY_NAME_UNCONFIRMED;
		ask(facts, &client, rcpt, count);
		for (size_t l = 0; l < n; l++) {
			for (size_t i = 0; i < lists[l]->n; i++) {
				if (!lists[l]->at[i].name)
					continue;
				name_for(&lists[l]->at[i], &client);
				ask(facts, &client, rcpt, count);
			}
		}
	}
}

static bool has_names(const struct config_clients *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].name)
			return true;
	return false;
}

/* The verdict may be the same whatever the name: it is asked for where it may matter. */
static bool rules_have_names(const struct config_server *server)
{
	for (size_t i = 0; i < server->client_rule_count; i++)
		if (has_names(&server->client_rules[i].list))
			return true;
	return false;
}

START_TEST(every_possible_client)
{
	struct policy policy;
	struct question question = {0};
	size_t found[3] = {0};
	char address[IPADDR_TEXT_MAX], from[4 * ORACLE_NAME];
	struct address sender;
	const char *why;
	seed = 20061009;
	for (int n = 0; n < POLICIES; n++) {
		random_policy(&policy, &config);
		const struct config_server *server = &config.servers[0];
		for (int m = 0; m < QUESTIONS; m++) {
			struct facts facts = {.authenticated = one_in(3),
					      .tls = server->access.tls_certificate.n && one_in(3)};
			size_t count[2] = {0};
			random_address(&question);
			random_domain(&policy, &question);
			random_mail(&question);
			strcpy(from, person_text(&question.sender));
			ck_assert(address_parse(span_of(from), &sender, &why));
			facts.sender = &sender;
			struct address rcpt = {.local = span_of(question.local), .domain = span_of(question.domain)};
			address_text(&question, address);
			ck_assert(ipaddr_parse(span_of(address), &facts.client));
			verdict_decide(server, &facts, &rcpt, &verdict);
			ask_all(&facts, &rcpt, count);
			found[verdict.outcome]++;
			if (verdict.outcome == OUTCOME_ACCEPTED)
				ck_assert_uint_eq(count[OUTCOME_REFUSED], 0);
			else if (verdict.outcome == OUTCOME_REFUSED)
				ck_assert_uint_eq(count[OUTCOME_ACCEPTED], 0);
			else if ((!has_names(&server->connect.list) || !has_names(&server->relay.list)) &&
				 !rules_have_names(server))
				ck_assert(count[OUTCOME_ACCEPTED] && count[OUTCOME_REFUSED]);
			ck_assert_int_eq(verdict.depends != DEPENDS_NOTHING, verdict.outcome == OUTCOME_UNKNOWABLE);
		}
		config_free(&config);
	}
	ck_assert_msg(found[0] > 1000 && found[1] > 1000 && found[2] > 1000, "%zu %zu %zu", found[0], found[1],
		      found[2]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_verdict");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_matters, 0, sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(tcase, words);
	tcase_add_test(tcase, client_rules);
	tcase_add_test(tcase, every_possible_client);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
