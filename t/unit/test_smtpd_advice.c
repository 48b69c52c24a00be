/* The advice is right: its words, and the edited configuration reverses the verdict. */
#include "smtpd/policy/advice.h"

#include <check.h>

#include "t/unit/known_fixture.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

/* Lines begin at 5. AFTER: the same configuration, edited as SAYS advises. */
static const struct {
	const char *lines, *client, *domain, *says, *after;
} cases[] = {
	{"", "8.8.8.8", "a.net", "to permit it, write relay { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "relay { list 8.8.8.8 }"},
	{"relay { list 10.0.0.1 }", "8.8.8.8", "a.net", "to permit it, add 8.8.8.8 to relay list at test.conf:5",
	 "relay { list 10.0.0.1 8.8.8.8 }"},
	{"relay { list 8.8.8.8\nlist 10.0.0.0/8 8.8.0.0/16 }", "8.8.8.8", "a.net",
	 "to refuse it, remove from relay list: 8.8.8.8 (test.conf:5), 8.8.0.0/16 (test.conf:6)",
	 "relay { list 10.0.0.0/8 }"},
	{"relay { open_relay_intended yes; allow all-except-listed; list 8.8.8.8 }", "8.8.8.8", "a.net",
	 "to permit it, remove 8.8.8.8 from relay list at test.conf:5",
	 "relay { open_relay_intended yes; allow all-except-listed; list none }"},
	{"relay { open_relay_intended yes; allow all-except-listed; list 8.8.8.9 }", "8.8.8.8", "a.net",
	 "to refuse it, add 8.8.8.8 to relay list at test.conf:5",
	 "relay { open_relay_intended yes; allow all-except-listed; list 8.8.8.9 8.8.8.8 }"},
	{"relay { open_relay_intended yes\nallow all-except-listed }", "8.8.8.8", "a.net",
	 "to refuse it, add list 8.8.8.8 to relay at test.conf:6",
	 "relay { open_relay_intended yes; allow all-except-listed; list 8.8.8.8 }"},
	{"relay { open_relay_intended no }", "8.8.8.8", "a.net",
	 "to permit it, add list 8.8.8.8 to relay at test.conf:5", "relay { list 8.8.8.8 }"},
	{"connect { list 8.0.0.0/8 }", "8.8.8.8", "example.com",
	 "to permit it, remove 8.0.0.0/8 from connect list at test.conf:5", "connect { list none }"},
	{"connect { list 8.0.0.0/8 }", "8.8.8.8", "a.net",
	 "to permit it, remove 8.0.0.0/8 from connect list at test.conf:5; and write relay { list 8.8.8.8 } in "
	 "virtual_server test at test.conf:2",
	 "connect { list none } ; relay { list 8.8.8.8 }"},
	{"connect { allow only-listed; list 10.0.0.1 }", "8.8.8.8", "example.com",
	 "to permit it, add 8.8.8.8 to connect list at test.conf:5",
	 "connect { allow only-listed; list 10.0.0.1 8.8.8.8 }"},
	{"connect { allow only-listed; list 10.0.0.1 8.8.8.8 }", "8.8.8.8", "example.com",
	 "to refuse it, remove 8.8.8.8 from connect list at test.conf:5",
	 "connect { allow only-listed; list 10.0.0.1 }"},
	{"", "8.8.8.8", "", "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "connect { list 8.8.8.8 }"},
	{"local_domain a.net { }", "8.8.8.8", "a.net", "to refuse it, remove local_domain a.net at test.conf:5", ""},
	{"alias_domain a.net", "8.8.8.8", "A.NET", "to refuse it, remove alias_domain a.net at test.conf:5", ""},
	{"local_domain a.net { }\nrelay { list 8.8.8.8 }", "8.8.8.8", "a.net",
	 "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "connect { list 8.8.8.8 }\nlocal_domain a.net { }\nrelay { list 8.8.8.8 }"},
	{"local_domain b.a.net { }\nremote_domain *.a.net { relay yes }", "8.8.8.8", "b.a.net",
	 "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "connect { list 8.8.8.8 }\nlocal_domain b.a.net { }\nremote_domain *.a.net { relay yes }"},
	{"remote_domain *.a.net { relay yes }", "8.8.8.8", "b.a.net",
	 "to refuse it, write relay no in remote_domain *.a.net at test.conf:5", "remote_domain *.a.net { relay no }"},
	{"connector c { address_space a.net; route dns; relay yes }", "8.8.8.8", "a.net",
	 "to refuse it, write relay no in connector c at test.conf:5",
	 "connector c { address_space a.net; route dns; relay no }"},
	{"connector c { address_space a.net; route dns; relay yes }\nremote_domain a.net { relay yes }", "8.8.8.8",
	 "a.net", "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "connect { list 8.8.8.8 }\nconnector c { address_space a.net; route dns; relay yes }\n"
	 "remote_domain a.net { relay yes }"},
	{"remote_domain a.net { relay yes }\nrelay { list 8.8.8.8 }", "8.8.8.8", "a.net",
	 "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "connect { list 8.8.8.8 }\nremote_domain a.net { relay yes }\nrelay { list 8.8.8.8 }"},
	{"relay { list 8.8.8.8 8.8.8.8/32 8.8.8.8/31 8.8.8.8/30 8.8.8.8/29 }", "8.8.8.8", "a.net",
	 "to refuse it, remove from relay list: 8.8.8.8 (test.conf:5), 8.8.8.8/32 (test.conf:5), 8.8.8.8/31 "
	 "(test.conf:5), and 2 more that match the client",
	 ""},
};

static bool accepted(const char *lines, const char *ip, const char *user, bool tls, const char *domain,
		     struct str *advice)
{
	struct config config;
	struct policy_client client = {
		.ip = memory_address(ip), .name_state = POLICY_NAME_UNCONFIRMED, .user = user, .tls = tls};
	const struct policy_mail mail = {0};
	const struct address rcpt = {.domain = span_of(domain)};
	struct explanation e;
	memory_config(lines, &config);
	explain_decide(&config.servers[0], &client, &mail, &rcpt, &e);
	advice_format(&config.servers[0], &e, advice);
	config_free(&config);
	return e.accepted;
}

START_TEST(test_advice)
{
	struct str says, afterwards;
	str_init(&says, 4096);
	str_init(&afterwards, 4096);
	bool before = accepted(cases[_i].lines, cases[_i].client, NULL, false, cases[_i].domain, &says);
	ck_assert_str_eq(str_text(&says), cases[_i].says);
	ck_assert(accepted(cases[_i].after, cases[_i].client, NULL, false, cases[_i].domain, &afterwards) == !before);
	str_free(&says);
	str_free(&afterwards);
}
END_TEST

/* A client at 8.8.8.8 sends to a.net. AFTER NULL: the advice is for the client, and the file stays. */
static const struct {
	const char *lines, *user;
	bool tls;
	const char *says, *after, *user_after;
	bool tls_after;
} by_user[] = {
	{"access { auth scram-sha-256 }", NULL, false,
	 "to permit it, let the client authenticate, or write relay { list 8.8.8.8 } in virtual_server test at "
	 "test.conf:2",
	 NULL, "joe", false},
	{"access { auth scram-sha-256 }\nrelay { list 10.0.0.1 }", NULL, false,
	 "to permit it, let the client authenticate, or add 8.8.8.8 to relay list at test.conf:6", NULL, "joe", false},
	{"access { auth scram-sha-256 }\nrelay { authenticated no }", NULL, false,
	 "to permit it, add list 8.8.8.8 to relay at test.conf:6",
	 "access { auth scram-sha-256 }\nrelay { authenticated no; list 8.8.8.8 }", NULL, false},
	{"access { auth scram-sha-256; anonymous no }", NULL, false, "to permit it, let the client authenticate", NULL,
	 "joe", false},
	{"access { auth scram-sha-256; anonymous no }\nrelay { authenticated no }", NULL, false,
	 "to permit it, let the client authenticate; and write authenticated yes in relay at test.conf:6, or add list "
	 "8.8.8.8 to relay at test.conf:6",
	 "access { auth scram-sha-256; anonymous no }\nrelay { authenticated no; list 8.8.8.8 }", "joe", false},
	{"access { auth scram-sha-256 }\nrelay { list 10.0.0.1\nauthenticated no }", "joe", false,
	 "to permit it, write authenticated yes in relay at test.conf:7, or add 8.8.8.8 to relay list at test.conf:6",
	 "access { auth scram-sha-256 }\nrelay { list 10.0.0.1; authenticated yes }", "joe", false},
	{"access { auth scram-sha-256; anonymous no; tls_required yes; tls_certificate /a /b }", NULL, false,
	 "to permit it, let the client use TLS and authenticate", NULL, "joe", true},
	{"access { tls_required yes; tls_certificate /a /b }\nrelay { list 8.8.8.8 }", NULL, false,
	 "to permit it, let the client use TLS", NULL, NULL, true},
	{"access { tls_required yes; tls_certificate /a /b }\nconnect { list 8.8.8.8 }\nrelay { list 8.8.8.8 }", NULL,
	 false, "to permit it, remove 8.8.8.8 from connect list at test.conf:6; and let the client use TLS",
	 "access { tls_required yes; tls_certificate /a /b }\nrelay { list 8.8.8.8 }", NULL, true},
	{"access { auth scram-sha-256 }", "joe", false,
	 "to refuse it, write relay { authenticated no } in virtual_server test at test.conf:2",
	 "access { auth scram-sha-256 }\nrelay { authenticated no }", "joe", false},
	{"access { auth scram-sha-256 }\nrelay { list 10.0.0.1 }", "joe", false,
	 "to refuse it, write authenticated no in relay at test.conf:6",
	 "access { auth scram-sha-256 }\nrelay { list 10.0.0.1; authenticated no }", "joe", false},
	{"access { auth scram-sha-256 }\nrelay { list 10.0.0.1\nauthenticated yes }", "joe", false,
	 "to refuse it, write authenticated no in relay at test.conf:7",
	 "access { auth scram-sha-256 }\nrelay { list 10.0.0.1; authenticated no }", "joe", false},
	{"access { auth scram-sha-256 }\nrelay { list 8.8.8.8 }", "joe", false,
	 "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "access { auth scram-sha-256 }\nrelay { list 8.8.8.8 }\nconnect { list 8.8.8.8 }", "joe", false},
	{"access { auth scram-sha-256 }\nremote_domain a.net { relay yes }", "joe", false,
	 "to refuse it, write connect { list 8.8.8.8 } in virtual_server test at test.conf:2",
	 "access { auth scram-sha-256 }\nconnect { list 8.8.8.8 }\nremote_domain a.net { relay yes }", "joe", false},
};

START_TEST(test_advice_on_users)
{
	struct str says, afterwards;
	str_init(&says, 4096);
	str_init(&afterwards, 4096);
	const char *after = by_user[_i].after ? by_user[_i].after : by_user[_i].lines;
	bool before = accepted(by_user[_i].lines, "8.8.8.8", by_user[_i].user, by_user[_i].tls, "a.net", &says);
	ck_assert_str_eq(str_text(&says), by_user[_i].says);
	ck_assert(accepted(after, "8.8.8.8", by_user[_i].user_after, by_user[_i].tls_after, "a.net", &afterwards) ==
		  !before);
	str_free(&says);
	str_free(&afterwards);
}
END_TEST

/* A client at 8.8.8.8 sends SIZE octets as FROM to u@a.net, which it may, but for its client rule. */
static const struct {
	const char *lines, *from;
	uint64_t size;
	const char *says;
} by_rule[] = {
	{"client_rule r { list 8.8.8.8\nsenders b.net }", "u@c.net", 0,
	 "to permit it, add u@c.net to senders of client_rule r at test.conf:7"},
	{"client_rule r { list 8.8.8.8\nsenders b.net }", "u", 0,
	 "to permit it, add u@example.com to senders of client_rule r at test.conf:7"},
	{"client_rule r { list 8.8.8.8\nrecipients b.net }", "u@b.net", 0,
	 "to permit it, add u@a.net to recipients of client_rule r at test.conf:7"},
	{"client_rule r { list 8.8.8.8\nmax_message_size 1K }", "u@b.net", 1025,
	 "to permit it, raise max_message_size of client_rule r at test.conf:7"},
	{"client_rule r { list *; senders b.net\nrecipients b.net; max_message_size 1K }", "u@c.net", 1025,
	 "to permit it, add u@c.net to senders of client_rule r at test.conf:6; and raise max_message_size of "
	 "client_rule r at test.conf:7; and add u@a.net to recipients of client_rule r at test.conf:7"},
	{"access { auth scram-sha-256; tls_certificate /a /b }\nclient_rule r { list *; require tls auth }", "", 0,
	 "to permit it, let the client use TLS and authenticate"},
	{"access { auth scram-sha-256 }\nclient_rule u { users *; senders b.net }\nclient_rule r { list *; require "
	 "auth }",
	 "u@c.net", 0,
	 "to permit it, let the client authenticate; and add u@c.net to senders of client_rule u at test.conf:7"},
};

START_TEST(test_advice_on_client_rules)
{
	char lines[400];
	struct config config;
	struct policy_client client = {.ip = memory_address("8.8.8.8"), .name_state = POLICY_NAME_UNCONFIRMED};
	struct address sender, rcpt;
	struct policy_mail mail = {&sender, by_rule[_i].size};
	struct explanation e;
	struct str says;
	const char *why;
	str_init(&says, 4096);
	snprintf(lines, sizeof(lines), "relay { list 8.8.8.8 }\n%s", by_rule[_i].lines);
	memory_config(lines, &config);
	ck_assert(address_parse(span_of(by_rule[_i].from), &sender, &why));
	ck_assert(address_parse(SPAN("u@a.net"), &rcpt, &why));
	explain_decide(&config.servers[0], &client, &mail, &rcpt, &e);
	advice_format(&config.servers[0], &e, &says);
	ck_assert_str_eq(str_text(&says), by_rule[_i].says);
	str_free(&says);
	config_free(&config);
}
END_TEST

static const struct {
	const char *rcpt, *says;
} on_aliases[] = {
	{"one@a.net", "to permit it, correct the alias at /list:1"},
	{"far@a.net", "to permit it, correct the file that recipients names at test.conf:6"},
};

START_TEST(test_advice_on_aliases)
{
	const struct policy_client client = {.name_state = POLICY_NAME_UNCONFIRMED};
	const struct policy_mail mail = {0};
	struct known known = {0};
	struct config config;
	struct explanation e;
	struct address rcpt;
	struct str says;
	const char *why;
	str_init(&says, 4096);
	memory_config("local_domain a.net { recipients /list }\nlocal_domain lost.net { recipients /lost }", &config);
	give_list(&known, "/list", SPAN("one: two\ntwo: one\nfar: x@lost.net\nann\n"), false);
	ck_assert(address_parse(span_of(on_aliases[_i].rcpt), &rcpt, &why));
	explain_decide(&config.servers[0], &client, &mail, &rcpt, &e);
	explain_known(&config.servers[0], known_lists(&known), &e);
	advice_format(&config.servers[0], &e, &says);
	ck_assert_str_eq(str_text(&says), on_aliases[_i].says);
	str_free(&says);
	known_free(&known);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_advice");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_advice, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, test_advice_on_users, 0, sizeof(by_user) / sizeof(by_user[0]));
	tcase_add_loop_test(tcase, test_advice_on_client_rules, 0, sizeof(by_rule) / sizeof(by_rule[0]));
	tcase_add_loop_test(tcase, test_advice_on_aliases, 0, sizeof(on_aliases) / sizeof(on_aliases[0]));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
