/* How every unit test ends its main. */
#ifndef T_UNIT_SUITE_H
#define T_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs SUITE as CK_FORK, CK_RUN_CASE and CK_VERBOSITY say, and frees it; the status for main to return. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Runs TESTS, COUNT of them, as suite NAME, each between SETUP and TEARDOWN; NULL = neither. The status for main to
 * return. */
static inline int run_tests(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
			    void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create(name);
	tcase_set_timeout(all, 60);
	if (setup)
		tcase_add_checked_fixture(all, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}

#endif
