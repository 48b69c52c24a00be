#include "master/files.h"
#include "t/unit/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct config config;
static struct files files;
static struct str said;

static const char *in_folder(const char *name)
{
	static char paths[4][120];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* Writes until the file system has a new time stamp for it. */
static void put_later(const char *name, const char *text)
{
	struct stat before, after;

	ck_assert_int_eq(stat(in_folder(name), &before), 0);
	do {
		put(name, text);
		ck_assert_int_eq(stat(in_folder(name), &after), 0);
	} while (before.st_ctim.tv_sec == after.st_ctim.tv_sec && before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
}

static void setup(void)
{
	struct config_report report = {0};
	char text[4000];

	strcpy(folder, "/tmp/files-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(text, sizeof(text),
		 "virtual_server main {\n"
		 "access { auth gssapi; keytab %s/keytab; user_file %s/users; tls_certificate %s/rsa.pem %s/rsa.key\n"
		 "tls_certificate %s/both.pem %s/both.pem }\n"
		 "outbound { tls_ca %s/ca.pem }\n"
		 "remote_domain a.example { route [192.0.2.1]; outbound { tls verify; auth plain; username u\n"
		 "password_file %s/password } }\n"
		 "web { proxy http://p.example; proxy_user u; proxy_password_file %s/proxy }\n"
		 "dkim a.example { selector a %s/dkim.pem }\n"
		 "connector c { route [192.0.2.1]; outbound { tls verify; auth xoauth2; username u@a.example\n"
		 "oauth { token_url https://id.example/; client_id c; client_secret_file %s/secret } } }\n}\n",
		 folder, folder, folder, folder, folder, folder, folder, folder, folder, folder, folder);
	str_init(&report.text, 10000);
	struct config_tree *tree = config_read_text("test", span_of(text), &report);
	ck_assert_msg(config_build(tree, "host.example.com", &config, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
	str_init(&said, 10000);
	for (const char *const *name = (const char *const[]){"keytab", "users", "rsa.pem", "rsa.key", "both.pem",
							     "ca.pem", "password", "dkim.pem", "proxy", "secret", NULL};
	     *name; name++)
		put(*name, "1");
}

static void teardown(void)
{
	char command[128];

	files_free(&files);
	config_free(&config);
	str_free(&said);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static unsigned changed(unsigned role)
{
	str_clear(&said);
	return files_changed(&files, &config.servers[0], role, &said);
}

static void note(unsigned role)
{
	files_note(&files, &config.servers[0], role);
	ck_assert_uint_eq(changed(role), 0);
}

static void hear(const char *text)
{
	ck_assert_msg(strstr(str_text(&said), text) != NULL, "no \"%s\" in \"%s\"", text, str_text(&said));
}

START_TEST(each_role_has_its_files)
{
	note(ROLE_SMTPD);
	ck_assert_uint_eq(files.n, 4);
	note(ROLE_DELIVERY);
	ck_assert_uint_eq(files.n, 3);
	put_later("dkim.pem", "22");
	ck_assert_uint_eq(changed(ROLE_DELIVERY), 1);
	hear("server main: DKIM key ");
	hear("/dkim.pem changed: new connections get it\n");
	note(ROLE_WEB);
	ck_assert_uint_eq(files.n, 2);
	put_later("secret", "22");
	ck_assert_uint_eq(changed(ROLE_WEB), 1);
	hear("server main: client_secret_file ");
	hear("/secret changed: access tokens are fetched with it\n");
	note(ROLE_QUEUE);
	ck_assert_uint_eq(files.n, 0);
	put("ca.pem", "22");
	put("password", "22");
	ck_assert_uint_eq(changed(ROLE_QUEUE), 0);
}
END_TEST

START_TEST(a_replaced_file_has_changed)
{
	note(ROLE_SMTPD);
	put("new", "1");
	ck_assert_int_eq(rename(in_folder("new"), in_folder("rsa.pem")), 0);
	ck_assert_uint_eq(changed(ROLE_SMTPD), 1);
	hear("server main: certificate ");
	hear("/rsa.pem changed: new sessions get it\n");
	note(ROLE_SMTPD);
}
END_TEST

START_TEST(a_file_written_in_place_has_changed_whatever_its_date)
{
	struct stat before;

	note(ROLE_DELIVERY);
	ck_assert_int_eq(stat(in_folder("password"), &before), 0);
	put_later("password", "2");
	struct timespec times[] = {before.st_atim, before.st_mtim};
	ck_assert_int_eq(utimensat(AT_FDCWD, in_folder("password"), times, 0), 0);
	ck_assert_uint_eq(changed(ROLE_DELIVERY), 1);
	hear("server main: password_file ");
	hear("/password changed: new connections get it\n");
}
END_TEST

START_TEST(a_link_that_leads_elsewhere_has_changed)
{
	put("target1", "1");
	put("target2", "1");
	unlink(in_folder("rsa.key"));
	ck_assert_int_eq(symlink("target1", in_folder("rsa.key")), 0);
	note(ROLE_SMTPD);
	unlink(in_folder("rsa.key"));
	ck_assert_int_eq(symlink("target2", in_folder("rsa.key")), 0);
	ck_assert_uint_eq(changed(ROLE_SMTPD), 1);
	hear("server main: key ");
}
END_TEST

START_TEST(a_file_that_appears_or_disappears_has_changed)
{
	unlink(in_folder("keytab"));
	note(ROLE_SMTPD);
	put("keytab", "1");
	ck_assert_uint_eq(changed(ROLE_SMTPD), 1);
	hear("server main: keytab ");
	note(ROLE_SMTPD);
	unlink(in_folder("keytab"));
	ck_assert_uint_eq(changed(ROLE_SMTPD), 1);
	hear("/keytab is gone\n");
}
END_TEST

START_TEST(a_file_with_both_counts_once_and_accounts_not_at_all)
{
	note(ROLE_SMTPD);
	put("both.pem", "22");
	put("users", "22");
	ck_assert_uint_eq(changed(ROLE_SMTPD), 1);
	hear("both.pem");
}
END_TEST

START_TEST(a_path_that_is_new_is_no_change_of_content)
{
	note(ROLE_SMTPD);
	put("new.pem", "1");
	config.servers[0].access.tls_certificate.at[0].certificate = in_folder("new.pem");
	put("rsa.pem", "22");
	ck_assert_uint_eq(changed(ROLE_SMTPD), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_role_has_its_files);
	tcase_add_test(tc, a_replaced_file_has_changed);
	tcase_add_test(tc, a_file_written_in_place_has_changed_whatever_its_date);
	tcase_add_test(tc, a_link_that_leads_elsewhere_has_changed);
	tcase_add_test(tc, a_file_that_appears_or_disappears_has_changed);
	tcase_add_test(tc, a_file_with_both_counts_once_and_accounts_not_at_all);
	tcase_add_test(tc, a_path_that_is_new_is_no_change_of_content);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
