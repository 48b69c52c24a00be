/*
 * Linked into the programs of sanitized builds. A process in its jail can't trace itself, which the leak check needs;
 * leaks are found by the unit tests, which run outside of any jail. Freed memory is held back for a short while only:
 * tests look at how much a process takes.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}
