/* Where the keys of a domain are, and which selector comes next. */
#include "ctl/dkim/keyplace.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

enum { IN_2026 = 1790000000 };

static char folder[64], file[128], keys[128];
static struct loaded loaded;
static struct ctl ctl;

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
	fd_close(&fd);
}

static void setup(void)
{
	strcpy(folder, "/tmp/test_keyplace.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/mailroot.conf", folder);
	snprintf(keys, sizeof(keys), "%s/dkim", folder);
	ck_assert_int_eq(mkdir(keys, 0755), 0);
	ctl = (struct ctl){.options = {.file = file, .server = ""}};
}

static void teardown(void)
{
	char command[200];
	loaded_free(&loaded);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static struct keyplace place_of(const char *conf, const char *domain)
{
	struct keyplace place;
	int status;
	write_text(file, conf);
	loaded_free(&loaded);
	loaded_read(file, &loaded);
	ck_assert_msg(loaded.good, "%s", str_text(&loaded.report.text));
	ck_assert(keyplace_find(&ctl, &loaded.config, domain, &place, &status));
	return place;
}

static void make(const char *name, time_t made)
{
	char path[300];
	const struct timespec times[2] = {{.tv_sec = made}, {.tv_sec = made}};
	snprintf(path, sizeof(path), "%s/%s", keys, name);
	write_text(path, "");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define BLOCK(selector, path) "virtual_server a { dkim example.com { selector " selector " " path " } }\n"

START_TEST(a_new_domain_has_a_folder_beside_the_configuration)
{
	char path[KEYPLACE_PATH_MAX], wanted[300];
	struct keyplace place = place_of("virtual_server a { }\n", "B\xc3\xbc"
								   "cher.Example");
	ck_assert_str_eq(place.domain, "xn--bcher-kva.example");
	ck_assert(!place.dkim && strcmp(place.folder, keys) == 0);
	ck_assert(keyplace_file(&place, "m1", path));
	snprintf(wanted, sizeof(wanted), "%s/m1._domainkey.xn--bcher-kva.example.pem", keys);
	ck_assert_str_eq(path, wanted);
}
END_TEST

START_TEST(a_block_says_where_keys_are)
{
	char path[KEYPLACE_PATH_MAX];
	struct keyplace place = place_of(BLOCK("m1", "/k/one.pem"), "example.com");
	ck_assert(place.dkim && strcmp(place.folder, "/k") == 0);
	ck_assert(keyplace_file(&place, "M1", path) && strcmp(path, "/k/one.pem") == 0);
	ck_assert(keyplace_file(&place, "m2", path) && strcmp(path, "/k/m2._domainkey.example.com.pem") == 0);
}
END_TEST

START_TEST(the_next_selector_is_free)
{
	char selector[DOMAIN_MAX + 1], name[100];
	struct keyplace place =
		place_of("virtual_server a { dkim example.com { selector m2026b /k/one.pem } }\n", "example.com");
	ck_assert(keyplace_next_selector(&place, IN_2026, selector));
	ck_assert_str_eq(selector, "m2026a");
	snprintf(place.folder, sizeof(place.folder), "%s", keys);
	make("m2026a._domainkey.example.com.pem", 1);
	ck_assert(keyplace_next_selector(&place, IN_2026, selector));
	ck_assert_str_eq(selector, "m2026c");
	for (char letter = 'a'; letter <= 'z'; letter++) {
		snprintf(name, sizeof(name), "m2026%c._domainkey.example.com.pem", letter);
		make(name, 1);
	}
	ck_assert(!keyplace_next_selector(&place, IN_2026, selector));
}
END_TEST

START_TEST(keys_that_wait_are_found)
{
	struct keyplace_waiting waiting[KEYPLACE_WAITING_MAX];
	struct keyplace place = place_of("virtual_server a { }\n", "example.com");
	make("m2._domainkey.example.com.pem", 200);
	make("m1._domainkey.example.com.pem", 100);
	make("x.y._domainkey.example.com.pem", 300);
	make("m1._domainkey.example.com.au.pem", 100);
	make("m1._domainkey.sub.example.com.pem", 100);
	make("._domainkey.example.com.pem", 100);
	make("m3._domainkey.example.com.pem.old", 100);
	ck_assert_uint_eq(keyplace_waiting(&place, waiting), 3);
	ck_assert_str_eq(waiting[0].selector, "m1");
	ck_assert_str_eq(waiting[1].selector, "m2");
	ck_assert_str_eq(waiting[2].selector, "x.y");
	char conf[400];
	snprintf(conf, sizeof(conf), BLOCK("m1", "%s/m1._domainkey.example.com.pem"), keys);
	place = place_of(conf, "example.com");
	ck_assert_uint_eq(keyplace_waiting(&place, waiting), 2);
	rmdir(place.folder);
	snprintf(place.folder, sizeof(place.folder), "%s/none", keys);
	ck_assert_uint_eq(keyplace_waiting(&place, waiting), 0);
}
END_TEST

START_TEST(of_many_keys_the_newest_are_found)
{
	enum { MADE = 3 * KEYPLACE_WAITING_MAX };
	struct keyplace_waiting waiting[KEYPLACE_WAITING_MAX];
	struct keyplace place = place_of("virtual_server a { }\n", "example.com");
	char name[100];
	for (int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), "k%d._domainkey.example.com.pem", i);
		make(name, 1000 + i * 7 % MADE);
	}
	ck_assert_uint_eq(keyplace_waiting(&place, waiting), KEYPLACE_WAITING_MAX);
	for (int i = 0; i < KEYPLACE_WAITING_MAX; i++)
		ck_assert_int_eq(waiting[i].made.tv_sec, 1000 + MADE - KEYPLACE_WAITING_MAX + i);
}
END_TEST

START_TEST(a_domain_of_two_servers_needs_a_choice)
{
	struct keyplace place;
	int status;
	place_of("virtual_server a { listen 127.0.0.1:1; dkim example.com { selector m1 /k/1.pem } }\n"
		 "virtual_server b { listen 127.0.0.1:2; dkim example.com { selector m1 /k/2.pem } }\n"
		 "virtual_server c { listen 127.0.0.1:3 }\n",
		 "other.example");
	ck_assert(!keyplace_find(&ctl, &loaded.config, "example.com", &place, &status) && status == EXIT_USAGE);
	ctl.options.server = "B";
	ck_assert(keyplace_find(&ctl, &loaded.config, "example.com", &place, &status));
	ck_assert_str_eq(place.dkim->selector.at[0].file, "/k/2.pem");
	ctl.options.server = "c";
	ck_assert(keyplace_find(&ctl, &loaded.config, "example.com", &place, &status) && !place.dkim);
	ctl.options.server = "d";
	ck_assert(!keyplace_find(&ctl, &loaded.config, "example.com", &place, &status) && status == EXIT_USAGE);
	ctl.options.server = "";
	ck_assert(!keyplace_find(&ctl, &loaded.config, "exa mple", &place, &status) && status == EXIT_USAGE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_new_domain_has_a_folder_beside_the_configuration,
				      a_block_says_where_keys_are,
				      the_next_selector_is_free,
				      keys_that_wait_are_found,
				      of_many_keys_the_newest_are_found,
				      a_domain_of_two_servers_needs_a_choice};
	return run_tests("dkim_keyplace", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
