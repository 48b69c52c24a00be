#include "master/changes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned now, restart;
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
	now = changes_describe(&old, &new, CHANGES_NOW, &text);
	restart = changes_describe(&old, &new, CHANGES_RESTART, &text);
	config_free(&old);
	config_free(&new);
	return str_text(&text);
}

START_TEST(the_same_is_no_change_wherever_it_stands)
{
	ck_assert_str_eq(compare("virtual_server main { listen 127.0.0.1:2525 ; relay { list 10.0.0.0/8 } }",
				 "\n\n# moved\nvirtual_server main {\n relay { list 10.0.0.0/255.0.0.0 }\n"
				 "listen 127.0.0.1:2525\n }"),
			 "");
	ck_assert_uint_eq(now + restart, 0);
}
END_TEST

START_TEST(each_says_when_it_acts)
{
	const char *said = compare("virtual_server main { relay { list 10.0.0.0/8 } ; connection_timeout 10m }",
				   "virtual_server main { relay { list 10.0.0.0/9 } ; connection_timeout 9m ; "
				   "listen 127.0.0.1:2526 }");

	ck_assert_ptr_nonnull(strstr(said, "server main: relay list changed; acts with the next command\n"));
	ck_assert_ptr_nonnull(strstr(said, "server main: connection_timeout changed; acts with the next connection\n"));
	ck_assert_ptr_nonnull(strstr(said, "server main: listen changed; acts after a restart of the service\n"));
	ck_assert_uint_eq(now, 2);
	ck_assert_uint_eq(restart, 1);
}
END_TEST

START_TEST(named_blocks_come_go_and_change)
{
	const char *said =
		compare("virtual_server main { remote_domain a.net { relay yes } ; remote_domain b.net { relay yes } }",
			"virtual_server main { remote_domain b.net { relay no } ; alias_domain c.net }");

	ck_assert_ptr_nonnull(strstr(said, "server main: remote_domain a.net removed"));
	ck_assert_ptr_nonnull(strstr(said, "server main: remote_domain b.net: relay changed"));
	ck_assert_ptr_nonnull(strstr(said, "server main: alias_domain c.net added"));
	ck_assert_uint_eq(now, 3);
}
END_TEST

START_TEST(servers_wait_for_a_restart)
{
	const char *said =
		compare("virtual_server a { listen 127.0.0.1:2525 }", "virtual_server b { listen 127.0.0.1:2525 }");

	ck_assert_ptr_nonnull(strstr(said, "server a: the whole server removed; acts after a restart"));
	ck_assert_ptr_nonnull(strstr(said, "server b: the whole server added; acts after a restart"));
	ck_assert_uint_eq(now, 0);
	ck_assert_uint_eq(restart, 2);
}
END_TEST

START_TEST(global_settings_too)
{
	const char *said = compare("operators root\nvirtual_server a { }",
				   "operators root daemon\nrun_dir /run/elsewhere\nvirtual_server a { }");

	ck_assert_ptr_nonnull(strstr(said, "operators changed; acts with the next connection\n"));
	ck_assert_ptr_nonnull(strstr(said, "run_dir changed; acts after a restart of the service\n"));
}
END_TEST

START_TEST(what_all_processes_must_agree_on_stays)
{
	static const char *const lines[] = {"user daemon", "smtpd_user daemon", "delivery_user daemon",
					    "mailroot_dir /x", "run_dir /x"};
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
	tcase_add_test(tc, the_same_is_no_change_wherever_it_stands);
	tcase_add_test(tc, each_says_when_it_acts);
	tcase_add_test(tc, named_blocks_come_go_and_change);
	tcase_add_test(tc, servers_wait_for_a_restart);
	tcase_add_test(tc, global_settings_too);
	tcase_add_test(tc, what_all_processes_must_agree_on_stays);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	str_free(&text);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
