/*
 * Linked into the programs of sanitized builds. A process in its jail can't trace itself, which the leak check needs;
 * leaks are found by the unit tests, which run outside of any jail.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
