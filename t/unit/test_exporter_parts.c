#include "ctl/exporter/negotiate.h"
#include "ctl/exporter/slow.h"
#include "t/unit/suite.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

START_TEST(formats)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} rows[] = {
		{"", EXPOSITION_PROMETHEUS},
		{"*/*", EXPOSITION_PROMETHEUS},
		{"text/plain;version=0.0.4;q=1", EXPOSITION_PROMETHEUS},
		{"application/openmetrics-text", EXPOSITION_OPENMETRICS},
		{"Application/OpenMetrics-Text ; version=1.0.0", EXPOSITION_OPENMETRICS},
		{"text/plain;q=0.5,  application/openmetrics-text;version=1.0.0;q=0.75", EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text;q=0.001", EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text;q=0", EXPOSITION_PROMETHEUS},
		{"application/openmetrics-text; Q = 0.000", EXPOSITION_PROMETHEUS},
		{"application/openmetrics-text;q=", EXPOSITION_OPENMETRICS},
		{"application/openmetrics-textual", EXPOSITION_PROMETHEUS},
		{"x=application/openmetrics-text", EXPOSITION_PROMETHEUS},
		{",,;;==,", EXPOSITION_PROMETHEUS},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(negotiate(span_of(rows[i].accept)) == rows[i].format, "%s", rows[i].accept);
}
END_TEST

/* The client's end of a connection; *SERVED is the other one. */
static int connected(int *served)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, len), 0);
	*served = accept(listener, NULL, NULL);
	ck_assert_int_ge(*served, 0);
	close(listener);
	return client;
}

static bool is_shut(int client)
{
	struct pollfd polled = {.fd = client, .events = POLLIN};
	char octet;
	return poll(&polled, 1, 0) == 1 && read(client, &octet, 1) == 0;
}

START_TEST(a_connection_that_lasts_is_shut_down)
{
	static struct slow slow;
	int served, client = connected(&served);
	memset(&slow, 0, sizeof(slow));
	slow_sweep(&slow, 3, 1000);
	slow_sweep(&slow, 3, 1000 + SLOW_AFTER_MS - 1);
	ck_assert(!is_shut(client));
	slow_sweep(&slow, served + 1, 1000 + SLOW_AFTER_MS); /* not one of those to look at */
	ck_assert(!is_shut(client));
	slow_sweep(&slow, 3, 1000 + SLOW_AFTER_MS);
	ck_assert(is_shut(client));
	close(client);
	close(served);
}
END_TEST

START_TEST(another_connection_with_the_same_number_has_its_own_time)
{
	static struct slow slow;
	int served, client = connected(&served), before = served;
	memset(&slow, 0, sizeof(slow));
	slow_sweep(&slow, 3, 1000);
	close(served);
	close(client);
	client = connected(&served);
	if (served != before)
		ck_assert_int_eq(dup2(served, before), before);
	slow_sweep(&slow, before, 1000 + SLOW_AFTER_MS);
	ck_assert(!is_shut(client));
	slow_sweep(&slow, before, 1000 + 2 * SLOW_AFTER_MS);
	ck_assert(is_shut(client));
	close(client);
	close(served);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		formats,
		a_connection_that_lasts_is_shut_down,
		another_connection_with_the_same_number_has_its_own_time,
	};
	return run_tests("exporter_parts", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
