/* A reload that must be confirmed: if it is, it stays; if not, it goes back, whatever was reloaded meanwhile. */
#include "master/probation.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "master/master.h"
#include "master/reload.h"
#include "t/unit/suite.h"

enum { FAR_MS = 60 * 60 * 1000 };

static struct master master;
static char folder[64], file[100];

static void write_relay_list(const char *list)
{
	FILE *to = fopen(file, "w");

	ck_assert_ptr_nonnull(to);
	fprintf(to, "run_dir %s\nmailroot_dir %s/spool\nvirtual_server main { enabled no\nfqdn a.example.com\n", folder,
		folder);
	fprintf(to, "relay { list %s }\n}\n", list);
	fclose(to);
}

static void setup(void)
{
	strcpy(folder, "/tmp/probation-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/conf", folder);
	write_relay_list("10.0.0.1");
	ck_assert(master_configure(&master, file));
}

static void teardown(void)
{
	master_free(&master);
	unlink(file);
	rmdir(folder);
}

/* Takes the file with LIST; CONFIRM_MS 0 = for good. */
static void reload(const char *list, int64_t confirm_ms)
{
	struct str report;

	str_init(&report, 100000);
	write_relay_list(list);
	enum row_reload done =
		confirm_ms ? reload_try(&master, confirm_ms, &report) : reload_run(&master, false, &report);
	ck_assert_msg(done == ROW_RELOADED, "%s", str_text(&report));
	str_free(&report);
}

static const char *in_force(void)
{
	const struct config_clients *list = &master.config.servers[0].relay.list;

	return list->n == 1 ? list->at[0].text : "(not one)";
}

START_TEST(confirmed_it_stays)
{
	reload("10.0.0.2", FAR_MS);
	ck_assert_str_eq(in_force(), "10.0.0.2");
	int64_t left = probation_tend(&master, clock_mono_ms());
	ck_assert_int_gt(left, 0);
	ck_assert_int_le(left, FAR_MS);
	ck_assert(probation_confirm(&master.probation));
	ck_assert(!probation_confirm(&master.probation));
	ck_assert_int_eq(probation_tend(&master, clock_mono_ms() + 2 * FAR_MS), -1);
	ck_assert_str_eq(in_force(), "10.0.0.2");
	ck_assert(!master.probation.went_back);
}
END_TEST

START_TEST(unconfirmed_it_goes_back_once)
{
	reload("10.0.0.2", FAR_MS);
	ck_assert_int_eq(probation_tend(&master, clock_mono_ms() + FAR_MS), -1);
	ck_assert_str_eq(in_force(), "10.0.0.1");
	ck_assert(master.probation.went_back);
	ck_assert(!probation_confirm(&master.probation));
	ck_assert_int_eq(probation_tend(&master, clock_mono_ms() + 2 * FAR_MS), -1);
	ck_assert_uint_eq(master.generation, 2);
	reload("10.0.0.3", 0);
	ck_assert_str_eq(in_force(), "10.0.0.3");
	ck_assert(!master.probation.went_back);
}
END_TEST

START_TEST(the_last_confirmed_file_comes_back)
{
	reload("10.0.0.2", FAR_MS);
	reload("10.0.0.3", 2 * FAR_MS);
	ck_assert_int_gt(probation_tend(&master, clock_mono_ms() + FAR_MS), 0);
	reload("10.0.0.4", 0);
	ck_assert_str_eq(in_force(), "10.0.0.4");
	ck_assert_int_eq(probation_tend(&master, clock_mono_ms() + 2 * FAR_MS), -1);
	ck_assert_str_eq(in_force(), "10.0.0.1");
}
END_TEST

START_TEST(a_faulty_file_begins_nothing)
{
	struct str report;

	str_init(&report, 100000);
	write_relay_list("300.0.0.1");
	ck_assert_int_eq(reload_try(&master, FAR_MS, &report), ROW_REFUSED);
	ck_assert(!probation_confirm(&master.probation));
	ck_assert_str_eq(in_force(), "10.0.0.1");
	str_free(&report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probation");
	TCase *tc = tcase_create("probation");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, confirmed_it_stays);
	tcase_add_test(tc, unconfirmed_it_goes_back_once);
	tcase_add_test(tc, the_last_confirmed_file_comes_back);
	tcase_add_test(tc, a_faulty_file_begins_nothing);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
