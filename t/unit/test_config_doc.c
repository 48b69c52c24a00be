/* What is generated from settings.def: the files in etc/, the text of one setting, and config show. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/config/config.h"
#include "common/config/doc.h"
#include "common/config/table.h"
#include "t/unit/suite.h"

static struct str text, made, again;
static struct config_report report;
static struct config config;

static void setup(void)
{
	str_init(&text, 1 << 20);
	str_init(&made, 1 << 20);
	str_init(&again, 1 << 20);
	memset(&report, 0, sizeof(report));
	str_init(&report.text, 1 << 20);
}

static void teardown(void)
{
	config_free(&config);
	str_free(&text);
	str_free(&made);
	str_free(&again);
	str_free(&report.text);
}

static void read_copy(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s can't be read", path);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	fd_close(&fd);
}

static void build(struct span from)
{
	struct config_tree *tree = config_read_text("test.conf", from, &report);
	ck_assert_ptr_nonnull(tree);
	config_free(&config);
	config_build(tree, "host.example.com", &config, &report);
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	config_tree_free(tree);
}

START_TEST(example_is_current)
{
	read_copy(SOURCE_DIR "/etc/mailroot.conf");
	config_doc_example(&made);
	ck_assert_msg(!strcmp(str_text(&text), str_text(&made)), "etc/mailroot.conf is old: run `ninja docs`");
}
END_TEST

START_TEST(man_page_is_current)
{
	static const char begin[] = ".\\\" BEGIN made from settings.def\n",
			  end[] = ".\\\" END made from settings.def\n";
	read_copy(SOURCE_DIR "/etc/mailroot.conf.5");
	const char *from = strstr(str_text(&text), begin);
	ck_assert_ptr_nonnull(from);
	from += strlen(begin);
	config_doc_man(&made);
	ck_assert_msg(!strncmp(from, str_text(&made), made.len) && !strncmp(from + made.len, end, strlen(end)),
		      "etc/mailroot.conf.5 is old: run `ninja docs`");
}
END_TEST

/* The shipped file is a valid configuration, which relays only for loopback. */
START_TEST(example_is_good)
{
	config_doc_example(&made);
	build(str_span(&made));
	ck_assert_uint_eq(report.warnings, 0);
	const struct config_server *server = &config.servers[0];
	ck_assert_str_eq(server->name, "default");
	ck_assert_uint_eq(server->relay.list.n, 2);
	for (size_t i = 0; i < server->relay.list.n; i++)
		ck_assert(ipaddr_is_loopback(&server->relay.list.at[i].net.base) ||
			  server->relay.list.at[i].net.bits == 104);
	ck_assert_int_eq(server->messages.max_message_size, 35 << 20);
	ck_assert_int_eq(server->messages.max_session_size, CONFIG_NONE);
}
END_TEST

/*
 * What stands in for lines of the example beside which other settings of it would be refused; NULL = the line is left
 * out. WITH_TOKEN: hosts are shown an access token, otherwise a password.
 */
static const struct {
	const char *line, *with_password, *with_token;
} others[] = {
	{"tls opportunistic", "tls verify", "tls verify"},
	{"auth off", "auth login", "auth xoauth2"},
	{"users none", "users *", "users *"},
	{"smart_host none", "smart_host [192.0.2.1]", "smart_host [192.0.2.1]"},
	{"route dns", "route [192.0.2.2]", "route [192.0.2.2]"},
	{"address_space *", "address_space partner.example", "address_space partner.example"},
	{"password_file /etc/mailroot/password", "password_file /p", NULL},
	{"provider other", NULL, "provider microsoft365"},
	{"grant auto", NULL, "grant refresh"},
	{"assertion ps256", NULL, NULL},
	{"service_account_file /etc/mailroot/google.json", NULL, NULL},
};

/* The settings of blocks about tokens. In a block oauth a certificate would stand beside a secret. */
static bool fits(struct span setting, bool in_tokens, bool with_token)
{
	return !in_tokens || (with_token && !span_starts(setting, SPAN("client_certificate")));
}

static struct span fitting(struct span setting, bool in_tokens, bool with_token)
{
	if (!fits(setting, in_tokens, with_token))
		return SPAN("");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const char *other = with_token ? others[i].with_token : others[i].with_password;
		if (span_equal(setting, span_of(others[i].line)))
			return other ? span_of(other) : SPAN("");
	}
	return setting;
}

/* Builds the example with all its settings in force, and shows it in `again`. The number of settings. */
static size_t show_all(bool with_token)
{
	struct span rest, line;
	size_t settings = 0;
	bool in_tokens = false;
	str_clear(&text);
	str_clear(&again);
	for (rest = str_span(&made); span_line(&rest, &line);) {
		struct span trimmed = span_trim(line);
		bool setting = span_starts(trimmed, SPAN("#")) && trimmed.len > 1 && trimmed.at[1] != ' ';
		bool live = !span_starts(trimmed, SPAN("#"));
		bool shipped = live && span_find(trimmed, '{') == trimmed.len && !span_equal(trimmed, SPAN("}"));
		struct span word = span_skip(trimmed, setting);
		bool begins = span_equal(word, SPAN("oauth {")) || span_equal(word, SPAN("web {"));
		in_tokens = in_tokens && !span_equal(word, SPAN("}"));
		if (!shipped) {
			str_append(&text, setting && !begins ? fitting(word, in_tokens, with_token) : word);
			str_append_c(&text, '\n');
			settings += setting;
		}
		in_tokens = in_tokens || begins;
	}
	build(str_span(&text));
	config_show(&config, &again);
	return settings;
}

/* NAME has no value in `again`. */
static bool is_missing(const char *name)
{
	char words[128];
	snprintf(words, sizeof(words), "# %s is not set", name);
	return strstr(str_text(&again), words) != NULL;
}

/*
 * A # before a name without a blank is a setting: with all of them in force it is still good, and none is left out but
 * those that stand for the secret of an application, and the recipients of the default domain, which has no block.
 */
START_TEST(every_setting_of_the_example_works)
{
	static bool missing[1000];
	config_doc_example(&made);
	for (int with_token = 0; with_token < 2; with_token++) {
		ck_assert_uint_ge(show_all(with_token), config_setting_count);
		for (size_t i = 0; i < config_setting_count; i++)
			missing[i] = (missing[i] || !with_token) && is_missing(config_settings[i].name);
	}
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		char wanted[128];
		snprintf(wanted, sizeof(wanted), "#%s ", setting->name);
		ck_assert_msg(strstr(str_text(&made), wanted) != NULL, "%s is not in the example", setting->name);
		bool other = !strcmp(setting->name, "client_certificate") ||
			     !strcmp(setting->name, "service_account_file") || !strcmp(setting->name, "recipients");
		ck_assert_msg(!missing[i] || other, "%s is not set", setting->name);
	}
}
END_TEST

START_TEST(every_setting_is_documented)
{
	for (size_t i = 0; i < config_setting_count; i++) {
		str_clear(&text);
		ck_assert(config_doc_text(config_settings[i].name, &text));
		ck_assert_ptr_nonnull(strstr(str_text(&text), config_settings[i].name));
		ck_assert_ptr_nonnull(strstr(str_text(&text), "A change takes effect"));
		ck_assert_uint_gt(strlen(config_settings[i].doc), 10);
	}
	str_clear(&text);
	ck_assert(!config_doc_text("frobnicate", &text));
	ck_assert_uint_eq(text.len, 0);
	ck_assert(config_doc_text("RELAY", &text));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "open_relay_intended"));
	ck_assert_ptr_null(strstr(str_text(&text), "max_message_size"));
}
END_TEST

static const char sample[] = "virtual_server one {\n"
			     "  banner \"a \\\"b\\\" \\\\ ; { } # c\"\n"
			     "  listen 10.0.0.1; listen [::1]:2525\n"
			     "  relay { list 10.0.0.0/8 192.0.2.1 }\n"
			     "  without pipelining size\n"
			     "  smart_host a.example [b.example]:26 [192.0.2.1] [2001:db8::1]:27\n"
			     "  connection_timeout 90s; delivery { retry 90m 1d; expire 36h }\n"
			     "  free_space_floor 1536K\n"
			     "  messages { max_session_size none }\n"
			     "  local_domain a.example { drop_quota 3x; drop_dir \"/srv/a b\" }\n"
			     "  alias_domain c.example\n"
			     "  remote_domain *.d.example { route dns; outbound { port 26; rate 120/120s } }\n"
			     "  remote_domain e.example { relay yes; route 10.0.0.9 }\n"
			     "}\n";

START_TEST(show_says_value_and_origin)
{
	build(SPAN(sample));
	config_show(&config, &text);
	static const char *const wanted[] = {
		"    banner \"a \\\"b\\\" \\\\ ; { } # c\"",
		"    listen [::1]:2525                            # test.conf:3\n",
		"    fqdn host.example.com                        # default\n",
		"        retry 90m 1d                             # test.conf:7\n",
		"            rate 120/2m ",
		"        expire 36h                               # test.conf:7\n",
		"    connection_timeout 90s ",
		"    free_space_floor 1536K ",
		"    smart_host a.example [b.example]:26 [192.0.2.1] [2001:db8::1]:27 # test.conf:6\n",
		"        max_session_size none "};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_msg(strstr(str_text(&text), wanted[i]) != NULL, "no %s in\n%s", wanted[i], str_text(&text));
}
END_TEST

/* TEXT without what follows the last " # " of each line, in place. */
static void drop_origins(struct str *from)
{
	struct str to;
	struct span rest = str_span(from), line;
	str_init(&to, 1 << 20);
	while (span_line(&rest, &line)) {
		const char *mark = memrchr(line.at, '#', line.len);
		str_append(&to, (struct span){line.at, mark ? (size_t)(mark - line.at) : line.len});
		str_append_c(&to, '\n');
	}
	str_free(from);
	*from = to;
}

START_TEST(show_is_a_configuration_with_the_same_values)
{
	build(SPAN(sample));
	config_show(&config, &text);
	build(str_span(&text));
	config_show(&config, &again);
	drop_origins(&text);
	drop_origins(&again);
	ck_assert_str_eq(str_text(&text), str_text(&again));
}
END_TEST

START_TEST(show_as_json)
{
	build(SPAN(sample));
	config_show_json(&config, &text);
	static const char *const wanted[] = {
		"[\n {\"block\":\"\",\"name\":\"user\",\"value\":\"mailroot\",\"file\":null,\"line\":0},\n",
		" {\"block\":\"virtual_server one\",\"name\":\"banner\",\"value\":\"\\\"a \\\\\\\"b\\\\\\\" \\\\\\\\ ; "
		"{ } # c\\\"\",",
		" {\"block\":\"virtual_server one/remote_domain "
		"*.d.example/outbound\",\"name\":\"port\",\"value\":\"26\","
		"\"file\":\"test.conf\",\"line\":12},\n",
		"\"name\":\"dns_server\",\"value\":\"none\"",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_msg(strstr(str_text(&text), wanted[i]) != NULL, "no %s in\n%s", wanted[i], str_text(&text));
	ck_assert(span_ends_nocase(str_span(&text), SPAN("}\n]\n")));
}
END_TEST

START_TEST(lines_of_both_languages_fit)
{
	static const char word[] = "規則、";
	struct str sentence;
	str_init(&sentence, 4096);
	for (int i = 0; i < 40; i++)
		str_append_text(&sentence, word);
	str_clear(&text);
	config_doc_wrapped(&text, 4, "", str_span(&sentence));
	str_clear(&sentence);
	str_append_text(&sentence, "    ");
	for (int i = 0; i < 16; i++)
		str_append_text(&sentence, word);
	str_append_c(&sentence, '\n');
	ck_assert(span_starts(str_span(&text), str_span(&sentence)));

	str_clear(&sentence);
	for (int i = 0; i < 40; i++)
		str_append_text(&sentence, "four ");
	str_clear(&text);
	config_doc_wrapped(&text, 4, "# ", span_trim(str_span(&sentence)));
	ck_assert_uint_eq(span_find(str_span(&text), '\n'), 4 + 2 + 18 * 5 + 4);
	str_free(&sentence);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config doc");
	TCase *tcase = tcase_create("doc");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, example_is_current);
	tcase_add_test(tcase, man_page_is_current);
	tcase_add_test(tcase, example_is_good);
	tcase_add_test(tcase, every_setting_of_the_example_works);
	tcase_add_test(tcase, every_setting_is_documented);
	tcase_add_test(tcase, show_says_value_and_origin);
	tcase_add_test(tcase, show_is_a_configuration_with_the_same_values);
	tcase_add_test(tcase, show_as_json);
	tcase_add_test(tcase, lines_of_both_languages_fit);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
