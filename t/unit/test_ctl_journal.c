#include "ctl/journal.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/suite.h"

static void name_stream(int fd)
{
	struct stat st;
	char text[64];

	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
}

START_TEST(only_what_the_journal_reads_is_marked)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	unsetenv("JOURNAL_STREAM");
	ck_assert_str_eq(journal_mark(ends[0]), "");
	name_stream(ends[0]);
	ck_assert_str_eq(journal_mark(ends[0]), "<3>");
	/* `mailrootctl reload 2>file`, in a unit. */
	ck_assert_str_eq(journal_mark(ends[1]), "");
	ck_assert_str_eq(journal_mark(-1), "");
	static const char *const nonsense[] = {"", ":", "12", "x:y", "1:x"};
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		setenv("JOURNAL_STREAM", nonsense[i], 1);
		ck_assert_str_eq(journal_mark(ends[0]), "");
	}
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");
	tcase_add_test(tc, only_what_the_journal_reads_is_marked);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
