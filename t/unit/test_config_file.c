/* Files of the configuration: includes, their bounds, and files that are refused. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/config/config.h"
#include "t/unit/suite.h"

static char folder[64];
static struct config config;
static struct config_report report;

static const char *path_of(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
	fd_close(&fd);
}

static void read_config(const char *name)
{
	struct config_tree *tree = config_read(path_of(name), &report);
	ck_assert_ptr_nonnull(tree);
	config_build(tree, "host.example.com", &config, &report);
	config_tree_free(tree);
}

static void wants(const char *text)
{
	ck_assert_msg(strstr(str_text(&report.text), text) != NULL, "wanted %s in\n%s", text, str_text(&report.text));
}

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	memset(&report, 0, sizeof(report));
	str_init(&report.text, 1 << 20);
}

static void teardown(void)
{
	char command[128];
	config_free(&config);
	str_free(&report.text);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

/* UTF-16 of PowerShell (>) and Notepad ("Unicode"): one error with the remedy, in the file itself and in an included
 * one. */
START_TEST(utf16_is_one_error)
{
	static const char texts[][8] = {
		{'\xff', '\xfe', 'f', 0, 'q', 0},
		{'\xfe', '\xff', 0, 'f', 0, 'q'},
		"f\0q\0d\0n",
		"\0f\0q\0d",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = open(path_of("main.conf"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		ck_assert_int_eq(fd_write_all(fd, (struct span){texts[i], 6}), 0);
		fd_close(&fd);
		read_config("main.conf");
		wants("it is UTF-16: save it as ASCII or UTF-8");
		ck_assert_uint_eq(report.errors, i + 1);
		config_free(&config);
	}
	write_file("outer.conf", "virtual_server default { }\ninclude main.conf\n");
	read_config("outer.conf");
	ck_assert_uint_eq(report.errors, sizeof(texts) / sizeof(texts[0]) + 1);
}
END_TEST

START_TEST(include_stands_for_the_text_at_any_level)
{
	ck_assert_int_eq(mkdir(path_of("conf.d"), 0700), 0);
	write_file("main.conf", "virtual_server one {\n include conf.d/shared.conf\n}\n"
				"virtual_server two {\n listen *:26; include \"conf.d/shared.conf\"\n fqdn b.example\n"
				" default_domain c.example; local_domain c.example { drop_dir /srv/c }\n}\n");
	write_file("conf.d/shared.conf", "connection_timeout 5m\ninclude limits.conf\n");
	write_file("conf.d/limits.conf", "\nmessages { max_recipients 7 }");
	read_config("main.conf");
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(config.servers[i].connection_timeout, 300000);
		ck_assert_int_eq(config.servers[i].messages.max_recipients, 7);
		ck_assert_str_eq(config.servers[i].messages.max_recipients_at.file, path_of("conf.d/limits.conf"));
		ck_assert_uint_eq(config.servers[i].messages.max_recipients_at.line, 2);
	}
	ck_assert_str_eq(config.servers[1].fqdn_at.file, path_of("main.conf"));
	ck_assert_uint_eq(config.servers[1].fqdn_at.line, 6);
}
END_TEST

/* Files are sorted, so that a list has an order; hidden files do not match; no match is no error. */
START_TEST(pattern_takes_files_in_order)
{
	write_file("main.conf", "virtual_server one { relay {\n include *.list\n include none*.list\n} }\n");
	write_file("20.list", "list 10.0.0.2");
	write_file("10.list", "list 10.0.0.1");
	write_file("30.list", "list 10.0.0.3");
	write_file(".40.list", "list 10.0.0.4");
	read_config("main.conf");
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	const struct config_clients *list = &config.servers[0].relay.list;
	ck_assert_uint_eq(list->n, 3);
	ck_assert_str_eq(list->at[0].text, "10.0.0.1");
	ck_assert_str_eq(list->at[2].text, "10.0.0.3");
	ck_assert_str_eq(list->at[1].origin.file, path_of("20.list"));
}
END_TEST

START_TEST(folder_with_special_name_is_no_pattern)
{
	ck_assert_int_eq(mkdir(path_of("a[b]*"), 0700), 0);
	write_file("main.conf", "include a[b]*/x.conf\ninclude \"a[[]b]*/x.conf\"");
	write_file("a[b]*/x.conf", "include *.inc");
	write_file("a[b]*/y.inc", "virtual_server one { }");
	read_config("main.conf");
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	ck_assert_uint_eq(config.server_count, 1);
}
END_TEST

START_TEST(missing_files_are_errors_at_their_include)
{
	write_file("main.conf", "virtual_server one {\n  include gone.conf\n}\n");
	read_config("main.conf");
	ck_assert_uint_eq(report.errors, 1);
	wants("main.conf:2:11: error: can't read ");
	wants("gone.conf: No such file or directory");
}
END_TEST

START_TEST(missing_main_file_is_one_error)
{
	read_config("gone.conf");
	ck_assert_uint_eq(report.errors, 1);
	wants("gone.conf: No such file or directory");
}
END_TEST

START_TEST(include_loop_is_found)
{
	write_file("main.conf", "include ./b.conf\nvirtual_server one { }");
	write_file("b.conf", "\ninclude c.conf");
	ck_assert_int_eq(symlink("main.conf", path_of("link.conf")), 0);
	write_file("c.conf", "include link.conf");
	read_config("main.conf");
	ck_assert_uint_eq(report.errors, 1);
	wants("c.conf:1:9: error: can't read ");
	wants("it includes itself");
}
END_TEST

START_TEST(depth_is_bounded)
{
	char name[16], text[32];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include %d.conf", i + 1);
		write_file(name, text);
	}
	read_config("0.conf");
	wants("16.conf:1:9: error: includes more than 16 deep");
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
	write_file("main.conf", "include fifo\ninclude /dev/null\ninclude .\nvirtual_server one { }");
	read_config("main.conf");
	ck_assert_uint_eq(report.errors, 3);
	wants("main.conf:1:9: error: can't read ");
	wants("it is not a regular file");
}
END_TEST

START_TEST(size_is_bounded)
{
	write_file("main.conf", "include large.conf\nvirtual_server one { }");
	write_file("large.conf", "#");
	ck_assert_int_eq(truncate(path_of("large.conf"), (4 << 20) + 1), 0);
	read_config("main.conf");
	wants("large.conf: it is too large");
}
END_TEST

/* Blocks are closed in the file that opened them; otherwise a mistake in one file would change the meaning of
 * others. */
START_TEST(files_close_their_blocks)
{
	write_file("main.conf", "virtual_server one {\ninclude a.conf\ninclude b.conf\n}\n");
	write_file("a.conf", "relay {\n");
	write_file("b.conf", "}\n");
	read_config("main.conf");
	ck_assert_uint_eq(report.errors, 2);
	wants("a.conf:1:7: error: this { is not closed in its file");
	wants("b.conf:1:1: error: this } has no { in its file");
}
END_TEST

START_TEST(control_characters_in_names_of_files_are_refused)
{
	write_file("main.conf", "include *.inc\nvirtual_server one { }");
	write_file("a\nfqdn evil.example\n.inc", "");
	read_config("main.conf");
	ck_assert_uint_eq(report.errors, 1);
	wants("the name has control characters");
}
END_TEST

START_TEST(words_are_bounded)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_append_text(&text, "virtual_server one { }\n");
	for (int i = 0; i < 50000; i++)
		str_append_text(&text, "user x\n");
	write_file("main.conf", str_text(&text));
	str_free(&text);
	read_config("main.conf");
	wants("error: more than 100000 words in one configuration");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config file");
	TCase *tcase = tcase_create("file");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, utf16_is_one_error);
	tcase_add_test(tcase, include_stands_for_the_text_at_any_level);
	tcase_add_test(tcase, pattern_takes_files_in_order);
	tcase_add_test(tcase, folder_with_special_name_is_no_pattern);
	tcase_add_test(tcase, missing_files_are_errors_at_their_include);
	tcase_add_test(tcase, missing_main_file_is_one_error);
	tcase_add_test(tcase, include_loop_is_found);
	tcase_add_test(tcase, depth_is_bounded);
	tcase_add_test(tcase, only_regular_files_are_read);
	tcase_add_test(tcase, size_is_bounded);
	tcase_add_test(tcase, files_close_their_blocks);
	tcase_add_test(tcase, control_characters_in_names_of_files_are_refused);
	tcase_add_test(tcase, words_are_bounded);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
