#include "ctl/userfile.h"

#include <check.h>
#include <string.h>

#include "t/unit/suite.h"

static void ck_edit(const char *text, const char *name, const char *line, size_t found, const char *wanted)
{
	struct str to;
	str_init(&to, 1000);
	ck_assert_uint_eq(userfile_edit(span_of(text), span_of(name), span_of(line), &to), found);
	ck_assert_str_eq(str_text(&to), wanted);
	str_free(&to);
}

START_TEST(one_account_changes)
{
	ck_edit("", "bob", "bob 1\n", 0, "bob 1\n");
	ck_edit("ann 1\n", "bob", "bob 1\n", 0, "ann 1\nbob 1\n");
	ck_edit("ann 1", "bob", "bob 1\n", 0, "ann 1\nbob 1\n");
	ck_edit("# bob\nbob 1\ncat 1\n", "bob", "bob 2\n", 1, "# bob\nbob 2\ncat 1\n");
	ck_edit("# bob\nbob 1\ncat 1\n", "bob", "", 1, "# bob\ncat 1\n");
	ck_edit("BOB 1\n\n bob\n\tboB 3\r\nbobby 1\n", "Bob", "bob 2\n", 3, "bob 2\n\nbobby 1\n");
	ck_edit("ann 1\nbob", "bob", "", 1, "ann 1\n");
	ck_edit("ann 1\nbob", "bob", "bob 2\n", 1, "ann 1\nbob 2\n");
	ck_edit("bo\nbobb 1\nb\n", "bob", "", 0, "bo\nbobb 1\nb\n");
	ck_edit("\n\n", "bob", "bob 1\n", 0, "\n\nbob 1\n");
}
END_TEST

START_TEST(octets_that_no_text_has)
{
	struct str to;
	str_init(&to, 1000);
	ck_assert_uint_eq(userfile_edit(SPAN("bob\0 1\n\0\n"), SPAN("bob"), SPAN("bob 1\n"), &to), 0);
	ck_assert(span_equal(str_span(&to), SPAN("bob\0 1\n\0\nbob 1\n")));
	str_free(&to);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {one_account_changes, octets_that_no_text_has};
	return run_tests("ctl_userfile", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
