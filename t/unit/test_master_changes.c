#include "master/changes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned said_lines;
static struct str text;

static void build(const char *source, struct config *out)
{
	struct config_report report = {0};

	str_init(&report.text, 100000);
	*out = (struct config){0};
	struct config_tree *tree = config_read_text("test", span_of(source), &report);
	ck_assert_msg(config_build(tree, "host.example.com", out, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
}

static const char *compare(const char *before, const char *after)
{
	struct config old, new;

	str_free(&text);
	str_init(&text, 100000);
	build(before, &old);
	build(after, &new);
	said_lines = changes_describe(&old, &new, &text);
	config_free(&old);
	config_free(&new);
	return str_text(&text);
}

START_TEST(moved_settings_are_no_change)
{
	ck_assert_str_eq(compare("virtual_server main { listen 127.0.0.1:2525 ; relay { list 10.0.0.0/8 } }",
				 "\n\n# moved\nvirtual_server main {\n relay { list 10.0.0.0/255.0.0.0 }\n"
				 "listen 127.0.0.1:2525\n }"),
			 "");
	ck_assert_uint_eq(said_lines, 0);
}
END_TEST

#define SERVER(text) "virtual_server a { listen 127.0.0.1:2525 ; " text " }"

/* The block of virtual server a before and after, and all lines that report the change. */
static const struct {
	const char *before, *after, *said;
} cases[] = {
	/* relay list */
	{"relay { list 10.1.0.0/16 10.2.0.0/16 }", "relay { list 10.2.0.0/16 }",
	 "server a: 10.1.0.0/16 may no longer relay (was: to any domain)\n"},
	{"", "relay { list 192.0.2.7 2001:db8::/32 }",
	 "server a: 192.0.2.7 may now relay to any domain\nserver a: 2001:db8::/32 may now relay to any domain\n"},
	{"relay { list 10.2.0.0/16 10.1.0.0/16 }", "relay { list 10.1.0.0/16 10.2.0.0/255.255.0.0 }", ""},
	{"relay { list *.a.net }", "relay { list *.A.net h.b.a.net h.b.net }",
	 "server a: h.b.a.net may relay, as before\nserver a: h.b.net may now relay to any domain\n"},
	{"connect { list * ; allow only-listed }", "connect { list *.a.net a.net ; allow only-listed }",
	 "server a: * may no longer connect; takes effect with the next connection\n"
	 "server a: *.a.net may connect, as before; takes effect with the next connection\n"
	 "server a: a.net may connect, as before; takes effect with the next connection\n"},
	{"relay { list h.a.net *.a.net }", "relay { list h.a.net }",
	 "server a: *.a.net may no longer relay (was: to any domain)\n"},
	{"relay { list 10.0.0.0/8 10.1.0.0/16 }", "relay { list 10.0.0.0/8 }",
	 "server a: 10.1.0.0/16 may relay, as before\n"},
	{"relay { list 10.0.0.0/8 }", "relay { list 10.1.0.0/16 }",
	 "server a: 10.0.0.0/8 may no longer relay (was: to any domain)\nserver a: 10.1.0.0/16 may relay, as before\n"},
	{"relay { list 10.0.0.1 }",
	 "relay { allow all-except-listed; list 10.0.0.1 10.0.0.2; open_relay_intended yes }",
	 "server a: relay allow all-except-listed (was only-listed)\n"
	 "server a: relay open_relay_intended yes (was no)\n"
	 "server a: 10.0.0.1 may no longer relay (was: to any domain)\n"
	 "server a: 10.0.0.2 may not relay, as before\n"
	 "server a: every other client may now relay to any domain\n"},
	{"relay { allow all-except-listed; list 10.0.0.1 10.0.0.2; open_relay_intended yes }",
	 "relay { allow all-except-listed; list 10.0.0.1 10.0.0.3; open_relay_intended yes }",
	 "server a: 10.0.0.2 may now relay to any domain\n"
	 "server a: 10.0.0.3 may no longer relay (was: to any domain)\n"},
	{"relay { allow all-except-listed; list 10.0.0.2; open_relay_intended yes }", "relay { list 10.0.0.3 }",
	 "server a: relay allow only-listed (was all-except-listed)\n"
	 "server a: relay open_relay_intended no (was yes)\n"
	 "server a: 10.0.0.2 may not relay, as before\n"
	 "server a: 10.0.0.3 may relay, as before\n"
	 "server a: every other client may no longer relay (was: to any domain)\n"},
	/* connect list */
	{"", "connect { list 10.0.0.1 }",
	 "server a: 10.0.0.1 may no longer connect; takes effect with the next connection\n"},
	{"connect { list 10.0.0.1 }", "connect { allow only-listed; list 10.0.0.1 }",
	 "server a: connect allow only-listed (was all-except-listed); takes effect with the next connection\n"
	 "server a: 10.0.0.1 may now connect; takes effect with the next connection\n"
	 "server a: every other client may no longer connect; takes effect with the next connection\n"},
	/* limits and other values */
	{"messages { max_message_size 2M }", "messages { max_message_size 25M; max_session_size none }",
	 "server a: messages max_message_size 25M (was 2M)\n"},
	{"delivery { retry 15m 30m }", "delivery { retry 5m 900s }", "server a: delivery retry 5m 15m (was 15m 30m)\n"},
	{"delivery { processes { max 100 } }", "delivery { processes { max 200 } }",
	 "server a: delivery processes max 200 (was 100); takes effect with new processes, which start now; no session ends\n"},
	{"connection_timeout 10m", "connection_timeout 9m",
	 "server a: connection_timeout 9m (was 10m); takes effect with the next connection\n"},
	{"banner \"a b\"", "banner c", "server a: banner c (was \"a b\"); takes effect with the next connection\n"},
	{"banner c", "", "server a: banner default (was c); takes effect with the next connection\n"},
	{"without size", "without size chunking",
	 "server a: without size chunking (was size); takes effect with the next connection\n"},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.2]:26 relay.example.net",
	 "server a: smart_host [192.0.2.2]:26 relay.example.net (was [192.0.2.1])\n"},
	{"smart_host [192.0.2.1]", "", "server a: smart_host none (was [192.0.2.1])\n"},
	/* blocks with a name */
	{"", "client_rule p { list 10.0.0.1; senders *@a.net b@c.net }",
	 "server a: client_rule p added: list 10.0.0.1, senders a.net b@c.net\n"},
	{"client_rule p { list *; max_message_size 1M }", "client_rule p { list *; max_message_size 2M }",
	 "server a: client_rule p: max_message_size 2M (was 1M)\n"},
	{"", "dkim b.net { selector m26a /k; expire 7d }", "server a: dkim b.net added: selector m26a /k, expire 7d\n"},
	{"dkim b.net { selector a /k }", "dkim b.net { selector a /k\nselector b /l\nheaders From To }",
	 "server a: dkim b.net: selector a /k b /l (was a /k); takes effect with new processes, which start now; no session ends\n"
	 "server a: dkim b.net: headers From To (was standard); takes effect with new processes, which start now; no session ends\n"},
	{"", "remote_domain *.b.net { relay yes; route [192.0.2.1] }",
	 "server a: remote_domain *.b.net added: relay yes, route [192.0.2.1]\n"},
	{"remote_domain b.net { relay yes }", "", "server a: remote_domain b.net removed: relay yes\n"},
	{"remote_domain b.net { relay yes }", "remote_domain b.net { relay no }",
	 "server a: remote_domain b.net: relay no (was yes)\n"},
	{"",
	 "connector c { address_space *.b.net cost 5; address_space b.net; route [192.0.2.1]; senders <> a@b.net "
	 "@c.net }",
	 "server a: connector c added: address_space *.b.net cost 5 b.net, route [192.0.2.1], senders <> a@b.net "
	 "c.net\n"},
	{"connector c { route dns }", "", "server a: connector c removed: route dns\n"},
	{"connector c { route dns; address_space b.net }", "connector c { route dns; address_space B.net cost 2 }",
	 "server a: connector c: address_space b.net cost 2 (was b.net)\n"},
	{"connector c { route dns; max_message_size 5M }", "connector c { route dns; senders_refused b.net }",
	 "server a: connector c: max_message_size none (was 5M)\n"
	 "server a: connector c: senders_refused b.net (was none)\n"},
	{"connector c { route dns; outbound { port 25 } }", "connector c { route dns; outbound { port 26 } }",
	 "server a: connector c: outbound port 26 (was 25)\n"},
	{"remote_domain b.net { outbound { use_helo no } }", "remote_domain b.net { outbound { use_helo yes } }",
	 "server a: remote_domain b.net: outbound use_helo yes (was no)\n"},
	{"", "alias_domain c.net", "server a: alias_domain c.net added\n"},
	{"local_domain b.net { drop_quota 10x }", "local_domain b.net { drop_quota 500M }",
	 "server a: local_domain b.net: drop_quota 500M (was 10x)\n"},
	{"local_domain b.net { }", "local_domain b.net { return_path yes }",
	 "server a: local_domain b.net: return_path yes (was no)\n"},
};

static const char *in_server(const char *lines, char *to, size_t size)
{
	snprintf(to, size, SERVER("%s"), lines);
	return to;
}

START_TEST(each_change_in_words)
{
	char before[1000], after[1000];
	const char *said = compare(in_server(cases[_i].before, before, sizeof(before)),
				   in_server(cases[_i].after, after, sizeof(after)));
	ck_assert_str_eq(said, cases[_i].said);
	ck_assert_str_eq(compare(before, before), "");
	ck_assert_str_eq(compare(after, after), "");
}
END_TEST

START_TEST(lines_are_counted)
{
	compare("virtual_server main { relay { list 10.0.0.0/8 } ; connection_timeout 10m ; processes { max 10 } }",
		"virtual_server main { relay { list 10.0.0.0/9 } ; connection_timeout 9m ; processes { max 11 } }");
	ck_assert_uint_eq(said_lines, 4);
}
END_TEST

START_TEST(a_long_list_is_cut)
{
	struct str list;
	str_init(&list, 1 << 20);
	str_append_text(&list, "virtual_server a { relay { list");
	for (unsigned i = 0; i < 1000; i++)
		str_printf(&list, " 10.0.%u.%u", i / 250, i % 250);
	str_append_text(&list, " } }");
	const char *said = compare("virtual_server a { }", str_text(&list));
	ck_assert_ptr_nonnull(strstr(said, "server a: 10.0.0.199 may now relay to any domain\n"));
	ck_assert_ptr_null(strstr(said, "server a: 10.0.0.200 "));
	ck_assert_ptr_nonnull(strstr(said, "server a: relay list has 800 more changes\n"));
	str_free(&list);
}
END_TEST

START_TEST(whole_servers)
{
	const char *said =
		compare("virtual_server a { listen 127.0.0.1:2525 }", "virtual_server b { listen 127.0.0.1:2525 }");

	ck_assert_ptr_nonnull(strstr(said, "server a: the whole server removed: its sessions finish"));
	ck_assert_ptr_nonnull(strstr(said, "server b: the whole server added\n"));
	ck_assert_uint_eq(said_lines, 2);
}
END_TEST

START_TEST(global_settings_too)
{
	const char *said = compare("operators root\nvirtual_server a { }",
				   "operators root daemon\nrun_dir /run/elsewhere\nvirtual_server a { }");

	ck_assert_ptr_nonnull(
		strstr(said, "operators root daemon (was root); takes effect with the next connection\n"));
	ck_assert_ptr_nonnull(
		strstr(said, "run_dir /run/elsewhere (was /run/mailroot); takes effect with new processes, which "
			     "start now; no session ends\n"));
}
END_TEST

/* Which processes a change restarts. */
static const struct {
	const char *before, *after;
	unsigned roles;
} renewals[] = {
	{"relay { list 10.0.0.1 }", "relay { list 10.0.0.2 }; connection_timeout 1m; alias_domain b.net", 0},
	{"listen 127.0.0.1:2526", "listen 127.0.0.1:2527",
	 ROLE_MASTER | ROLE_SMTPD | ROLE_RESOLVER | ROLE_PICKUP | ROLE_LOCAL},
	{"listen 127.0.0.1:2526", "listen 127.0.0.1:2526 proxy; proxy_list 10.0.0.2",
	 ROLE_MASTER | ROLE_SMTPD | ROLE_RESOLVER | ROLE_PICKUP | ROLE_LOCAL},
	{"pickup_dir /a", "pickup_dir off", ROLE_MASTER | ROLE_PICKUP},
	{"dot_stuffing on", "dot_stuffing off", 0},
	{"processes { max 10 }", "processes { max 11 }", ROLE_SMTPD},
	{"delivery { processes { max 10 } }", "delivery { processes { max 11 } }",
	 ROLE_QUEUE | ROLE_DELIVERY | ROLE_LOCAL},
	{"connector c { route dns }", "connector c { route [192.0.2.1]; senders b.net }", 0},
	{"connector c { route dns }", "connector c { route dns; outbound { port 26 } }", ROLE_DELIVERY},
	{"", "connector c { route dns; outbound { port 26 } }", ROLE_DELIVERY},
	{"connector c { route dns; outbound { tls encrypt } }", "connector c { route dns; outbound { tls off } }",
	 ROLE_DELIVERY},
	{"remote_domain b.net { relay yes }", "remote_domain b.net { relay yes; outbound { port 26 } }", ROLE_DELIVERY},
	{"remote_domain b.net { outbound { port 26 } }", "", ROLE_DELIVERY},
	{"remote_domain b.net { relay yes }", "remote_domain c.net { route dns }", 0},
	{"smart_host [192.0.2.1]; outbound { tls verify }",
	 "smart_host [192.0.2.1]; outbound { tls verify; auth login; username u; password_file /p }",
	 ROLE_MASTER | ROLE_DELIVERY | ROLE_WEB},
	{"",
	 "connector c { route [192.0.2.1]; outbound { tls verify; auth xoauth2; username u; oauth { client_id a; client_secret_file /s; token_url https://a.example/ } } }",
	 ROLE_DELIVERY | ROLE_WEB},
	{"local_domain b.net { drop_dir /a }", "local_domain b.net { drop_dir /b }",
	 ROLE_MASTER | ROLE_LOCAL | ROLE_PICKUP},
	{"", "dkim b.net { selector m /k }", ROLE_DELIVERY},
	{"dkim b.net { selector m /k }", "", ROLE_DELIVERY},
	{"dkim b.net { selector m /k }", "dkim b.net { selector n /k }", ROLE_MASTER | ROLE_DELIVERY},
};

START_TEST(processes_to_restart)
{
	char before[1000], after[1000];
	struct config old, new;

	snprintf(before, sizeof(before), "virtual_server a { %s }\nvirtual_server b { listen *:26 }",
		 renewals[_i].before);
	snprintf(after, sizeof(after), "virtual_server a { %s }\nvirtual_server b { listen *:26 }", renewals[_i].after);
	build(before, &old);
	build(after, &new);
	ck_assert_uint_eq(changes_roles(&old, &new, "a"), renewals[_i].roles);
	ck_assert_uint_eq(changes_roles(&old, &new, "b"), 0);
	ck_assert_uint_eq(changes_roles(&old, &old, "a"), 0);
	config_free(&old);
	config_free(&new);
}
END_TEST

START_TEST(settings_shared_by_all_processes_stay)
{
	static const char *const lines[] = {"user daemon",     "smtpd_user daemon", "delivery_user daemon",
					    "web_user daemon", "mailroot_dir /x",   "state_dir /x",
					    "run_dir /x"};
	struct config old, new;
	char source[200];

	build("virtual_server a { }", &old);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(source, sizeof(source), "%s\nvirtual_server a { }", lines[i]);
		build(source, &new);
		const char *name = changes_forbidden(&old, &new);
		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(strncmp(lines[i], name, strlen(name)), 0);
		config_free(&new);
	}
	build("operators root\nvirtual_server b { }", &new);
	ck_assert_ptr_null(changes_forbidden(&old, &new));
	config_free(&new);
	config_free(&old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changes");
	TCase *tc = tcase_create("changes");
	tcase_add_test(tc, moved_settings_are_no_change);
	tcase_add_loop_test(tc, each_change_in_words, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, lines_are_counted);
	tcase_add_test(tc, a_long_list_is_cut);
	tcase_add_test(tc, whole_servers);
	tcase_add_loop_test(tc, processes_to_restart, 0, sizeof(renewals) / sizeof(renewals[0]));
	tcase_add_test(tc, global_settings_too);
	tcase_add_test(tc, settings_shared_by_all_processes_stay);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	str_free(&text);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
