#include "smtpd/policy/policy.h"

#include <check.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

/* The lines of the texts below begin at 5. */
static const char listed[] = "local_domain sales.example.com { }\n"
			     "alias_domain example.org\n"
			     "remote_domain *.partner.example { relay yes }\n"
			     "remote_domain no.partner.example { relay no }\n"
			     "remote_domain routed.example { route [192.0.2.99] }\n"
			     "relay { list 10.0.0.0/8 2001:db8::/32\n"
			     "list 192.0.2.7 }\n";
static const char nobody[] = "";
static const char listening[] = "listen 192.0.2.1\nlisten *:2525\n";
static const char all_but[] = "relay { allow all-except-listed; list 10.0.0.0/8; open_relay_intended yes }\n";

static const struct {
	const char *lines, *client, *domain;
	bool accepted;
	const char *stamp; /* NULL = none */
	size_t steps;
	enum policy_rule last;
	unsigned line; /* 0 = default */
} cases[] = {
	{listed, "8.8.8.8", "", true, "example.com", 1, POLICY_DEFAULT_DOMAIN, 4},
	{listed, "8.8.8.8", "example.com", true, NULL, 1, POLICY_DEFAULT_DOMAIN, 4},
	{listed, "8.8.8.8", "EXAMPLE.com", true, NULL, 1, POLICY_DEFAULT_DOMAIN, 4},
	{listed, "8.8.8.8", "sales.example.com", true, NULL, 1, POLICY_LOCAL_DOMAIN, 5},
	{listed, "8.8.8.8", "other.example.com", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "8.8.8.8", "Example.Org", true, "example.com", 1, POLICY_ALIAS_DOMAIN, 6},
	{listed, "8.8.8.8", "a.example.org", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "8.8.8.8", "a.partner.example", true, NULL, 1, POLICY_REMOTE_DOMAIN, 7},
	{listed, "8.8.8.8", "a.b.PARTNER.example", true, NULL, 1, POLICY_REMOTE_DOMAIN, 7},
	{listed, "8.8.8.8", "partner.example", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "8.8.8.8", "no.partner.example", false, NULL, 2, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "10.9.9.9", "no.partner.example", true, NULL, 2, POLICY_RELAY_LISTED, 10},
	{listed, "8.8.8.8", "routed.example", false, NULL, 2, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "10.0.0.0", "example.net", true, NULL, 1, POLICY_RELAY_LISTED, 10},
	{listed, "10.255.255.255", "example.net", true, NULL, 1, POLICY_RELAY_LISTED, 10},
	{listed, "11.0.0.0", "example.net", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "::ffff:10.0.0.1", "example.net", true, NULL, 1, POLICY_RELAY_LISTED, 10},
	{listed, "::10.0.0.1", "example.net", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "2001:db8:ffff::1", "example.net", true, NULL, 1, POLICY_RELAY_LISTED, 10},
	{listed, "2001:db9::1", "example.net", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "192.0.2.7", "example.net", true, NULL, 1, POLICY_RELAY_LISTED, 11},
	{listed, "192.0.2.8", "example.net", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listed, "8.8.8.8", "[192.0.2.9]", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 10},
	{listening, "8.8.8.8", "[192.0.2.1]", true, "example.com", 1, POLICY_DEFAULT_DOMAIN, 4},
	{listening, "8.8.8.8", "[IPv6:::ffff:192.0.2.1]", true, "example.com", 1, POLICY_DEFAULT_DOMAIN, 4},
	{listening, "8.8.8.8", "[192.0.2.2]", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 0},
	{listening, "8.8.8.8", "[0.0.0.0]", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 0},
	{nobody, "127.0.0.1", "example.net", false, NULL, 1, POLICY_RELAY_NOT_LISTED, 0},
	{nobody, "127.0.0.1", "example.com", true, NULL, 1, POLICY_DEFAULT_DOMAIN, 4},
	{all_but, "8.8.8.8", "example.net", true, NULL, 1, POLICY_RELAY_NOT_LISTED, 5},
	{all_but, "10.0.0.1", "example.net", false, NULL, 1, POLICY_RELAY_LISTED, 5},
};

START_TEST(test_decide)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {.ip = memory_address(cases[_i].client)};
	memory_config(cases[_i].lines, &config);
	policy_relay_decide(&config.servers[0], &client, span_of(cases[_i].domain), &decision);
	ck_assert(decision.accepted == cases[_i].accepted);
	ck_assert(decision.accepted == decision.steps[decision.step_count - 1].accepts);
	ck_assert_uint_eq(decision.step_count, cases[_i].steps);
	ck_assert_pstr_eq(decision.stamp, cases[_i].stamp);
	const struct policy_step *last = &decision.steps[decision.step_count - 1];
	ck_assert_int_eq(last->rule, cases[_i].last);
	ck_assert_uint_eq(last->origin->line, cases[_i].line);
	ck_assert_pstr_eq(last->origin->file, cases[_i].line ? "test.conf" : NULL);
	config_free(&config);
}
END_TEST

static const struct {
	const char *lines, *client;
	bool accepted;
	enum policy_rule rule;
	unsigned line; /* 0 = default */
} connections[] = {
	{"", "8.8.8.8", true, POLICY_CONNECT_NOT_LISTED, 0},
	{"connect { list 8.8.8.0/24 }", "8.8.8.8", false, POLICY_CONNECT_LISTED, 5},
	{"connect { list 8.8.8.0/255.255.255.0 }", "8.8.9.8", true, POLICY_CONNECT_NOT_LISTED, 5},
	{"connect { list 8.8.8.8 }", "::ffff:8.8.8.8", false, POLICY_CONNECT_LISTED, 5},
	{"connect { list ::ffff:8.8.8.8 }", "8.8.8.8", false, POLICY_CONNECT_LISTED, 5},
	{"connect { list ::/0 }", "8.8.8.8", true, POLICY_CONNECT_NOT_LISTED, 5},
	{"connect { allow only-listed\nlist 10.0.0.0/8\nlist 192.0.2.1 }", "192.0.2.1", true, POLICY_CONNECT_LISTED, 7},
	{"connect { allow only-listed\nlist 10.0.0.0/8\nlist 192.0.2.1 }", "192.0.2.2", false,
	 POLICY_CONNECT_NOT_LISTED, 6},
	{"relay { list 8.8.8.8 }", "8.8.8.8", true, POLICY_CONNECT_NOT_LISTED, 0},
};

START_TEST(test_connect)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {.ip = memory_address(connections[_i].client)};
	memory_config(connections[_i].lines, &config);
	policy_connect_decide(&config.servers[0], &client, &decision);
	ck_assert(decision.accepted == connections[_i].accepted);
	ck_assert_uint_eq(decision.step_count, 1);
	ck_assert(decision.steps[0].accepts == decision.accepted);
	ck_assert_int_eq(decision.steps[0].rule, connections[_i].rule);
	ck_assert_uint_eq(decision.steps[0].origin->line, connections[_i].line);
	config_free(&config);
}
END_TEST

enum named { UNASKED, UNCONFIRMED, HOST, OTHER };

/* Lists with names, for a client at 8.8.8.8 with the name h.a.net or z.test, or without a known name. */
static const struct {
	const char *lines;
	enum named named;
	bool wants_name, accepted;
	unsigned line;
} by_name[] = {
	{"relay { list *.a.net }", UNASKED, true, false, 0},
	{"relay { list *.a.net }", UNCONFIRMED, false, false, 5},
	{"relay { list *.a.net }", HOST, false, true, 5},
	{"relay { list *.a.net }", OTHER, false, false, 5},
	{"relay { list a.net }", HOST, false, false, 5},
	{"relay { list 10.0.0.1\nlist H.A.net }", HOST, false, true, 6},
	{"relay { list *.a.net\nlist 8.8.8.8 }", UNASKED, false, true, 6},
	{"relay { list *.a.net\nlist 8.8.8.8 }", HOST, false, true, 6},
	{"relay { list 10.0.0.1 }", UNASKED, false, false, 5},
	{"relay { list * ; open_relay_intended yes }", UNASKED, false, true, 5},
	{"relay { allow all-except-listed; list *.a.net; open_relay_intended yes }", UNASKED, true, false, 0},
	{"relay { allow all-except-listed; list *.a.net; open_relay_intended yes }", UNCONFIRMED, false, true, 5},
	{"relay { allow all-except-listed; list *.a.net; open_relay_intended yes }", HOST, false, false, 5},
};

static struct policy_client client_named(enum named named)
{
	struct policy_client client = {.ip = memory_address("8.8.8.8")};
	client.name_state = named == UNASKED       ? POLICY_NAME_UNASKED
			    : named == UNCONFIRMED ? POLICY_NAME_UNCONFIRMED
						   : POLICY_NAME_CONFIRMED;
	strcpy(client.why, "no reason");
	if (named >= HOST)
		strcpy(client.name, named == HOST ? "h.a.net" : "z.test");
	return client;
}

START_TEST(test_names)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = client_named(by_name[_i].named);
	memory_config(by_name[_i].lines, &config);
	policy_relay_decide(&config.servers[0], &client, SPAN("example.net"), &decision);
	ck_assert(decision.wants_name == by_name[_i].wants_name);
	ck_assert(decision.accepted == by_name[_i].accepted);
	ck_assert_uint_eq(decision.step_count, !by_name[_i].wants_name);
	if (decision.step_count) {
		ck_assert_uint_eq(decision.steps[0].origin->line, by_name[_i].line);
		ck_assert_pstr_eq(decision.steps[0].unconfirmed, by_name[_i].named == UNCONFIRMED ? "no reason" : NULL);
	}
	policy_relay_decide(&config.servers[0], &client, SPAN("example.com"), &decision);
	ck_assert(decision.accepted && !decision.wants_name);
	config_free(&config);
}
END_TEST

/* For a client at 8.8.8.8 that has authenticated. */
static const struct {
	const char *lines, *domain;
	bool accepted;
	size_t steps;
	enum policy_rule last;
	unsigned line;
} authenticated[] = {
	{"access { auth scram-sha-256 }", "a.net", true, 1, POLICY_AUTHENTICATED, 0},
	{"access { auth scram-sha-256 }\nrelay {\nauthenticated yes }", "a.net", true, 1, POLICY_AUTHENTICATED, 7},
	{"access { auth scram-sha-256 }\nrelay {\nauthenticated no }", "a.net", false, 2, POLICY_RELAY_NOT_LISTED, 0},
	{"access { auth scram-sha-256 }\nrelay { authenticated no\nlist 8.8.8.8 }", "a.net", true, 2,
	 POLICY_RELAY_LISTED, 7},
	{"access { auth scram-sha-256 }\nrelay { allow all-except-listed; list 8.8.8.8; open_relay_intended yes }",
	 "a.net", true, 1, POLICY_AUTHENTICATED, 0},
	{"access { auth scram-sha-256 }\nremote_domain a.net { relay no }", "a.net", true, 2, POLICY_AUTHENTICATED, 0},
	{"access { auth scram-sha-256 }\nremote_domain a.net { relay yes }", "a.net", true, 1, POLICY_REMOTE_DOMAIN, 6},
	{"access { auth scram-sha-256 }\nalias_domain a.net", "a.net", true, 1, POLICY_ALIAS_DOMAIN, 6},
	{"connector c { address_space a.net; route dns; relay yes }", "a.net", true, 1, POLICY_CONNECTOR, 5},
	{"connector c { address_space *.net\nroute dns\nrelay yes\nsenders b.net; max_message_size 1K }\n"
	 "relay { open_relay_intended yes }",
	 "A.net", true, 1, POLICY_CONNECTOR, 7},
	{"connector c { address_space *.net; route dns; relay yes }\nconnector d { address_space a.net; route dns }\n"
	 "relay { open_relay_intended yes }",
	 "a.net", false, 3, POLICY_RELAY_NOT_LISTED, 0},
	{"connector c { address_space a.net cost 2; route dns; senders b.net }\n"
	 "connector d { address_space a.net cost 3; route dns; relay yes }",
	 "a.net", false, 3, POLICY_RELAY_NOT_LISTED, 0},
	{"remote_domain a.net { relay no }\nconnector c { address_space a.net; route dns; relay yes }", "a.net", true,
	 2, POLICY_CONNECTOR, 6},
	/* auth was turned off since */
	{"access { auth off }", "a.net", false, 2, POLICY_RELAY_NOT_LISTED, 0},
};

START_TEST(test_authenticated)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {.ip = memory_address("8.8.8.8"), .user = "joe"};
	memory_config(authenticated[_i].lines, &config);
	policy_relay_decide(&config.servers[0], &client, span_of(authenticated[_i].domain), &decision);
	ck_assert(decision.accepted == authenticated[_i].accepted);
	ck_assert_uint_eq(decision.step_count, authenticated[_i].steps);
	const struct policy_step *last = &decision.steps[decision.step_count - 1];
	ck_assert_int_eq(last->rule, authenticated[_i].last);
	ck_assert_uint_eq(last->origin->line, authenticated[_i].line);
	config_free(&config);
}
END_TEST

/* A name that can't change the verdict is not looked up. */
START_TEST(test_authenticated_needs_no_name)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {.ip = memory_address("8.8.8.8"), .user = "joe"};
	memory_config("access { auth scram-sha-256 }\nrelay { list *.a.net }", &config);
	policy_relay_decide(&config.servers[0], &client, SPAN("example.net"), &decision);
	ck_assert(decision.accepted && !decision.wants_name);
	config_free(&config);
}
END_TEST

#define TLS_ONLY  "tls_certificate /a /b; tls_required yes\n"
#define USER_ONLY "auth scram-sha-256\nanonymous no"

static const struct {
	const char *access;
	bool tls, user, accepted;
	size_t steps;
	enum policy_rule last; /* if there are steps */
	unsigned line;
	const char *says;
} mail[] = {
	{"", false, false, true, 0, 0, 0, NULL},
	{"", true, true, true, 0, 0, 0, NULL},
	{TLS_ONLY, false, true, false, 1, POLICY_TLS_REQUIRED, 5,
	 "access tls_required is yes, client has no TLS: refused"},
	{TLS_ONLY, true, false, true, 1, POLICY_TLS_REQUIRED, 5, "access tls_required is yes, client has TLS: goes on"},
	{USER_ONLY, true, false, false, 1, POLICY_NOT_ANONYMOUS, 6,
	 "access anonymous is no, client has not authenticated: refused"},
	{USER_ONLY, false, true, true, 1, POLICY_NOT_ANONYMOUS, 6,
	 "access anonymous is no, client has authenticated as joe: goes on"},
	{TLS_ONLY USER_ONLY, false, false, false, 1, POLICY_TLS_REQUIRED, 5, NULL},
	{TLS_ONLY USER_ONLY, true, false, false, 2, POLICY_NOT_ANONYMOUS, 7, NULL},
	{TLS_ONLY USER_ONLY, true, true, true, 2, POLICY_NOT_ANONYMOUS, 7, NULL},
};

START_TEST(test_mail)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {
		.ip = memory_address("8.8.8.8"), .user = mail[_i].user ? "joe" : NULL, .tls = mail[_i].tls};
	char lines[200];
	struct str text;
	str_init(&text, 1024);
	snprintf(lines, sizeof(lines), "access { %s }", mail[_i].access);
	memory_config(lines, &config);
	policy_mail_decide(&config.servers[0], &client, NULL, &decision);
	ck_assert(decision.accepted == mail[_i].accepted);
	ck_assert_uint_eq(decision.step_count, mail[_i].steps);
	const struct policy_step *last = &decision.steps[decision.step_count ? decision.step_count - 1 : 0];
	if (decision.step_count) {
		ck_assert_int_eq(last->rule, mail[_i].last);
		ck_assert_uint_eq(last->origin->line, mail[_i].line);
	}
	if (mail[_i].says) {
		policy_step_format(&config.servers[0], last, &text);
		ck_assert_str_eq(str_text(&text), mail[_i].says);
	}
	str_free(&text);
	config_free(&config);
}
END_TEST

START_TEST(test_words)
{
	struct config config;
	struct policy_decision decision;
	struct policy_client client = {.ip = memory_address("8.8.8.8")};
	struct str text;
	str_init(&text, 1000);
	memory_config(listed, &config);
	policy_relay_decide(&config.servers[0], &client, SPAN("no.partner.example"), &decision);
	policy_step_format(&config.servers[0], &decision.steps[0], &text);
	ck_assert_str_eq(str_text(&text), "remote_domain no.partner.example has relay no: goes on");
	str_clear(&text);
	policy_step_format(&config.servers[0], &decision.steps[1], &text);
	ck_assert_str_eq(str_text(&text), "client is not in relay list, allow is only-listed: refused");
	str_clear(&text);
	policy_connect_decide(&config.servers[0], &client, &decision);
	policy_step_format(&config.servers[0], &decision.steps[0], &text);
	ck_assert_str_eq(str_text(&text), "client is not in connect list, allow is all-except-listed: may connect");
	str_clear(&text);
	config_free(&config);
	memory_config("relay { list h.a.net }", &config);
	client = client_named(UNCONFIRMED);
	policy_relay_decide(&config.servers[0], &client, SPAN("example.net"), &decision);
	policy_step_format(&config.servers[0], &decision.steps[0], &text);
	ck_assert_str_eq(str_text(&text),
			 "client is not in relay list (the client has no confirmed name: no reason), allow is "
			 "only-listed: refused");
	str_clear(&text);
	config_free(&config);
	memory_config("access { auth scram-sha-256 }\nrelay { authenticated no }", &config);
	client.user = "joe";
	policy_relay_decide(&config.servers[0], &client, SPAN("example.net"), &decision);
	policy_step_format(&config.servers[0], &decision.steps[0], &text);
	ck_assert_str_eq(str_text(&text), "client has authenticated as joe, relay authenticated is no: goes on");
	str_free(&text);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_policy");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_decide, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, test_connect, 0, sizeof(connections) / sizeof(connections[0]));
	tcase_add_loop_test(tcase, test_names, 0, sizeof(by_name) / sizeof(by_name[0]));
	tcase_add_loop_test(tcase, test_authenticated, 0, sizeof(authenticated) / sizeof(authenticated[0]));
	tcase_add_test(tcase, test_authenticated_needs_no_name);
	tcase_add_loop_test(tcase, test_mail, 0, sizeof(mail) / sizeof(mail[0]));
	tcase_add_test(tcase, test_words);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
