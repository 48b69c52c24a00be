/* The configuration as its callers see it: text in, values out; the canonical text, and what each role finds in it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/limits.h"
#include "t/unit/suite.h"

static struct config_tree *tree;
static struct config config, child;
static struct config_report report;
static struct str canonical;

static void setup(void)
{
	memset(&report, 0, sizeof(report));
	str_init(&report.text, 1 << 20);
	str_init(&canonical, 1 << 20);
}

static void teardown(void)
{
	config_free(&config);
	config_free(&child);
	config_tree_free(tree);
	tree = NULL;
	str_free(&report.text);
	str_free(&canonical);
}

static void build(const char *text)
{
	tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_ptr_nonnull(tree);
	config_build(tree, "Host.example.com", &config, &report);
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
}

/* The configuration that a child of ROLE for SERVER builds. */
static void to_child(const char *server, unsigned role)
{
	config_free(&child);
	str_clear(&canonical);
	config_tree_write(tree, "Host.example.com", server, role, &canonical);
	ck_assert_msg(config_parse_canonical(str_span(&canonical), &child), "%s", str_text(&canonical));
}

static void assert_ip(const struct ipaddr *ip, const char *text)
{
	char buffer[IPADDR_TEXT_MAX];
	ipaddr_format(ip, buffer);
	ck_assert_str_eq(buffer, text);
}

START_TEST(defaults_are_those_of_the_list)
{
	build("virtual_server default { }");
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

START_TEST(values_of_every_type)
{
	build("user joe\noperators joe @staff\nmailroot_dir //srv//mail/\ndns_server 192.0.2.53 [2001:db8::53]:5353\n"
	      "virtual_server default {\n"
	      "listen 10.0.0.1; listen [2001:db8::1]:2525\n"
	      "fqdn MX.b\303\274cher.example\n"
	      "max_connections 17\n"
	      "connection_timeout 12h\n"
	      "postmaster \"Post.Master@b.example\"\n"
	      "banner \"hello \\\"world\\\" \\\\ \\n;{}#\"\n"
	      "bare_newlines repair\n"
	      "without size CHUNKING\n"
	      "smart_host mx.example.com [mx.example.com]:26 192.0.2.1:27 [192.0.2.2] [2001:db8::2]:28\n"
	      "free_space_floor 3G\n"
	      "messages { max_message_size 500K; max_session_size none; max_messages_per_connection none }\n"
	      "delivery { retry 30s 1m; processes { max 2000 } }\n"
	      "local_domain c.example { drop_quota 10x }\n"
	      "local_domain d.example { drop_quota 7M; drop_dir /srv/d/ }\n"
	      "}\n");
	const struct config_server *server = &config.servers[0];
	ck_assert_str_eq(config.user, "joe");
	ck_assert_str_eq(config.operators.at[1], "@staff");
	ck_assert_str_eq(server->dir, "/srv/mail/default");
	ck_assert_uint_eq(config.dns_server.at[0].port, 53);
	assert_ip(&config.dns_server.at[1].ip, "2001:db8::53");
	ck_assert_uint_eq(config.dns_server.at[1].port, 5353);
	assert_ip(&server->listen.at[0].ip, "10.0.0.1");
	ck_assert_uint_eq(server->listen.at[1].port, 2525);
	ck_assert_str_eq(server->fqdn, "mx.xn--bcher-kva.example");
	ck_assert_int_eq(server->max_connections, 17);
	ck_assert_int_eq(server->connection_timeout, 12 * 3600000);
	ck_assert_str_eq(server->postmaster, "Post.Master@b.example");
	ck_assert_str_eq(server->banner, "hello \"world\" \\ \\n;{}#");
	ck_assert_int_eq(server->bare_newlines, CONFIG_BARE_REPAIR);
	ck_assert_uint_eq(server->without, WITHOUT_SIZE | WITHOUT_CHUNKING);
	ck_assert_int_eq(server->free_space_floor, 3LL << 30);
	ck_assert_int_eq(server->messages.max_message_size, 500 << 10);
	ck_assert_int_eq(server->messages.max_session_size, CONFIG_NONE);
	ck_assert_int_eq(server->messages.max_messages_per_connection, CONFIG_NONE);
	ck_assert_uint_eq(server->delivery.retry.n, 2);
	ck_assert_int_eq(server->delivery.retry.ms[0], 30000);
	ck_assert_int_eq(server->delivery.processes.max, 2000);
	ck_assert_int_eq(server->processes.max, 1000);
	ck_assert_int_eq(server->local_domains[1].drop_quota.multiple, 10);
	ck_assert_int_eq(server->local_domains[1].drop_quota.octets, 0);
	ck_assert_int_eq(server->local_domains[2].drop_quota.octets, 7 << 20);
	ck_assert_str_eq(server->local_domains[2].drop_dir, "/srv/d");
}
END_TEST

/* A log block turns the log on, even an empty one, in every process. */
START_TEST(a_log_block_turns_the_log_on)
{
	static const unsigned roles[] = {ROLE_SMTPD, ROLE_DELIVERY, ROLE_LOG, ROLE_MASTER};
	build("log_dir /srv/logs\nvirtual_server one { }\nvirtual_server two { listen *:26; fqdn b.example; log { } }\n"
	      "virtual_server three { listen *:27; fqdn c.example; log { format off; period 20M } }\n"
	      "virtual_server four { listen *:28; fqdn d.example\n"
	      "log { format json; period weekly; dir /srv/four; local_time yes } }\n");
	ck_assert_int_eq(config.servers[0].log.format, CONFIG_LOG_OFF);
	ck_assert_int_eq(config.servers[1].log.format, CONFIG_LOG_W3C);
	ck_assert_str_eq(config.servers[1].log.dir, "/srv/logs/two");
	ck_assert_int_eq(config.servers[1].log.period.kind, CONFIG_PERIOD_DAILY);
	ck_assert_int_eq(config.servers[2].log.format, CONFIG_LOG_OFF);
	ck_assert_int_eq(config.servers[2].log.period.octets, 20 << 20);
	ck_assert_int_eq(config.servers[3].log.format, CONFIG_LOG_JSON);
	ck_assert_str_eq(config.servers[3].log.dir, "/srv/four");
	ck_assert(config.servers[3].log.local_time);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		to_child("two", roles[i]);
		ck_assert_int_eq(child.servers[0].log.format, CONFIG_LOG_W3C);
	}
	to_child("four", ROLE_LOG);
	ck_assert_int_eq(child.servers[0].log.period.kind, CONFIG_PERIOD_WEEKLY);
	to_child("two", ROLE_LOG);
	ck_assert_str_eq(child.servers[0].log.dir, "/srv/logs/two");
}
END_TEST

START_TEST(hosts_have_their_kind)
{
	build("virtual_server default { smart_host mx.Example.com [mx.example.com]:26 192.0.2.1:27 [2001:db8::2]:28 }");
	static const struct {
		enum config_host_kind kind;
		const char *name;
		uint16_t port;
	} wanted[] = {{CONFIG_HOST_MX, "mx.example.com", 0},
		      {CONFIG_HOST_NAME, "mx.example.com", 26},
		      {CONFIG_HOST_IP, "192.0.2.1", 27},
		      {CONFIG_HOST_IP, "2001:db8::2", 28}};
	const struct config_hosts *hosts = &config.servers[0].smart_host;
	ck_assert_uint_eq(hosts->n, 4);
	for (size_t i = 0; i < hosts->n; i++) {
		ck_assert_int_eq(hosts->at[i].kind, wanted[i].kind);
		ck_assert_str_eq(hosts->at[i].name, wanted[i].name);
		ck_assert_uint_eq(hosts->at[i].port, wanted[i].port);
	}
	assert_ip(&hosts->at[3].ip, "2001:db8::2");
}
END_TEST

/* The first mention replaces the default, further ones add; none is empty. */
START_TEST(lists_add_up)
{
	build("operators none\nvirtual_server default {\nlisten 10.0.0.1\nlisten 10.0.0.2\n"
	      "relay { list 10.0.0.0/8 192.0.2.1\nlist 10.0.0.0/255.0.0.0 }\ndelivery { retry 1m } }");
	const struct config_server *server = &config.servers[0];
	ck_assert_uint_eq(config.operators.n, 0);
	ck_assert_uint_eq(config.operators_at.line, 1);
	ck_assert_uint_eq(server->listen.n, 2);
	ck_assert_uint_eq(server->delivery.retry.n, 1);
	ck_assert_uint_eq(server->relay.list.n, 3);
	ck_assert_uint_eq(server->relay.list.at[0].net.bits, 104);
	ck_assert_uint_eq(server->relay.list.at[1].net.bits, 128);
	ck_assert_uint_eq(server->relay.list.at[2].net.bits, 104);
	ck_assert_uint_eq(server->relay.list.at[2].origin.line, 6);
	ck_assert_str_eq(server->relay.list.at[2].text, "10.0.0.0/255.0.0.0");
}
END_TEST

START_TEST(outbound_of_a_remote_domain_inherits_one_by_one)
{
	build("virtual_server default {\nremote_domain a.example { outbound { port 26 } }\nremote_domain b.example { "
	      "}\n"
	      "outbound { timeout 5m; port 27 }\n}");
	const struct config_server *server = &config.servers[0];
	const struct config_outbound *a = &server->remote_domains[0].outbound, *b = &server->remote_domains[1].outbound;
	ck_assert_int_eq(a->port, 26);
	ck_assert_uint_eq(a->port_at.line, 2);
	ck_assert_int_eq(a->timeout, 300000);
	ck_assert_uint_eq(a->timeout_at.line, 4);
	ck_assert_int_eq(b->port, 27);
	ck_assert(!b->use_helo);
}
END_TEST

START_TEST(default_domain_is_the_first_local_domain)
{
	build("virtual_server default {\nlocal_domain a.example { }\nlocal_domain B.example { drop_dir /srv/b }\n"
	      "default_domain b.EXAMPLE }");
	const struct config_server *server = &config.servers[0];
	ck_assert_uint_eq(server->local_domain_count, 2);
	ck_assert_str_eq(server->default_domain, "b.example");
	ck_assert_str_eq(server->local_domains[0].name, "b.example");
	ck_assert_str_eq(server->local_domains[0].drop_dir, "/srv/b");
	ck_assert_uint_eq(server->local_domains[0].origin.line, 3);
	ck_assert_str_eq(server->local_domains[1].name, "a.example");
}
END_TEST

START_TEST(remote_domains_stand_in_the_order_of_matching)
{
	static const char *const wanted[] = {"b.example", "x.y.z.example", "*.y.z.example", "*.example", "*"};
	build("virtual_server default { remote_domain *; remote_domain *.example\nremote_domain b.example\n"
	      "remote_domain *.y.z.example { route dns }; remote_domain x.y.z.example }");
	const struct config_server *server = &config.servers[0];
	ck_assert_uint_eq(server->remote_domain_count, 5);
	for (size_t i = 0; i < 2; i++)
		ck_assert_ptr_null(strchr(server->remote_domains[i].name, '*'));
	for (size_t i = 2; i < 5; i++)
		ck_assert_str_eq(server->remote_domains[i].name, wanted[i]);
	ck_assert(server->remote_domains[2].route.dns);
}
END_TEST

static const struct {
	const char *domain, *found; /* NULL = none */
} best_fits[] = {
	{"b.example", "b.example"},
	{"B.Example", "b.example"},
	{"a.b.example", "*.example"},
	{"x.y.z.example", "x.y.z.example"},
	{"w.y.z.example", "*.y.z.example"},
	{"w.w.y.z.example", "*.y.z.example"},
	{"y.z.example", "*.example"},
	{"example", NULL},
	{"b.example.net", NULL},
	{"", NULL},
};

START_TEST(the_best_matching_remote_domain_is_found)
{
	build("virtual_server default { remote_domain *.example\nremote_domain b.example\n"
	      "remote_domain *.y.z.example; remote_domain x.y.z.example }");
	const struct config_remote_domain *found =
		config_remote_domain_find(&config.servers[0], span_of(best_fits[_i].domain));
	ck_assert_pstr_eq(found ? found->name : NULL, best_fits[_i].found);
}
END_TEST

START_TEST(server_is_found_without_regard_to_case)
{
	build("virtual_server Printers { }");
	ck_assert_ptr_eq(config_server_find(&config, SPAN("printers")), &config.servers[0]);
	ck_assert_ptr_null(config_server_find(&config, SPAN("printer")));
}
END_TEST

static const char two_servers[] = "user joe\n"
				  "dns_server 192.0.2.53\n"
				  "virtual_server one {\n"
				  "  banner \"two words \\\" ; }\"\n"
				  "  relay { list 10.0.0.0/8;\n"
				  "    list 192.0.2.0/24 }\n"
				  "  smart_host [192.0.2.10]\n"
				  "  local_domain a.example { drop_dir \"/srv/a b\" }\n"
				  "  remote_domain *.b.example { relay yes; route [10.0.0.9]; outbound { port 26 } }\n"
				  "}\n"
				  "virtual_server two { listen *:26; fqdn two.example; relay { list 10.9.9.9 } }\n";

START_TEST(each_role_sees_what_is_its_own)
{
	build(two_servers);
	to_child("one", ROLE_SMTPD);
	ck_assert_uint_eq(child.server_count, 1);
	const struct config_server *server = &child.servers[0];
	ck_assert_str_eq(server->banner, "two words \" ; }");
	ck_assert_uint_eq(server->relay.list.n, 2);
	ck_assert_uint_eq(server->smart_host.n, 0);
	ck_assert(server->remote_domains[0].relay);
	ck_assert_uint_eq(server->remote_domains[0].route.hosts.n, 0);
	ck_assert_ptr_null(strstr(str_text(&canonical), "192.0.2.10"));
	ck_assert_ptr_null(strstr(str_text(&canonical), "/srv/a"));
	ck_assert_ptr_null(strstr(str_text(&canonical), "10.9.9.9"));
	to_child("ONE", ROLE_QUEUE);
	server = &child.servers[0];
	ck_assert_uint_eq(server->relay.list.n, 0);
	ck_assert_uint_eq(server->smart_host.n, 1);
	ck_assert_str_eq(server->local_domains[1].drop_dir, "/srv/a b");
	ck_assert_int_eq(server->remote_domains[0].outbound.port, 26);
	ck_assert_uint_eq(child.dns_server.n, 0);
	to_child("two", ROLE_RESOLVER);
	ck_assert_str_eq(child.servers[0].fqdn, "two.example");
	ck_assert_uint_eq(child.dns_server.n, 1);
	to_child(NULL, ROLE_ALL);
	ck_assert_uint_eq(child.server_count, 2);
}
END_TEST

START_TEST(origins_survive)
{
	build(two_servers);
	to_child("one", ROLE_SMTPD);
	const struct config_server *server = &child.servers[0];
	ck_assert_str_eq(child.user_at.file, "test.conf");
	ck_assert_uint_eq(child.user_at.line, 1);
	ck_assert_uint_eq(server->origin.line, 3);
	ck_assert_uint_eq(server->banner_at.line, 4);
	ck_assert_uint_eq(server->relay.list.at[0].origin.line, 5);
	ck_assert_uint_eq(server->relay.list.at[1].origin.line, 6);
	ck_assert_uint_eq(server->remote_domains[0].relay_at.line, 9);
	ck_assert_str_eq(server->remote_domains[0].relay_at.file, "test.conf");
	ck_assert_str_eq(server->fqdn, "host.example.com");
	ck_assert_ptr_null(server->fqdn_at.file);
	ck_assert_uint_eq(server->fqdn_at.line, 0);
	ck_assert_uint_eq(server->enabled_at.line, 0);
}
END_TEST

START_TEST(canonical_text_has_only_what_the_role_may_see)
{
	ck_assert(!config_parse_canonical(SPAN("virtual_server one {"), &child));
	config_free(&child);
	ck_assert(!config_parse_canonical(SPAN("include /etc/passwd"), &child));
	config_free(&child);
	ck_assert(!config_parse_canonical(SPAN("virtual_server one { fqdn a.example; frob 1 }"), &child));
	config_free(&child);
	ck_assert(!config_parse_canonical(SPAN("virtual_server one { }"), &child));
	config_free(&child);
	ck_assert(config_parse_canonical(SPAN("#line 7 \"a\"\nvirtual_server one { fqdn a.example }"), &child));
	ck_assert_uint_eq(child.servers[0].origin.line, 7);
}
END_TEST

/* Children must be able to read what master accepts: the largest number of words, and an fqdn for each server. */
START_TEST(largest_configuration_reaches_the_child)
{
	struct str text;
	str_init(&text, 4 << 20);
	for (int i = 1; i < CONFIG_SERVERS_MAX; i++)
		str_printf(&text, "virtual_server s%d { listen *:%d }\n", i, 1000 + i);
	str_append_text(&text, "virtual_server last {\n");
	for (int i = 0; i < 49000; i++)
		str_printf(&text, "alias_domain d%d.example\n", i);
	str_append_text(&text, "}\n");
	tree = config_read_text("test.conf", str_span(&text), &report);
	ck_assert(config_build(tree, "host.example.com", &config, &report));
	str_free(&text);
	str_free(&canonical);
	str_init(&canonical, 16 << 20);
	config_tree_write(tree, "host.example.com", NULL, ROLE_ALL, &canonical);
	ck_assert(config_parse_canonical(str_span(&canonical), &child));
	ck_assert_uint_eq(child.server_count, CONFIG_SERVERS_MAX);
	ck_assert_uint_eq(child.servers[CONFIG_SERVERS_MAX - 1].alias_domain_count, 49000);
}
END_TEST

/* Only in a canonical text do #line comments set the origin. */
START_TEST(line_marks_in_a_file_are_comments)
{
	build("#line 99 \"forged\"\nvirtual_server one { }");
	ck_assert_uint_eq(config.servers[0].origin.line, 2);
	ck_assert_str_eq(config.servers[0].origin.file, "test.conf");
}
END_TEST

START_TEST(host_without_a_proper_name_needs_fqdn)
{
	tree = config_read_text("test.conf", SPAN("virtual_server one { }"), &report);
	ck_assert(!config_build(tree, "(none)", &config, &report));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:1:1: error: fqdn is missing"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("values");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults_are_those_of_the_list);
	tcase_add_test(tcase, values_of_every_type);
	tcase_add_test(tcase, a_log_block_turns_the_log_on);
	tcase_add_test(tcase, hosts_have_their_kind);
	tcase_add_test(tcase, lists_add_up);
	tcase_add_test(tcase, outbound_of_a_remote_domain_inherits_one_by_one);
	tcase_add_test(tcase, default_domain_is_the_first_local_domain);
	tcase_add_test(tcase, remote_domains_stand_in_the_order_of_matching);
	tcase_add_loop_test(tcase, the_best_matching_remote_domain_is_found, 0,
			    sizeof(best_fits) / sizeof(best_fits[0]));
	tcase_add_test(tcase, server_is_found_without_regard_to_case);
	tcase_add_test(tcase, host_without_a_proper_name_needs_fqdn);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("canonical");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_role_sees_what_is_its_own);
	tcase_add_test(tcase, origins_survive);
	tcase_add_test(tcase, canonical_text_has_only_what_the_role_may_see);
	tcase_add_test(tcase, largest_configuration_reaches_the_child);
	tcase_add_test(tcase, line_marks_in_a_file_are_comments);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
