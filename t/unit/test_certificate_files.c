/* The files of a certificate, its key and authorities: their permissions, and what can't be read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/certificate_fixture.h"

static char folder[64], certificate_path[100], key_path[100];

static void make_folder(void)
{
	strcpy(folder, "/tmp/certificate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(certificate_path, sizeof(certificate_path), "%s/mail.pem", folder);
	snprintf(key_path, sizeof(key_path), "%s/mail.key", folder);
}

static void remove_folder(void)
{
	unlink(certificate_path);
	unlink(key_path);
	rmdir(folder);
}

static void save(const char *path, const struct str *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(str_text(text), 1, text->len, file), text->len);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void save_plain(mode_t mode)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_key(&made, NULL, &key_text);
	save(certificate_path, &certificate_text, 0644);
	save(key_path, &key_text, mode);
	unmake(&made);
}

START_TEST(a_good_pair_has_no_finding)
{
	save_plain(0640);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	certificate_dates(&c, NOW, &to);
	hear_nothing();
	ck_assert(certificate_covers(&c, "mail.example.com"));
	ck_assert(certificate_covers(&c, "MAIL.example.COM"));
	ck_assert(certificate_covers(&c, "a.example.net"));
	ck_assert(!certificate_covers(&c, "a.b.example.net"));
	ck_assert(!certificate_covers(&c, "example.net"));
	ck_assert(!certificate_covers(&c, "example.com"));
	certificate_names(&c, &said);
	ck_assert_str_eq(str_text(&said), "mail.example.com, *.example.net");
}
END_TEST

START_TEST(a_world_readable_key_is_reported)
{
	save_plain(0644);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("may be read by every user: chmod 600");
	ck_assert_int_eq(strncmp(str_text(&said), "W key ", 6), 0);
}
END_TEST

START_TEST(files_that_are_not_there_are_errors)
{
	ck_assert(!certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("/mail.pem can't be read: No such file or directory. The systemd unit hides /home");
	certificate_free(&c);
	str_clear(&said);
	ck_assert(!certificate_examine(folder, "/dev/null", CERTIFICATE_SERVER, &to, &c));
	hear("can't be read: Is a directory");
	hear("E key /dev/null can't be read: ");
	ck_assert_int_eq(mkfifo(certificate_path, 0600), 0);
	certificate_free(&c);
	ck_assert(!certificate_examine(certificate_path, "/dev/null", CERTIFICATE_SERVER, &to, &c));
}
END_TEST

/* In a process of its own, because it drops its privileges. */
START_TEST(a_user_without_permission_is_told_so)
{
	const struct certificate_listener guest = {.say = listen, .guest = true};

	save_plain(0600);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	else
		ck_assert_int_eq(chmod(key_path, 0), 0);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &guest, &c));
	hear("N key ");
	hear("you may not read it; run the command as root\n");
	ck_assert(certificate_covers(&c, "mail.example.com"));
	certificate_free(&c);
	ck_assert(!certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("E key ");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(authorities_are_counted)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_certificate(&made, &certificate_text);
	save(certificate_path, &certificate_text, 0644);
	ck_assert(certificate_authorities("tls_ca", certificate_path, &to));
	hear_nothing();
	append_key(&made, NULL, &key_text);
	save(key_path, &key_text, 0600);
	ck_assert(!certificate_authorities("tls_ca", key_path, &to));
	hear("E tls_ca ");
	ck_assert(!certificate_authorities("tls_ca", "/nonexistent", &to));
	hear("E tls_ca /nonexistent can't be read: No such file");
	unmake(&made);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("certificate_files");
	TCase *tc = tcase_create("certificate_files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, a_good_pair_has_no_finding);
	tcase_add_test(tc, a_world_readable_key_is_reported);
	tcase_add_test(tc, files_that_are_not_there_are_errors);
	tcase_add_test(tc, a_user_without_permission_is_told_so);
	tcase_add_test(tc, authorities_are_counted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
