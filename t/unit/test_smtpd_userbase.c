/* The account files that a parent gets from master, as a worker sees them that was forked before. */
#include "smtpd/auth/userbase.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "t/unit/suite.h"

#define KEYS "yescrypt=$y$j9T$salt$hash changed=1\n"

enum { AREA = 1 << 20, MANY = 1000 };

static struct userbase base;
static struct str mend;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR - 1);
	ck_assert(userbase_init(&base, AREA));
	str_init(&mend, 1 << 16);
}

static void teardown(void)
{
	userbase_free(&base);
	str_free(&mend);
}

static bool take(struct span text)
{
	const struct wire_users news = {.present = true, .wanted = true, .file = SPAN("/etc/users")};
	int fd = fd_sealed("users", text);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0600), 0);
	str_clear(&mend);
	bool fresh = userbase_take(&base, &news, fd, &mend);
	close(fd);
	return fresh;
}

static const struct account *find(const char *name)
{
	uint64_t generation;
	const struct accounts *accounts = userbase_accounts(&base, &generation);
	return accounts ? accounts_find(accounts, span_of(name)) : NULL;
}

static uint64_t generation(void)
{
	uint64_t is;
	userbase_accounts(&base, &is);
	return is;
}

START_TEST(nothing_is_known_at_first)
{
	const struct userbase none = {0};
	uint64_t is = 7;
	ck_assert_ptr_null(userbase_accounts(&base, &is));
	ck_assert_uint_eq(is, 0);
	ck_assert_ptr_null(userbase_accounts(&none, &is));
}
END_TEST

START_TEST(newest_file_holds)
{
	ck_assert(!take(SPAN("ann " KEYS "bob " KEYS)));
	const struct account *before = find("ann");
	ck_assert_ptr_nonnull(before);
	ck_assert_uint_eq(generation(), 1);
	ck_assert(!take(SPAN("bob " KEYS "cat " KEYS)));
	ck_assert_uint_eq(generation(), 2);
	ck_assert_ptr_null(find("ann"));
	ck_assert_ptr_nonnull(find("cat"));
	ck_assert_str_eq(before->name, "ann"); /* an older reader may still use it */
}
END_TEST

/* A reload that changes no account ends no session and takes no memory. */
START_TEST(same_file_is_no_news)
{
	for (int i = 0; i < 3 * AREA / 100; i++)
		ck_assert(!take(SPAN("ann " KEYS)));
	ck_assert_uint_eq(generation(), 1);
}
END_TEST

START_TEST(missing_file_has_no_accounts)
{
	const struct wire_users missing = {.wanted = true, .file = SPAN("/etc/users")};
	take(SPAN("ann " KEYS));
	ck_assert(!userbase_take(&base, &missing, -1, &mend));
	ck_assert_ptr_null(find("ann"));
	ck_assert_uint_eq(generation(), 2);
	take(SPAN("ann " KEYS));
	ck_assert_ptr_nonnull(find("ann"));
}
END_TEST

START_TEST(unreadable_file_changes_nothing)
{
	const struct wire_users closed = {.wanted = true, .file = SPAN("/etc/users"), .why = SPAN("Permission denied")};
	const struct wire_users present = {.present = true, .wanted = true, .file = SPAN("/etc/users")};
	ck_assert(!userbase_take(&base, &closed, -1, &mend));
	ck_assert_uint_eq(generation(), 0);
	take(SPAN("ann " KEYS));
	ck_assert(!userbase_take(&base, &closed, -1, &mend));
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(!userbase_take(&base, &present, fd, &mend));
	close(fd);
	fd = memfd_create("huge", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, ACCOUNTS_TEXT_MAX + 1), 0);
	ck_assert(!userbase_take(&base, &present, fd, &mend));
	close(fd);
	ck_assert_uint_eq(generation(), 1);
	ck_assert_ptr_nonnull(find("ann"));
}
END_TEST

START_TEST(good_lines_beside_bad_ones_count)
{
	take(SPAN("ann " KEYS "bob secret\n\xff\n=\nann " KEYS "cat " KEYS "dan yescrypt=$y$j9T$"));
	ck_assert_ptr_nonnull(find("ann"));
	ck_assert_ptr_nonnull(find("cat"));
	ck_assert_ptr_null(find("bob"));
	ck_assert_ptr_null(find("dan"));
}
END_TEST

static void many(struct str *text, unsigned first)
{
	str_init(text, AREA);
	for (unsigned i = 0; i < MANY; i++)
		str_printf(text, "user%u %s", first + i, KEYS);
}

static void ck_mend(const char *wanted)
{
	ck_assert_str_eq(str_text(&mend), wanted);
}

START_TEST(errors_are_reported_until_they_are_corrected)
{
	const struct wire_users missing = {.wanted = true, .file = SPAN("/etc/users")},
				off = {.file = SPAN("/etc/users")};
	const char *line = "user_file /etc/users, line 2: it does not begin with a name; this line is ignored\n";
	take(SPAN("ann " KEYS));
	ck_mend("");
	take(SPAN("ann " KEYS "= secret\n"));
	ck_mend(line);
	take(SPAN("ann " KEYS "= secret\n")); /* no news, and still an error */
	ck_mend(line);
	str_clear(&mend);
	userbase_take(&base, &missing, -1, &mend);
	ck_mend("user_file /etc/users is missing, so there are no accounts; `mailrootctl user add NAME` makes it\n");
	str_clear(&mend);
	userbase_take(&base, &off, -1, &mend);
	ck_mend("");
}
END_TEST

START_TEST(of_many_bad_lines_some_are_reported)
{
	struct str text;
	unsigned lines = 0;
	str_init(&text, AREA);
	for (int i = 0; i < 1000; i++)
		str_append_text(&text, "=\n");
	take(str_span(&text));
	for (size_t i = 0; i < mend.len; i++)
		lines += mend.at[i] == '\n';
	ck_assert_uint_eq(lines, 11);
	ck_assert_ptr_nonnull(strstr(str_text(&mend), "has more such lines\n"));
	str_free(&text);
}
END_TEST

START_TEST(an_open_file_is_reported)
{
	const struct wire_users news = {.present = true, .wanted = true, .file = SPAN("/etc/users")};
	int fd = fd_sealed("users", SPAN("ann " KEYS));
	ck_assert_int_eq(fchmod(fd, 0644), 0);
	userbase_take(&base, &news, fd, &mend);
	close(fd);
	ck_mend("user_file /etc/users is open to others (mode 644): chmod 600 /etc/users\n");
	ck_assert_ptr_nonnull(find("ann"));
}
END_TEST

/* Nothing is overwritten: when an area is full, another one is used. */
START_TEST(full_area)
{
	unsigned areas = 0;
	for (unsigned i = 0; i < 20; i++) {
		struct str text;
		char name[32];
		many(&text, i);
		areas += take(str_span(&text));
		snprintf(name, sizeof(name), "user%u", i + MANY - 1);
		ck_assert_ptr_nonnull(find(name));
		str_free(&text);
	}
	ck_assert_uint_ge(areas, 2);
}
END_TEST

START_TEST(more_than_an_area)
{
	struct str text;
	str_init(&text, 4 * AREA);
	take(SPAN("ann " KEYS));
	for (unsigned i = 0; i < 8 * MANY; i++)
		str_printf(&text, "user%u %s", i, KEYS);
	ck_assert(!take(str_span(&text)));
	ck_assert_ptr_nonnull(find("ann"));
	ck_assert_uint_eq(generation(), 1);
	str_free(&text);
}
END_TEST

/* The parent reports that there is news, the worker the accounts. */
static int work(int told, int answer)
{
	char octet = 0;
	snapshot_read_only(base.snapshot);
	while (read(told, &octet, 1) == 1) {
		octet = find("ann") ? 'a' : find("bob") ? 'b' : '-';
		if (write(answer, &octet, 1) != 1)
			return 1;
	}
	return 0;
}

START_TEST(worker_sees_what_comes_after_its_fork)
{
	static const struct {
		struct span text;
		char who;
	} news[] = {{{0}, '-'}, {{"ann " KEYS, 4 + sizeof(KEYS) - 1}, 'a'}, {{"bob " KEYS, 4 + sizeof(KEYS) - 1}, 'b'}};
	int told[2], answer[2], status;
	ck_assert_int_eq(pipe(told) | pipe(answer), 0);
	pid_t pid = fork();
	if (!pid) {
		close(told[1]);
		_exit(work(told[0], answer[1]));
	}
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		char who;
		take(news[i].text);
		ck_assert_int_eq(write(told[1], "?", 1), 1);
		ck_assert_int_eq(read(answer[0], &who, 1), 1);
		ck_assert_int_eq(who, news[i].who);
	}
	close(told[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_userbase");
	TCase *tests = tcase_create("all");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_is_known_at_first);
	tcase_add_test(tests, newest_file_holds);
	tcase_add_test(tests, same_file_is_no_news);
	tcase_add_test(tests, missing_file_has_no_accounts);
	tcase_add_test(tests, unreadable_file_changes_nothing);
	tcase_add_test(tests, good_lines_beside_bad_ones_count);
	tcase_add_test(tests, errors_are_reported_until_they_are_corrected);
	tcase_add_test(tests, of_many_bad_lines_some_are_reported);
	tcase_add_test(tests, an_open_file_is_reported);
	tcase_add_test(tests, full_area);
	tcase_add_test(tests, more_than_an_area);
	tcase_add_test(tests, worker_sees_what_comes_after_its_fork);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
