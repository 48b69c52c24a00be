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

#endif
