/* How smtpd gets the connection to a filter; the test replaces mailroot-filters. */
#include "smtpd/milter/dial.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "t/unit/suite.h"

enum { WAIT_MS = 20000 };

static int ends[2]; /* of the link: smtpd, mailroot-filters */
static pthread_t filters;
static _Atomic unsigned asked;
static _Atomic unsigned deaths; /* over so many of the next questions */
static struct wire_filter_is answer;
static bool with_socket, malformed;

static void reply(int to)
{
	int pair[2];
	struct str packet;
	str_init(&packet, 1000);
	if (malformed)
		str_append_text(&packet, "nonsense");
	else
		ck_assert(wire_encode_filter_is(&answer, &packet));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], "hello", 5), 5);
	ck_assert_int_eq(ipc_send(to, str_span(&packet), pair, with_socket ? 1 : 0), 0);
	close(pair[0]);
	close(pair[1]);
	str_free(&packet);
}

static void *serve(void *nothing)
{
	char buffer[1000];
	struct ipc_packet packet;
	struct wire_filter_of of;
	while (ipc_receive(ends[1], buffer, sizeof(buffer), 0, &packet) == 0 && !packet.eof) {
		asked++;
		ck_assert(wire_decode_filter_of(packet.text, &of));
		ck_assert(span_equal(of.name, SPAN("virus")));
		ck_assert_uint_eq(packet.fd_count, 1);
		if (deaths)
			deaths--;
		else
			reply(packet.fds[0]);
		ipc_packet_close(&packet);
	}
	return nothing;
}

static void setup(void)
{
	answer = (struct wire_filter_is){0};
	asked = deaths = 0;
	with_socket = true;
	malformed = false;
	ck_assert_int_eq(ipc_pair(ends, 100000), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[0], true), 0);
	ck_assert_int_eq(pthread_create(&filters, NULL, serve, NULL), 0);
}

static void teardown(void)
{
	close(ends[0]);
	pthread_join(filters, NULL);
	close(ends[1]);
}

static char why[DIAL_WHY_MAX + 1];

static int dial(void)
{
	return dial_filter(ends[0], "virus", clock_mono_ms() + WAIT_MS, NULL, why, sizeof(why));
}

START_TEST(the_socket_is_handed_over)
{
	char text[6] = "";
	int fd = dial();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, text, 5), 5);
	ck_assert_str_eq(text, "hello");
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(the_reason_is_handed_over)
{
	with_socket = false;
	answer = (struct wire_filter_is){ENOENT, SPAN("/run/a.sock is missing: is the filter running?")};
	ck_assert_int_eq(dial(), -ENOENT);
	ck_assert_str_eq(why, "/run/a.sock is missing: is the filter running?");
}
END_TEST

START_TEST(nonsense_is_no_socket)
{
	malformed = true;
	ck_assert_int_eq(dial(), -DIAL_OURS);
	malformed = with_socket = false;
	ck_assert_int_eq(dial(), -DIAL_OURS);
	with_socket = true;
	answer.error = ENOENT;
	ck_assert_int_eq(dial(), -DIAL_OURS);
	ck_assert_str_eq(why, "mailroot-filters sent a malformed answer");
}
END_TEST

START_TEST(a_process_that_dies_is_asked_again)
{
	deaths = 1;
	int fd = dial();
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(asked, 2);
	close(fd);
}
END_TEST

START_TEST(a_process_that_is_gone_has_a_reason)
{
	int pair[2];
	ck_assert_int_eq(ipc_pair(pair, 10000), 0);
	ck_assert_int_eq(fd_set_nonblock(pair[0], true), 0);
	ck_assert_int_eq(dial_filter(pair[0], "virus", clock_mono_ms() + 50, NULL, why, sizeof(why)), -DIAL_OURS);
	ck_assert_str_eq(why, "mailroot-filters did not answer in time: does it run?");
	close(pair[1]);
	ck_assert_int_eq(dial_filter(pair[0], "virus", clock_mono_ms() + WAIT_MS, NULL, why, sizeof(why)), -DIAL_OURS);
	ck_assert_str_eq(why, "can't ask mailroot-filters: does it run?");
	close(pair[0]);
}
END_TEST

static volatile sig_atomic_t ordered, waiting_fd;

/* As the handler of a signal does. */
static void *give_order(void *context)
{
	(void)context;
	while (waiting_fd == -1)
		usleep(100);
	ordered = 1;
	shutdown(waiting_fd, SHUT_RD);
	return NULL;
}

START_TEST(an_order_to_stop_ends_the_wait)
{
	const struct dial_stop stop = {&ordered, &waiting_fd};
	int pair[2];
	pthread_t thread;
	int64_t begin = clock_mono_ms();
	waiting_fd = -1;
	ck_assert_int_eq(ipc_pair(pair, 10000), 0);
	ck_assert_int_eq(fd_set_nonblock(pair[0], true), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, give_order, NULL), 0);
	ck_assert_int_eq(dial_filter(pair[0], "virus", begin + 60000, &stop, why, sizeof(why)), -ECANCELED);
	pthread_join(thread, NULL);
	ck_assert_int_eq(waiting_fd, -1);
	ck_assert_int_eq(dial_filter(pair[0], "virus", begin + 60000, &stop, why, sizeof(why)), -ECANCELED);
	ck_assert_int_lt(clock_mono_ms() - begin, 30000);
	ordered = 0;
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd dial");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, the_socket_is_handed_over);
	tcase_add_test(all, the_reason_is_handed_over);
	tcase_add_test(all, nonsense_is_no_socket);
	tcase_add_test(all, a_process_that_dies_is_asked_again);
	tcase_add_test(all, a_process_that_is_gone_has_a_reason);
	tcase_add_test(all, an_order_to_stop_ends_the_wait);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
