/* Each allocation of a session fails in turn. */
#include "t/unit/serve_fixture.h"

#include <errno.h>

/* AddressSanitizer has a malloc of its own. */
#if !defined(__SANITIZE_ADDRESS__)

/* The number of allocations of this thread until one fails; 0 = none fails. */
static _Thread_local unsigned left;
static unsigned fail_at; /* of the serving thread */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

static void begin_to_count(void)
{
	left = fail_at;
}

/* Whichever allocation fails, no client is left without a reply, and only acknowledged messages are stored. */
START_TEST(test_no_memory)
{
	before_serve = begin_to_count;
	for (fail_at = 1; fail_at <= 40; fail_at++) {
		const struct timeval patience = {.tv_sec = 5};
		start("free_space_floor 1K");
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		int error = 0;
		while (!error && !strstr(str_text(&heard), "\r\n")) {
			char octet;
			ssize_t n = read(ends[0], &octet, 1);
			error = n < 0 ? errno : n == 0 ? EPIPE : 0;
			if (n == 1)
				str_append_c(&heard, octet);
		}
		ck_assert_msg(error == 0 || error == EPIPE || error == ECONNRESET, "allocation %u: no greeting: %s",
			      fail_at, strerror(error));
		if (!error) {
			(void)!write(ends[0], envelope, sizeof(envelope) - 1);
			(void)!write(ends[0], SPAN("DATA\r\nx\r\n.\r\nQUIT\r\n").at, 18);
			error = fd_read_all(ends[0], &heard);
			ck_assert_msg(error == 0 || error == -ECONNRESET, "allocation %u: no end after\n%s", fail_at,
				      str_text(&heard));
		}
		bool taken = strstr(str_text(&heard), "Queued mail") != NULL;
		pthread_join(server, NULL);
		server = 0;
		ck_assert_uint_eq(files(false), taken);
		finish();
	}
	before_serve = NULL;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_no_memory};
	log_set_level(LOG_LEVEL_WARNING);
	return run_tests("smtpd_serve_no_memory", tests, 1, NULL, NULL);
}

#else

int main(void)
{
	return EXIT_SUCCESS;
}

#endif
