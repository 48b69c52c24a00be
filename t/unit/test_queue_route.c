/* Where recipients are routed, and which lines of the configuration decide. */
#include "queue/model/destination.h"
#include "queue/operator/not_taken.h"
#include "queue/rules/route.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const text =
	"virtual_server test {\n"
	"listen 127.0.0.1:2525\n"
	"fqdn mx.example.com\n"
	"default_domain example.com\n"
	"alias_domain example.org\n"
	"local_domain sales.example.com { }\n"
	"remote_domain exact.test { route [192.0.2.1]:2525 }\n"
	"remote_domain *.test { route [192.0.2.2] }\n"
	"remote_domain *.sub.test { route [192.0.2.3] }\n"
	"remote_domain direct.test { route dns; outbound { port 26 } }\n"
	"remote_domain plain.test { outbound { timeout 7s } }\n"
	"remote_domain own.test { route [192.0.2.4]; outbound { tls verify; auth plain; username u; "
	"password_file /p } }\n"
	"remote_domain bare.test { route [192.0.2.4]; relay yes }\n"
	"%s"
	"}\n";

static struct config config;

static void build(const char *extra)
{
	struct config_report report = {0};
	struct str file;
	str_init(&file, 1 << 16);
	str_init(&report.text, 1 << 16);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	str_printf(&file, text, extra);
#pragma GCC diagnostic pop
	struct config_tree *tree = config_read_text("test.conf", str_span(&file), &report);
	ck_assert_msg(config_build(tree, "mx.example.com", &config, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
	str_free(&file);
}

static void decide(const char *rcpt, struct route *out)
{
	struct address address;
	const char *why;
	ck_assert_msg(address_parse(span_of(rcpt), &address, &why), "%s: %s", rcpt, why);
	route_decide(&config.servers[0], &address, NULL, out);
}

static const struct {
	const char *rcpt;
	enum route_kind kind;
	const char *to; /* local domain, first host, or domain */
	unsigned line;  /* line of the rule that decided; 0 = default */
} cases[] = {
	{"a@example.com", ROUTE_DROP, "example.com", 4},
	{"a@EXAMPLE.com", ROUTE_DROP, "example.com", 4},
	{"a", ROUTE_DROP, "example.com", 4},
	{"a@example.org", ROUTE_DROP, "example.com", 5},
	{"a@sales.example.com", ROUTE_DROP, "sales.example.com", 6},
	{"a@xsales.example.com", ROUTE_MX, "xsales.example.com", 0},
	{"a@exact.test", ROUTE_HOSTS, "192.0.2.1", 7},
	{"a@EXACT.test", ROUTE_HOSTS, "192.0.2.1", 7},
	{"a@other.test", ROUTE_HOSTS, "192.0.2.2", 8},
	{"a@x.sub.test", ROUTE_HOSTS, "192.0.2.3", 9},
	{"a@y.x.sub.test", ROUTE_HOSTS, "192.0.2.3", 9},
	{"a@sub.test", ROUTE_HOSTS, "192.0.2.2", 8},
	{"a@direct.test", ROUTE_MX, "direct.test", 10},
	{"a@plain.test", ROUTE_MX, "plain.test", 0},
	{"a@test", ROUTE_MX, "test", 0},
	{"a@example.net", ROUTE_MX, "example.net", 0},
	{"a@[127.0.0.1]", ROUTE_DROP, "example.com", 2},
	{"a@[192.0.2.9]", ROUTE_LITERAL, "[192.0.2.9]", 0},
	{"a@[IPv6:2001:db8::1]", ROUTE_LITERAL, "[IPv6:2001:db8::1]", 0},
};

START_TEST(table)
{
	struct route route;
	build("");
	decide(cases[_i].rcpt, &route);
	ck_assert_str_eq(route_kind_name(route.kind), route_kind_name(cases[_i].kind));
	ck_assert_uint_ge(route.rule_count, 1);
	ck_assert_uint_eq(route.rules[route.rule_count - 1].origin.line, cases[_i].line);
	if (route.kind == ROUTE_DROP)
		ck_assert_str_eq(route.local->name, cases[_i].to);
	else if (route.kind == ROUTE_HOSTS)
		ck_assert(span_equal(span_of(route.hosts->at[0].name), span_of(cases[_i].to)));
	else
		ck_assert(span_equal(route.domain, span_of(cases[_i].to)));
	config_free(&config);
}
END_TEST

START_TEST(smart_host_takes_the_rest)
{
	struct route route;
	build("smart_host [192.0.2.10] [192.0.2.11]\n");
	static const char *const rest[] = {"a@example.net", "a@[192.0.2.9]", "a@plain.test"};
	for (size_t i = 0; i < 3; i++) {
		decide(rest[i], &route);
		ck_assert_int_eq(route.kind, ROUTE_HOSTS);
		ck_assert_uint_eq(route.hosts->n, 2);
		ck_assert_uint_eq(route.rules[route.rule_count - 1].origin.line, 14);
	}
	ck_assert_int_eq(route.outbound->timeout,
			 7000); /* the block of plain.test, although the smart host is that of the server */
	decide("a@direct.test", &route);
	ck_assert_int_eq(route.kind, ROUTE_MX);
	ck_assert_int_eq(route.outbound->port, 26);
	decide("a@exact.test", &route);
	ck_assert_int_eq(route.hosts->at[0].port, 2525);
	config_free(&config);
}
END_TEST

/* Credentials are those of the block with the hosts, TLS settings those of the block of the domain. */
static const struct {
	const char *rcpt, *security, *credentials, *key;
} blocks[] = {
	{"a@own.test", "remote_domain own.test", "remote_domain own.test",
	 "[192.0.2.4]:25 by remote_domain own.test as remote_domain own.test"},
	{"a@bare.test", "virtual_server", "", "[192.0.2.4]:25"},
	{"a@direct.test", "remote_domain direct.test", "", "mx:direct.test:26 by remote_domain direct.test"},
	{"a@plain.test", "remote_domain plain.test", "virtual_server",
	 "[192.0.2.10]:25 by remote_domain plain.test as virtual_server"},
	{"a@example.net", "virtual_server", "virtual_server", "[192.0.2.10]:25 as virtual_server"},
	{"a@exact.test", "virtual_server", "", "[192.0.2.1]:2525"},
};

START_TEST(blocks_of_a_route)
{
	char security[ROUTE_BLOCK_MAX], credentials[ROUTE_BLOCK_MAX], key[HOP_NAME_MAX];
	struct route route;
	build("smart_host [192.0.2.10]\noutbound { tls verify; auth login; username s; password_file /q }\n");
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		decide(blocks[i].rcpt, &route);
		route_block_format(&route.security, security);
		route_block_format(&route.credentials, credentials);
		hop_name_format(&route, NULL, key);
		ck_assert_str_eq(security, blocks[i].security);
		ck_assert_str_eq(credentials, blocks[i].credentials);
		ck_assert_str_eq(key, blocks[i].key);
	}
	config_free(&config);
}
END_TEST

/* No credentials are sent to hosts that MX or the sender names. */
START_TEST(other_hosts_get_no_credentials)
{
	static const char *const strangers[] = {"a@example.net", "a@[192.0.2.9]", "a@direct.test", "a@plain.test"};
	struct route route;
	static const char *const with[] = {"outbound { tls verify }\n",
					   "smart_host mx.test\noutbound { tls verify }\n"};
	for (size_t i = 0; i < 8; i++) {
		build(with[i / 4]);
		config.servers[0].outbound.auth = CONFIG_AUTH_PLAIN; /* check refuses that */
		decide(strangers[i % 4], &route);
		ck_assert_ptr_null(route.credentials.of);
		config_free(&config);
	}
}
END_TEST

/* Lines begin at 14; remote domains come before them. */
static const char connectors[] =
	"smart_host [192.0.2.10]\n"
	"connector all { route [192.0.2.20]; senders *.example.com example.com }\n"
	"connector net {\n"
	"address_space *.net cost 5\n"
	"address_space big.net cost 9\n"
	"route [192.0.2.21]\n"
	"outbound { tls verify; auth plain; username u; password_file /p }\n"
	"}\n"
	"connector large { address_space *.net cost 4; route [192.0.2.22]; max_message_size 2K }\n"
	"connector dear { address_space *.a.net; route dns; senders joe@example.org <> "
	"}\n"
	"connector most { address_space big.net cost 8; route [192.0.2.24]; senders_refused example.com "
	"joe@example.org }\n"
	"connector test { address_space *.test; route [192.0.2.25] }\n";

static const struct {
	const char *sender, *rcpt;
	uint64_t size;
	const char *to, *security, *credentials;
	unsigned line;
} by_connector[] = {
	{"a@example.com", "a@example.edu", 1, "192.0.2.20", "virtual_server", "", 15},
	{"a@x.EXAMPLE.com", "a@[192.0.2.9]", 1, "192.0.2.20", "virtual_server", "", 15},
	{"a@example.org", "a@example.edu", 1, "192.0.2.10", "virtual_server", "", 14},
	{"", "a@example.edu", 1, "192.0.2.10", "virtual_server", "", 14},
	{"a@example.com", "a@b.net", 3000, "192.0.2.21", "connector net", "connector net", 19},
	{"a@example.com", "a@b.net", 2048, "192.0.2.22", "virtual_server", "", 22},
	{"a@example.com", "a@b.net", 2049, "192.0.2.21", "connector net", "connector net", 19},
	{"a@example.com", "a@big.net", 1, "192.0.2.21", "connector net", "connector net", 19},
	{"a@example.org", "a@BIG.net", 1, "192.0.2.24", "virtual_server", "", 24},
	{"Joe@example.org", "a@big.net", 1, "192.0.2.21", "connector net", "connector net", 19},
	{"joe@example.org", "a@b.a.net", 1, "b.a.net", "virtual_server", "", 23},
	{"", "a@b.a.net", 1, "b.a.net", "virtual_server", "", 23},
	{"a@example.org", "a@b.a.net", 1, "192.0.2.22", "virtual_server", "", 22},
	{"a@example.org", "a@exact.test", 1, "192.0.2.1", "virtual_server", "", 7},
	{"a@example.org", "a@direct.test", 1, "direct.test", "remote_domain direct.test", "", 10},
	{"a@example.org", "a@plain.test", 1, "192.0.2.25", "remote_domain plain.test", "", 25},
	{"a@example.com", "a@sales.example.com", 1, "sales.example.com", "", "", 6},
};

START_TEST(connector_takes_it)
{
	char security[ROUTE_BLOCK_MAX], credentials[ROUTE_BLOCK_MAX];
	struct address sender = {0}, rcpt;
	const char *why;
	struct route route;
	build(connectors);
	if (by_connector[_i].sender[0])
		ck_assert(address_parse(span_of(by_connector[_i].sender), &sender, &why));
	ck_assert(address_parse(span_of(by_connector[_i].rcpt), &rcpt, &why));
	const struct connector_mail mail = {&sender, by_connector[_i].size};
	route_decide(&config.servers[0], &rcpt, &mail, &route);
	struct span to = route.kind == ROUTE_DROP    ? span_of(route.local->name)
			 : route.kind == ROUTE_HOSTS ? span_of(route.hosts->at[0].name)
						     : route.domain;
	ck_assert_msg(span_equal(to, span_of(by_connector[_i].to)), "%.*s", SPAN_ARGS(to));
	route_block_format(&route.security, security);
	route_block_format(&route.credentials, credentials);
	ck_assert_str_eq(security, by_connector[_i].security);
	ck_assert_str_eq(credentials, by_connector[_i].credentials);
	ck_assert_uint_eq(route.rules[route.rule_count - 1].origin.line, by_connector[_i].line);
	config_free(&config);
}
END_TEST

/* The outbound block of a connector applies to its hosts and precedes that of the domain. */
START_TEST(outbound_of_the_connector_comes_first)
{
	const struct address rcpt = {.domain = SPAN("plain.test")};
	char key[HOP_NAME_MAX];
	struct route route;
	build("connector c { route [192.0.2.25]; outbound { tls encrypt } }\n");
	route_decide(&config.servers[0], &rcpt, NULL, &route);
	ck_assert(!route.outbound->use_helo);
	ck_assert_int_eq(route.outbound->tls, CONFIG_TLS_ENCRYPT);
	hop_name_format(&route, NULL, key);
	ck_assert_str_eq(key, "[192.0.2.25]:25 by connector c");
	config_free(&config);
}
END_TEST

/* A connector inherits the outbound settings of the server, but not the credentials. */
START_TEST(connector_inherits_no_credentials)
{
	build("smart_host [192.0.2.10]\n"
	      "outbound { tls verify; auth plain; username u; password_file /p; port 26 }\n"
	      "connector c { address_space *.net; route [192.0.2.25]; outbound { timeout 1m } }\n");
	const struct config_outbound *outbound = &config.servers[0].connectors[0].outbound;
	ck_assert_int_eq(outbound->tls, CONFIG_TLS_VERIFY);
	ck_assert_int_eq(outbound->port, 26);
	ck_assert_int_eq(outbound->timeout, 60000);
	ck_assert_int_eq(outbound->auth, CONFIG_AUTH_OFF);
	ck_assert_ptr_null(outbound->username);
	ck_assert_ptr_null(outbound->password_file);
	config_free(&config);
}
END_TEST

START_TEST(no_domain_name)
{
	struct route route;
	static const char *const bad[] = {"[nonsense]", "a..b", "-x.test-", "[300.1.1.1]"};
	build("");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct address address = {.domain = span_of(bad[i])};
		route_decide(&config.servers[0], &address, NULL, &route);
		ck_assert_msg(route.kind == ROUTE_NONE, "%s", bad[i]);
		ck_assert_ptr_nonnull(route.why);
	}
	config_free(&config);
}
END_TEST

static const char *const competing =
	"smart_host [192.0.2.20]\n"
	"remote_domain *.org { route [192.0.2.21] }\n"
	"connector first { address_space *.net cost 2; route [192.0.2.22]; max_message_size 1M }\n"
	"connector second { address_space *.net cost 2; address_space *.x.net cost 90; route [192.0.2.23] }\n"
	"connector cheap { address_space *.net; route [192.0.2.24]; senders boss@example.com <> }\n"
	"connector small { address_space *.y.net; route [192.0.2.25]; max_message_size 1K }\n"
	"connector other { address_space *.org; route [192.0.2.26]; senders_refused *.example.com u@example.com }\n";

/* Special cases: the cost of an address space that does not count, the null sender, a size at the bound. */
static const struct {
	const char *rcpt, *sender;
	uint64_t size;
	const char *to, *passed; /* "NAME: WHY", in order */
} rivals[] = {
	{"a@b.net", "u@example.com", 1 << 20, "192.0.2.22",
	 "second: connector first is listed before it|cheap: the sender is not in its senders|"
	 "192.0.2.20: connector first takes precedence"},
	{"a@b.net", "u@example.com", (1 << 20) + 1, "192.0.2.23",
	 "first: the message has 1048577 octets, its max_message_size is 1048576|"
	 "cheap: the sender is not in its senders|192.0.2.20: connector second takes precedence"},
	{"a@b.net", "BOSS@EXAMPLE.COM", 1, "192.0.2.24",
	 "first: its cost is 2, that of connector cheap is 1|second: its cost is 2, that of connector cheap is 1|"
	 "192.0.2.20: connector cheap takes precedence"},
	{"a@b.net", "", 1, "192.0.2.24",
	 "first: its cost is 2, that of connector cheap is 1|second: its cost is 2, that of connector cheap is 1|"
	 "192.0.2.20: connector cheap takes precedence"},
	{"a@b.x.net", "", 1, "192.0.2.23",
	 "first: address_space *.x.net of connector second is more specific|"
	 "cheap: address_space *.x.net of connector second is more specific|192.0.2.20: connector second takes "
	 "precedence"},
	{"a@x.net", "u", 1, "192.0.2.22",
	 "second: connector first is listed before it|cheap: the sender is not in its senders|"
	 "192.0.2.20: connector first takes precedence"},
	{"a@b.y.net", "u", 1024, "192.0.2.25",
	 "first: address_space *.y.net of connector small is more specific|"
	 "second: address_space *.y.net of connector small is more specific|cheap: the sender is not in its senders|"
	 "192.0.2.20: connector small takes precedence"},
	{"a@b.y.net", "boss@example.com", 1025, "192.0.2.24",
	 "first: its cost is 2, that of connector cheap is 1|second: its cost is 2, that of connector cheap is 1|"
	 "small: the message has 1025 octets, its max_message_size is 1024|192.0.2.20: connector cheap takes "
	 "precedence"},
	{"a@b.org", "u@sub.example.com", 1, "192.0.2.21",
	 "other: remote_domain *.org has a route|192.0.2.20: remote_domain *.org has a route"},
	{"a@org", "u", 1, "192.0.2.20", ""},
	{"a@x.sub.test", "u", 1, "192.0.2.3",
	 "*.test: remote_domain *.sub.test is more specific|192.0.2.20: remote_domain *.sub.test has a route"},
	{"a@example.com", "u", 1, NULL, "192.0.2.20: mail for local_domain example.com is delivered locally"},
};

START_TEST(other_connectors_have_a_reason)
{
	struct not_taken passed[NOT_TAKEN_MAX];
	struct address rcpt, sender;
	struct route route;
	struct str got;
	const char *why;
	build(competing);
	str_init(&got, 4096);
	ck_assert(address_parse(span_of(rivals[_i].rcpt), &rcpt, &why));
	ck_assert(address_parse(span_of(rivals[_i].sender), &sender, &why));
	const struct connector_mail mail = {&sender, rivals[_i].size};
	route_decide(&config.servers[0], &rcpt, &mail, &route);
	size_t n = not_taken_list(&config.servers[0], &mail, &route, passed);
	for (size_t i = 0; i < n; i++)
		str_printf(&got, "%s%.*s: %s", i ? "|" : "", SPAN_ARGS(passed[i].name), passed[i].why);
	ck_assert_str_eq(route.hosts ? route.hosts->at[0].name : "", rivals[_i].to ? rivals[_i].to : "");
	ck_assert_str_eq(str_text(&got), rivals[_i].passed);
	str_free(&got);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_route");
	TCase *all = tcase_create("route");
	tcase_add_loop_test(all, table, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(all, smart_host_takes_the_rest);
	tcase_add_test(all, blocks_of_a_route);
	tcase_add_test(all, other_hosts_get_no_credentials);
	tcase_add_loop_test(all, connector_takes_it, 0, sizeof(by_connector) / sizeof(by_connector[0]));
	tcase_add_test(all, outbound_of_the_connector_comes_first);
	tcase_add_test(all, connector_inherits_no_credentials);
	tcase_add_test(all, no_domain_name);
	tcase_add_loop_test(all, other_connectors_have_a_reason, 0, (int)(sizeof(rivals) / sizeof(rivals[0])));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
