/* What the log says of a filter that names things in order to forge the rest of the line. */
#include "smtpd/milter/filters_log.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/unit/suite.h"

static struct filter filter;
static struct edits edits;
static const struct macros_facts facts = {.client_text = "10.1.2.3", .id = "ID"};

static void setup(void)
{
	static const struct config_filter config = {.name = "one"};
	filter_init(&filter, &config);
	edits_init(&edits);
}

static void teardown(void)
{
	edits_free(&edits);
	filter_free(&filter);
}

/* The line about the edits. */
static const char *logged(void)
{
	static char line[64 * 1024];
	int kept = dup(2), log = memfd_create("log", MFD_CLOEXEC);
	dup2(log, 2);
	filters_log_edits(&filter, &facts, &edits);
	dup2(kept, 2);
	close(kept);
	ssize_t len = pread(log, line, sizeof(line) - 1, 0);
	line[len > 0 ? len : 0] = '\0';
	close(log);
	return line;
}

START_TEST(test_names)
{
	const char *remark = NULL;
	ck_assert_ptr_null(edits_add(&edits, SPAN("X-A"), SPAN("1"), true));
	ck_assert_ptr_null(edits_insert(&edits, 0, SPAN("X-B"), SPAN("1"), true));
	ck_assert_ptr_null(edits_change(&edits, 1, SPAN("X-C"), SPAN("1"), true));
	ck_assert_ptr_null(edits_change(&edits, 1, SPAN("X-D"), SPAN(""), true));
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("<a@example.com>"), SPAN(""), &remark));
	ck_assert_ptr_nonnull(strstr(logged(), " client=10.1.2.3 filter=one status=edited fields_added=\"X-A X-B\" "
					       "fields_changed=\"X-C\" fields_removed=\"X-D\" added=<a@example.com>"));
}
END_TEST

START_TEST(test_forges_nothing)
{
	ck_assert_ptr_null(edits_add(&edits, SPAN("X\"status=sent"), SPAN("1"), true));
	ck_assert_ptr_null(edits_quarantine(&edits, SPAN("bad\" status=sent to=\"x")));
	ck_assert_ptr_nonnull(strstr(logged(), " fields_added=\"X'status=sent\" held=\"bad' status=sent to='x\"\n"));
}
END_TEST

/* A long list is counted, so that what follows is not cut off. */
START_TEST(test_many)
{
	char name[FILTER_NAME_MAX];
	memset(name, 'X', sizeof(name));
	for (int i = 0; i < 200; i++)
		ck_assert_ptr_null(edits_add(&edits, (struct span){name, sizeof(name)}, SPAN("1"), true));
	for (int i = 0; i < 200; i++)
		ck_assert_ptr_null(edits_remove_rcpt(&edits, SPAN("someone@example.com")));
	ck_assert_ptr_null(edits_quarantine(&edits, SPAN("bad")));
	const char *line = logged();
	ck_assert_ptr_nonnull(strstr(line, "X and 196 more\" removed=<someone@example.com> "));
	ck_assert_ptr_nonnull(strstr(line, " removed_more=191 held=\"bad\"\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_filters_log");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, test_names);
	tcase_add_test(all, test_forges_nothing);
	tcase_add_test(all, test_many);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
