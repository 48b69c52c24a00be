/* The configuration as its users see it: text in, values and errors out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/host/config.h"

static struct config config;
static struct config_report report;

static void build(const char *text)
{
	struct config_tree *tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_ptr_nonnull(tree);
	config_build(tree, "host.example.com", &config, &report);
	config_tree_free(tree);
}

static void setup(void)
{
	memset(&report, 0, sizeof(report));
	str_init(&report.text, 1 << 20);
}

static void teardown(void)
{
	config_free(&config);
	str_free(&report.text);
}

static void build_good(const char *text)
{
	build(text);
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
}

START_TEST(defaults_are_those_of_the_list)
{
	build_good("virtual_server default { }");
	ck_assert_uint_eq(config.server_count, 1);
	const struct config_server *server = &config.servers[0];
	ck_assert_str_eq(server->name, "default");
	ck_assert_str_eq(server->dir, "/var/spool/mailroot/default");
	ck_assert_str_eq(server->fqdn, "host.example.com");
	ck_assert_str_eq(server->default_domain, "host.example.com");
	ck_assert_str_eq(server->postmaster, "postmaster@host.example.com");
	ck_assert_ptr_null(server->banner);
	ck_assert_str_eq(server->badmail_dir, "/var/spool/mailroot/default/badmail");
	ck_assert_int_eq(server->max_connections, CONFIG_NONE);
	ck_assert_int_eq(server->connection_timeout, 600000);
	ck_assert_int_eq(server->free_space_floor, 100 << 20);
	ck_assert_uint_eq(server->listen.n, 1);
	ck_assert(server->listen.at[0].any);
	ck_assert_uint_eq(server->listen.at[0].port, 25);
	ck_assert_uint_eq(server->delivery.retry.n, 4);
	ck_assert_int_eq(server->delivery.retry.ms[3], 240 * 60000);
	ck_assert_int_eq(server->delivery.processes.spare, 5);
	ck_assert_int_eq(server->relay.allow, CONFIG_ONLY_LISTED);
	ck_assert_uint_eq(server->relay.list.n, 0);
	ck_assert_uint_eq(server->local_domain_count, 1);
	ck_assert_str_eq(server->local_domains[0].name, "host.example.com");
	ck_assert_str_eq(server->local_domains[0].drop_dir, "/var/spool/mailroot/default/drop");
	ck_assert_int_eq(server->local_domains[0].drop_quota.octets, CONFIG_NONE);
	ck_assert_ptr_null(server->fqdn_at.file);
	ck_assert_uint_eq(config.operators.n, 1);
	ck_assert_str_eq(config.operators.at[0], "@mailroot-operators");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("values");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults_are_those_of_the_list);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
