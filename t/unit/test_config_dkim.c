/* Blocks dkim as the SMTP clients see them, and which of them signs the mail of a domain. */
#include <check.h>
#include <string.h>

#include "common/config/config.h"
#include "common/dkim/sign.h"
#include "t/unit/suite.h"

static struct config config;

static void teardown(void)
{
	config_free(&config);
}

/* The configuration that SMTP clients build out of SERVER_TEXT. */
static const struct config_server *see(const char *server_text)
{
	struct config_report report = {0};
	struct config whole;
	struct str text;
	str_init(&text, 10000);
	str_init(&report.text, 10000);
	str_printf(&text, "virtual_server default {\n%s\n}\n", server_text);
	struct config_tree *tree = config_read_text("test.conf", str_span(&text), &report);
	ck_assert_msg(config_build(tree, "host.example.com", &whole, &report), "%s", str_text(&report.text));
	str_clear(&text);
	config_tree_write(tree, "host.example.com", "default", ROLE_DELIVERY, &text);
	ck_assert_msg(config_parse_canonical(str_span(&text), &config), "%s", str_text(&text));
	config_free(&whole);
	config_tree_free(tree);
	str_free(&text);
	str_free(&report.text);
	return &config.servers[0];
}

START_TEST(values_reach_the_clients)
{
	const struct config_server *server =
		see("dkim B.Example {\nselector M2026a /etc/a.pem\nselector e \"/etc/with blank\"\n"
		    "headers From Subject X-Mine; oversign no; canonical simple/relaxed; expire 7d; subdomains yes }");
	ck_assert_uint_eq(server->dkim_count, 1);
	const struct config_dkim *dkim = &server->dkims[0];
	ck_assert_str_eq(dkim->name, "b.example");
	ck_assert_uint_eq(dkim->selector.n, 2);
	ck_assert_str_eq(dkim->selector.at[0].name, "m2026a");
	ck_assert_str_eq(dkim->selector.at[0].file, "/etc/a.pem");
	ck_assert_uint_eq(dkim->selector.at[0].origin.line, 3);
	ck_assert_str_eq(dkim->selector.at[1].file, "/etc/with blank");
	ck_assert_uint_eq(dkim->headers.n, 3);
	ck_assert_str_eq(dkim->headers.at[2], "X-Mine");
	ck_assert(!dkim->oversign && dkim->subdomains);
	ck_assert_int_eq(dkim->canonical, CONFIG_SIMPLE_RELAXED);
	ck_assert_int_eq(dkim->expire, INT64_C(7) * 86400 * 1000);
}
END_TEST

/* As many as a message can have signatures of. */
START_TEST(eight_selectors)
{
	const struct config_dkim *dkim = &see("dkim b.example { selector a /a\nselector b /b\nselector c /c\n"
					      "selector d /d\nselector e /e\nselector f /f\nselector g /g\n"
					      "selector h /h\n}")
						  ->dkims[0];
	ck_assert_uint_eq(dkim->selector.n, DKIM_SELECTORS_MAX);
	ck_assert_str_eq(dkim->selector.at[7].file, "/h");
}
END_TEST

START_TEST(nine_selectors_are_refused)
{
	struct config_report report = {0};
	struct config whole;
	str_init(&report.text, 10000);
	struct config_tree *tree = config_read_text(
		"test.conf",
		SPAN("virtual_server default { dkim b.example { selector a /a\nselector b /b\nselector c /c\n"
		     "selector d /d\nselector e /e\nselector f /f\nselector g /g\nselector h /h\nselector i /i\n} }"),
		&report);
	ck_assert(!config_build(tree, "host.example.com", &whole, &report));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "more than 8 selectors"));
	config_free(&whole);
	config_tree_free(tree);
	str_free(&report.text);
	see("");
}
END_TEST

START_TEST(defaults_are_those_of_the_list)
{
	const struct config_dkim *dkim = &see("dkim b.example { selector a /a }")->dkims[0];
	ck_assert_uint_eq(dkim->headers.n, 0);
	ck_assert(dkim->oversign && !dkim->subdomains);
	ck_assert_int_eq(dkim->canonical, CONFIG_RELAXED_RELAXED);
	ck_assert_int_eq(dkim->expire, CONFIG_NONE);
}
END_TEST

/* Who signs mail of a domain; "" = no block. */
static void signed_by(const struct config_server *server, const char *domain, const char *name)
{
	const struct config_dkim *dkim = config_dkim_find(server, span_of(domain));
	ck_assert_msg(!strcmp(dkim ? dkim->name : "", name), "%s is signed by %s", domain, dkim ? dkim->name : "none");
}

START_TEST(the_nearest_block_signs)
{
	const struct config_server *server =
		see("dkim example { selector a /a; subdomains yes }\ndkim b.example { selector a /a; subdomains yes }\n"
		    "dkim c.b.example { selector a /a }");
	signed_by(server, "example", "example");
	signed_by(server, "x.Example", "example");
	signed_by(server, "b.example", "b.example");
	signed_by(server, "x.B.example", "b.example");
	signed_by(server, "ab.example", "example");
	signed_by(server, "C.b.example", "c.b.example");
	signed_by(server, "x.c.b.example", "b.example");
	signed_by(server, "anexample", "");
	signed_by(server, ".example", "example");
	signed_by(server, "", "");
}
END_TEST

START_TEST(auto_signs_where_no_user_is_needed)
{
	const struct config_outbound by_default = see("")->outbound;
	ck_assert(config_outbound_signs(&by_default, false));
	ck_assert(!config_outbound_signs(&by_default, true));
	config_free(&config);
	const struct config_outbound always = see("outbound { dkim yes }")->outbound;
	ck_assert(config_outbound_signs(&always, false) && config_outbound_signs(&always, true));
	config_free(&config);
	const struct config_outbound never = see("outbound { dkim no }")->outbound;
	ck_assert(!config_outbound_signs(&never, false) && !config_outbound_signs(&never, true));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config dkim");
	TCase *tc = tcase_create("dkim");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, values_reach_the_clients);
	tcase_add_test(tc, eight_selectors);
	tcase_add_test(tc, nine_selectors_are_refused);
	tcase_add_test(tc, defaults_are_those_of_the_list);
	tcase_add_test(tc, the_nearest_block_signs);
	tcase_add_test(tc, auto_signs_where_no_user_is_needed);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
