/* Password files: which are accepted, and what must be corrected before they are. */
#include "common/accounts/password.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128], why[PASSWORD_WHY_MAX];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/mailroot-password-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/password", folder);
	why[0] = '\0';
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
	unlink(path);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

#define FILE_OF(text) (text), sizeof(text) - 1

static const struct {
	const char *file;
	size_t len;
	const char *password; /* NULL: refused */
	const char *why;
} cases[] = {
	{FILE_OF("secret"), "secret", NULL},
	{FILE_OF("secret\n"), "secret", NULL},
	{FILE_OF("secret\r\n"), "secret", NULL},
	{FILE_OF("\xef\xbb\xbfsecret\r\nmore\r\n"), "secret", NULL},
	{FILE_OF(" se cret \t\nsecond line\n"), " se cret \t", NULL},
	{FILE_OF("p\303\244\n"), "p\303\244", NULL},
	{FILE_OF("a\rb\n"), "a\rb", NULL},
	{FILE_OF("secret\n\0"), "secret", NULL},
	{FILE_OF(""), NULL, "is empty"},
	{FILE_OF("\n"), NULL, "is empty"},
	{FILE_OF("\r\nsecret\n"), NULL, "is empty"},
	{FILE_OF("\xef\xbb\xbf"), NULL, "is empty"},
	{FILE_OF("s\0e\0c\0r\0e\0t\0\n\0"), NULL, "NUL"},
	{FILE_OF("\xff\xfes\0e\0"), NULL, "NUL"},
};

START_TEST(first_line)
{
	struct span password;
	const char *what;
	bool good = password_parse((struct span){cases[_i].file, cases[_i].len}, &password, &what);
	ck_assert(good == (cases[_i].password != NULL));
	if (good)
		ck_assert(span_equal(password, span_of(cases[_i].password)));
	else
		ck_assert_msg(strstr(what, cases[_i].why) != NULL, "%s", what);
	write_file(cases[_i].file, cases[_i].len, 0600);
	char *loaded = password_load(path, getuid(), why);
	ck_assert((loaded != NULL) == good);
	if (good)
		ck_assert_str_eq(loaded, cases[_i].password);
	password_free(loaded);
}
END_TEST

START_TEST(longest)
{
	char text[PASSWORD_MAX + 8];
	memset(text, 'x', sizeof(text));
	memcpy(text, "\xef\xbb\xbf", 3);
	memcpy(text + 3 + PASSWORD_MAX, "\r\n", 2);
	write_file(text, 3 + PASSWORD_MAX + 2, 0600);
	char *loaded = password_load(path, getuid(), why);
	ck_assert_ptr_nonnull(loaded);
	ck_assert_uint_eq(strlen(loaded), PASSWORD_MAX);
	password_free(loaded);
	memset(text, 'x', sizeof(text));
	write_file(text, PASSWORD_MAX + 1, 0600);
	ck_assert_ptr_null(password_load(path, getuid(), why));
	ck_assert_ptr_nonnull(strstr(why, "longer than 1024"));
	write_file(text, sizeof(text), 0600);
	ck_assert_ptr_null(password_load(path, getuid(), why));
}
END_TEST

START_TEST(others_must_not_read)
{
	static const mode_t open_modes[] = {0644, 0640, 0604, 0620, 0602, 0660, 0666};
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		write_file(FILE_OF("secret"), open_modes[i]);
		ck_assert_ptr_null(password_load(path, getuid(), why));
		ck_assert_ptr_nonnull(strstr(why, "chmod 600, then mailrootctl reload"));
		ck_assert_ptr_null(strstr(why, "secret"));
	}
	write_file(FILE_OF("secret"), 0400);
	char *loaded = password_load(path, getuid(), why);
	ck_assert_ptr_nonnull(loaded);
	password_free(loaded);
	if (getuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	ck_assert_ptr_null(password_load(path, 12345, why));
	ck_assert_ptr_nonnull(strstr(why, "chown root"));
	loaded = password_load(path, 65534, why);
	ck_assert_ptr_nonnull(loaded);
	password_free(loaded);
}
END_TEST

/* Opening it neither blocks nor succeeds. */
START_TEST(no_files)
{
	ck_assert_ptr_null(password_load(path, getuid(), why));
	ck_assert_ptr_nonnull(strstr(why, "No such file"));
	ck_assert_ptr_null(password_load(folder, getuid(), why));
	ck_assert_ptr_nonnull(strstr(why, "it is no regular file"));
	ck_assert_ptr_null(password_load("/dev/zero", getuid(), why));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(password_load(path, getuid(), why));
	ck_assert_ptr_nonnull(strstr(why, "it is no regular file"));
	password_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("password");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, first_line, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(all, longest);
	tcase_add_test(all, others_must_not_read);
	tcase_add_test(all, no_files);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
