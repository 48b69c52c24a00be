/* How mail leaves a virtual server: directly or not, by which hosts, in whose name. */
#include "ctl/doctor/ways.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/senders.h"
#include "t/unit/suite.h"

static struct config config;

/* The virtual server of TEXT. */
static const struct config_server *server(const char *text)
{
	struct config_report report = {.errors = 0};
	struct str file;
	str_init(&file, 1 << 16);
	str_init(&report.text, 1 << 16);
	str_printf(&file, "virtual_server test {\nfqdn mail.example.com; default_domain example.com\n%s\n}\n", text);
	struct config_tree *tree = config_read_text("test.conf", str_span(&file), &report);
	config_free(&config);
	ck_assert_msg(config_build(tree, "host", &config, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
	str_free(&file);
	return &config.servers[0];
}

START_TEST(some_mail_goes_directly_or_none)
{
	static const struct {
		const char *text;
		bool direct;
	} cases[] = {
		{"", true},
		{"smart_host [192.0.2.1]", false},
		{"smart_host [192.0.2.1]; direct_first yes", true},
		{"smart_host [192.0.2.1]\nremote_domain a.test { route dns }", true},
		{"smart_host [192.0.2.1]\nremote_domain a.test { route [192.0.2.2] }", false},
		{"connector all { route [192.0.2.1] }", false},
		{"connector some { route [192.0.2.1]; address_space a.test }", true},
		{"connector small { route [192.0.2.1]; max_message_size 1M }", true},
		{"smart_host [192.0.2.1]\nconnector some { route dns; address_space a.test }", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(ways_direct(server(cases[i].text)) == cases[i].direct, "%s", cases[i].text);
}
END_TEST

START_TEST(each_next_hop_is_there_once)
{
	struct ways_hop hops[WAYS_HOPS_MAX];
	const struct config_server *s =
		server("smart_host a.test [b.test]:587\n"
		       "remote_domain c.test { route [b.test]:587 [b.test]:25; outbound { tls encrypt } }\n"
		       "connector x { route [192.0.2.1]; address_space d.test }");
	ck_assert_uint_eq(ways_hops(s, hops), 4);
	ck_assert_str_eq(hops[0].setting, "smart_host");
	ck_assert_str_eq(hops[0].host->name, "a.test");
	ck_assert(hops[1].outbound == &s->outbound);
	ck_assert(hops[2].host->port == 25 && hops[2].outbound == &s->remote_domains[0].outbound);
	ck_assert_int_eq(hops[3].host->kind, CONFIG_HOST_IP);
}
END_TEST

START_TEST(domains_of_senders)
{
	struct ways_domain domains[WAYS_DOMAINS_MAX];
	const struct config_server *s =
		server("local_domain b.test { }\nlocal_domain intranet { }\nmasquerade_domain m.test\n"
		       "smart_host [192.0.2.1]\noutbound { send_as relay@provider.test }");
	bool whole;
	ck_assert_uint_eq(ways_domains(s, domains, &whole), 3);
	ck_assert(whole);
	ck_assert_str_eq(domains[0].name, "example.com");
	ck_assert_str_eq(domains[1].name, "b.test");
	ck_assert_str_eq(domains[2].name, "provider.test");
	ck_assert_str_eq(ways_envelope_domain(s, "b.test"), "m.test");
	ck_assert_str_eq(ways_envelope_domain(s, "provider.test"), "provider.test");
	ck_assert_str_eq(ways_envelope_domain(server(""), "example.com"), "example.com");
}
END_TEST

/* With the default domain: N + 1. */
static size_t examined(int n, struct doctor *d)
{
	struct ways_domain domains[WAYS_DOMAINS_MAX];
	struct str text;
	str_init(&text, 1 << 14);
	for (int i = 0; i < n; i++)
		str_printf(&text, "local_domain d%d.test { }\n", i);
	const struct config_server *s = server(str_text(&text));
	str_free(&text);
	return senders_domains(d, s, domains);
}

START_TEST(domains_that_are_left_out_are_reported)
{
	struct doctor d = {.file = "test.conf"};
	struct finding f;
	arena_init(&d.arena, 1 << 14);
	str_init(&d.found, 1 << 14);
	ck_assert_uint_eq(examined(WAYS_DOMAINS_MAX - 1, &d), WAYS_DOMAINS_MAX);
	ck_assert_uint_eq(d.found.len, 0);
	ck_assert_uint_eq(examined(WAYS_DOMAINS_MAX, &d), WAYS_DOMAINS_MAX);
	struct span rest = str_span(&d.found);
	ck_assert(finding_take(&rest, &f) && !rest.len);
	ck_assert(span_equal(f.where, SPAN("test.conf:1")));
	ck_assert(span_starts(f.what, SPAN("server test: only the first 32 of the domains")));
	arena_free(&d.arena);
	str_free(&d.found);
}
END_TEST

START_TEST(sources_that_are_written_come_first)
{
	struct ipaddr sources[WAYS_SOURCES_MAX];
	char text[IPADDR_TEXT_MAX];
	ck_assert_uint_eq(ways_sources(server("outbound { source_address 192.0.2.9 2001:db8::9 }"), sources), 2);
	ipaddr_format(&sources[0], text);
	ck_assert_str_eq(text, "192.0.2.9");
	ipaddr_format(&sources[1], text);
	ck_assert_str_eq(text, "2001:db8::9");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {some_mail_goes_directly_or_none, each_next_hop_is_there_once, domains_of_senders,
				      domains_that_are_left_out_are_reported, sources_that_are_written_come_first};
	int status = run_tests("ways", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
	config_free(&config);
	return status;
}
