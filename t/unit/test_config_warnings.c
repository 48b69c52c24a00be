/* Settings that work but are probably mistakes: each has one warning, or a way to write that it is intended. */
#include "t/unit/config_fixture.h"

#define DKIM     "dkim a.test { selector a /k }\n"
#define PROVIDER "smart_host [192.0.2.1]\noutbound { tls verify; auth plain; username u; password_file /p"
#define AUTH     "access { auth scram-sha-256 }\n"

/* Settings that work here but that other hosts reject: one warning, with its place and words. */
START_TEST(names_that_other_hosts_reject_are_warned_of)
{
	static const struct wrong warned[] = {
		{SERVER("fqdn mail"), 2, 6, "fqdn mail has no dot"},
		{SERVER("default_domain corp"), 2, 16, "default_domain corp has no dot"},
		{SERVER("masquerade_domain corp"), 2, 19, "masquerade_domain corp has no dot"},
		{SERVER("outbound { helo_name mail }"), 2, 22, "helo_name mail has no dot"},
		{SERVER("remote_domain a.test { outbound { helo_name mail } }"), 2, 45, "helo_name mail has no dot"},
		{SERVER("messages { max_message_size 5M; max_session_size none }\n"
			"local_domain a.test { drop_quota 1M }"),
		 3, 34, "drop_quota is below max_message_size (5M): a message larger than drop_quota never fits"},
		{SERVER("client_rule a { list * }\nclient_rule b { list 10.0.0.1 }"), 3, 13,
		 "this rule never comes into force: client_rule a at test.conf:2 fits all its clients"},
		{SERVER("client_rule a { list 10.0.0.0/8 *.a.test }\nclient_rule b { list 10.1.0.0/16 *.b.a.test c.a.test }"),
		 3, 13, "this rule never comes into force"},
		{SERVER(AUTH "client_rule a { users * }\nclient_rule b { list 10.0.0.1; users joe }"), 4, 13,
		 "this rule never comes into force"},
		{SERVER(AUTH "client_rule a { list 10.0.0.0/8 }\nclient_rule b { list 10.0.0.1; users joe }"), 4, 13,
		 "this rule never comes into force"},
		{SERVER("messages { max_message_size 5M; max_session_size none }\n"
			"client_rule a { list *; max_message_size 6M }"),
		 3, 42, "max_message_size has no effect here"},
		{SERVER("processes { spare 1; max 3 }\nconnect { greet_pause 5s }"), 3, 23,
		 "greet_pause has no effect: a quarter of processes max (or of max_connections) may wait"},
		{SERVER("max_connections 3\nconnect { greet_pause 5s }"), 3, 23, "greet_pause has no effect"},
		{SERVER(DKIM "outbound { dkim no }"), 2, 6, "dkim a.test has no effect: all mail goes to hosts"},
		{SERVER(DKIM PROVIDER " }"), 2, 6, "dkim a.test has no effect: all mail goes to hosts"},
		{SERVER(DKIM PROVIDER " }\nremote_domain b.test { route [192.0.2.2]; outbound { dkim no } }"), 2, 6,
		 "dkim a.test has no effect: all mail goes to hosts"},
		{SERVER(DKIM PROVIDER "; dkim yes; send_as u@b.test }"), 2, 6,
		 "all mail is sent as u@b.test (send_as), so its From is never in this domain"},
		{SERVER("smart_host [192.0.2.1]") "virtual_server copiers { fqdn c.test\nlisten *:26 }", 4, 16,
		 "copiers has no smart_host of its own"},
	};
	for (int i = 0; i < COUNT(warned); i++) {
		expect_message(&warned[i], "warning");
		ck_assert_msg(report.warnings == 1 && !report.errors, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

/* For each warning there is a way to write that it is intended. */
START_TEST(intended_settings_are_not_warned_of)
{
	static const char *const good[] = {
		SERVER("smart_host [192.0.2.1]") "virtual_server copiers { fqdn c.test\nlisten *:26\nsmart_host none }",
		SERVER("smart_host [192.0.2.1]") "virtual_server b { fqdn c.test\nlisten *:26\nconnector x { route dns "
						 "} }",
		SERVER("smart_host [192.0.2.1]") "virtual_server b { fqdn c.test\nenabled no }",
		SERVER("local_domain printers"),
		SERVER(DKIM),
		SERVER(DKIM PROVIDER "; dkim yes }"),
		SERVER(DKIM PROVIDER "; dkim yes; send_as u@a.test }"),
		SERVER(DKIM PROVIDER " }\ndirect_first yes"),
		SERVER(DKIM PROVIDER " }\nremote_domain b.test { route dns }"),
		SERVER(DKIM PROVIDER " }\nconnector b { address_space b.test; route [192.0.2.2] }"),
		SERVER(DKIM "outbound { dkim no }\nremote_domain b.test { outbound { dkim yes } }"),
		SERVER(DKIM "smart_host [192.0.2.1]\noutbound { send_as u@a.test }"),
		SERVER("max_connections 4\nprocesses { spare 1; max 4 }\nconnect { greet_pause 5s }"),
		SERVER("processes { spare 1; max 3 }\nconnect { greet_pause 0s }"),
		SERVER("client_rule a { list 10.0.0.0/8 *.b.test }\nclient_rule b { list 10.0.0.1 b.test }\n"
		       "client_rule c { list * }"),
		SERVER(AUTH "client_rule a { list 10.0.0.1; users joe }\nclient_rule b { list 10.0.0.1 }\n"
			    "client_rule c { users joe }\nclient_rule d { list 10.0.0.0/8 }"),
		SERVER("client_rule a { list *; max_message_size 35M; senders *@a.test @b.test <> }"),
		SERVER("messages { max_message_size 5M }\nlocal_domain a.test { drop_quota 5M }"),
		SERVER("local_domain a.test { drop_quota 1x }"),
	};
	for (int i = 0; i < COUNT(good); i++) {
		build(good[i]);
		ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

START_TEST(wide_public_network_is_warned_of)
{
	build(SERVER("relay { list 10.0.0.0/8 172.16.0.0/12 fc00::/7 192.0.0.0/9 127.0.0.0/8 }"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 1);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:48: warning: 192.0.0.0/9"));
	done();
}
END_TEST

START_TEST(local_domain_without_anonymous_clients_is_warned_of)
{
	build(SERVER("access { auth scram-sha-256; anonymous no }\nlocal_domain a.example"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 1);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:40: warning: other hosts can't send mail to "
							     "the local domain at test.conf:3, "));
	done();
	build(SERVER("default_domain a.example\naccess { auth scram-sha-256; anonymous no }"));
	ck_assert_uint_eq(report.warnings, 0);
	done();
	build(SERVER(
		"default_domain a.example\nlocal_domain A.example { }\naccess { auth scram-sha-256; anonymous no }"));
	ck_assert_uint_eq(report.warnings, 1);
	done();
}
END_TEST

START_TEST(registries_are_warned_of)
{
	build(SERVER("relay { list *.co.jp *.example.jp *.co.example *.com.au }\nremote_domain *.or.jp { relay yes }"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 3);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config warnings");
	TCase *all = tcase_create("all");
	tcase_add_test(all, names_that_other_hosts_reject_are_warned_of);
	tcase_add_test(all, intended_settings_are_not_warned_of);
	tcase_add_test(all, wide_public_network_is_warned_of);
	tcase_add_test(all, local_domain_without_anonymous_clients_is_warned_of);
	tcase_add_test(all, registries_are_warned_of);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
