#include "common/net/stream.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

static struct stream s;
static int ours, peer;

static void open_stream(int64_t idle_ms)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ours = ends[0];
	peer = ends[1];
	ck_assert(stream_init(&s, ours, idle_ms));
}

static void close_stream(void)
{
	stream_free(&s);
	close(ours);
	close(peer);
}

static void setup(void)
{
	open_stream(5000);
}

static void say(const char *octets, size_t len)
{
	ck_assert_int_eq(send(peer, octets, len, MSG_NOSIGNAL), (ssize_t)len);
}

#define SAY(literal) say(literal, sizeof(literal) - 1)

static void expect_line(size_t max, struct span want, bool want_bare)
{
	struct span line;
	bool bare;
	ck_assert_int_eq(stream_line(&s, max, &line, &bare), STREAM_OK);
	ck_assert_uint_eq(line.len, want.len);
	ck_assert_mem_eq(line.at, want.at, want.len);
	ck_assert_int_eq(bare, want_bare);
}

static enum stream_result read_line(size_t max)
{
	struct span line;
	bool bare;
	return stream_line(&s, max, &line, &bare);
}

static struct span heard(void)
{
	static char text[4096];
	ssize_t n = recv(peer, text, sizeof(text), MSG_DONTWAIT);
	return (struct span){text, n > 0 ? (size_t)n : 0};
}

START_TEST(lines_and_line_ends)
{
	SAY("EHLO a\r\n\r\nbare\n\nin\rside\r\ntwo\r\r\nnul\0x\r\nEHL");
	expect_line(512, SPAN("EHLO a"), false);
	expect_line(512, SPAN(""), false);
	expect_line(512, SPAN("bare"), true);
	expect_line(512, SPAN(""), true);
	expect_line(512, SPAN("in\rside"), true);
	expect_line(512, SPAN("two\r"), true);
	expect_line(512, SPAN("nul\0x"), false);
	ck_assert(stream_pending(&s));
	SAY("O\r");
	SAY("\n");
	expect_line(512, SPAN("EHLO"), false);
	ck_assert(!stream_pending(&s));
	SAY("unfinished");
	shutdown(peer, SHUT_WR);
	ck_assert_int_eq(read_line(512), STREAM_EOF);
	ck_assert_int_eq(read_line(512), STREAM_EOF);
}
END_TEST

START_TEST(bound_is_exact)
{
	SAY("12345678\r\n12345678\n123456789\r\n123456789\n12345678\r\r\nnext\r\n");
	expect_line(8, SPAN("12345678"), false);
	expect_line(8, SPAN("12345678"), true);
	ck_assert_int_eq(read_line(8), STREAM_TOO_LONG);
	ck_assert_int_eq(read_line(8), STREAM_TOO_LONG);
	ck_assert_int_eq(read_line(8), STREAM_TOO_LONG);
	expect_line(8, SPAN("next"), false);
}
END_TEST

/* Fills from a child, for what does not fit into a socket buffer. */
static pid_t say_much(size_t octets, struct span end)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char *text = malloc(octets);
	memset(text, 'x', octets);
	for (size_t at = 0; at < octets;) {
		ssize_t n = send(peer, text + at, octets - at, MSG_NOSIGNAL);
		if (n < 0)
			_exit(1);
		at += (size_t)n;
	}
	send(peer, end.at, end.len, MSG_NOSIGNAL);
	_exit(0);
}

START_TEST(long_lines_are_skipped)
{
	pid_t pid = say_much(1024 * 1024 - 1, SPAN("\r\nnext\r\n"));
	ck_assert_int_eq(read_line(2048), STREAM_TOO_LONG);
	expect_line(2048, SPAN("next"), false);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(endless_lines_end_the_session)
{
	pid_t pid = say_much(2 * 1024 * 1024, SPAN("\r\n"));
	ck_assert_int_eq(read_line(2048), STREAM_ERROR);
	ck_assert_int_eq(errno, EMSGSIZE);
	shutdown(ours, SHUT_RDWR);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_line_as_long_as_the_buffer)
{
	char *text = malloc(STREAM_IN);
	memset(text, 'y', STREAM_IN);
	text[STREAM_IN - 2] = '\r';
	text[STREAM_IN - 1] = '\n';
	SAY("first\r\n");
	say(text, STREAM_IN);
	expect_line(SIZE_MAX, SPAN("first"), false);
	expect_line(SIZE_MAX, (struct span){text, STREAM_IN - 2}, false);
	text[STREAM_IN - 2] = 'y';
	say(text, STREAM_IN);
	ck_assert_int_eq(read_line(SIZE_MAX), STREAM_TOO_LONG);
	free(text);
}
END_TEST

START_TEST(replies_go_out_before_we_wait)
{
	SAY("one\r\ntwo\r\n");
	expect_line(512, SPAN("one"), false);
	ck_assert_int_eq(stream_write(&s, SPAN("250 1\r\n")), STREAM_OK);
	ck_assert_uint_eq(heard().len, 0);
	expect_line(512, SPAN("two"), false);
	ck_assert_int_eq(stream_write(&s, SPAN("250 2\r\n")), STREAM_OK);
	ck_assert_uint_eq(heard().len, 0);
	SAY("three\r\n");
	expect_line(512, SPAN("three"), false);
	ck_assert(span_equal(heard(), SPAN("250 1\r\n250 2\r\n")));
}
END_TEST

START_TEST(peek_take_discard)
{
	struct span octets;
	SAY("DATA\r\nbody");
	expect_line(512, SPAN("DATA"), false);
	ck_assert_int_eq(stream_peek(&s, &octets), STREAM_OK);
	ck_assert(span_equal(octets, SPAN("body")));
	stream_taken(&s, 3);
	ck_assert_int_eq(stream_peek(&s, &octets), STREAM_OK);
	ck_assert(span_equal(octets, SPAN("y")));
	stream_discard(&s);
	SAY("after\r\n");
	ck_assert_int_eq(stream_peek(&s, &octets), STREAM_OK);
	ck_assert(span_equal(octets, SPAN("after\r\n")));
}
END_TEST

/* Input that was taken is wiped, also if a full buffer was moved; other input is unchanged. */
START_TEST(wiped_input_is_gone)
{
	static char filler[STREAM_IN - 100];
	memset(filler, 'x', sizeof(filler) - 2);
	memcpy(filler + sizeof(filler) - 2, "\r\n", 2);
	SAY("secret\r\nNOOP\r\n");
	expect_line(512, SPAN("secret"), false);
	stream_wipe(&s);
	ck_assert_ptr_null(memmem(s.in, STREAM_IN, "secret", 6));
	expect_line(512, SPAN("NOOP"), false);
	SAY("secret\r\nsecret\r\n");
	expect_line(512, SPAN("secret"), false);
	expect_line(512, SPAN("secret"), false);
	say(filler, sizeof(filler));
	ck_assert_int_eq(read_line(STREAM_IN), STREAM_OK);
	stream_wipe(&s);
	ck_assert_ptr_null(memmem(s.in, STREAM_IN, "secret", 6));
	ck_assert_ptr_null(memmem(s.in, STREAM_IN, "xx", 2));
}
END_TEST

START_TEST(large_writes_arrive_whole)
{
	size_t size = 300 * 1000, got = 0;
	char *text = malloc(size), *copy = malloc(size);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(i * 31 % 251);
	pid_t pid = fork();
	if (pid == 0) {
		stream_write(&s, (struct span){text, 10});
		stream_write(&s, (struct span){text + 10, STREAM_OUT - 5});
		stream_write(&s, (struct span){text + 5 + STREAM_OUT, size - 5 - STREAM_OUT});
		_exit(stream_flush(&s) == STREAM_OK ? 0 : 1);
	}
	while (got < size) {
		ssize_t n = recv(peer, copy + got, size - got, 0);
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	ck_assert_mem_eq(text, copy, size);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(text);
	free(copy);
}
END_TEST

START_TEST(idle_time_ends)
{
	close_stream();
	open_stream(120);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 120);
	ck_assert_int_lt(clock_mono_ms() - began, 2000);
	ck_assert_int_eq(stream_write(&s, SPAN("421 4.4.2\r\n")), STREAM_OK);
	ck_assert_int_eq(stream_flush(&s), STREAM_OK);
	ck_assert(span_equal(heard(), SPAN("421 4.4.2\r\n")));
}
END_TEST

START_TEST(a_time_out_set_too_short_does_not_end_a_wait)
{
	stream_deadline(&s, 50);
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_le(s.timeout_set, 60);
	stream_deadline(&s, 400);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 400);
	ck_assert_msg(s.timeout_set > 200, "a long wait in short pieces: %d ms", (int)s.timeout_set);
}
END_TEST

/* One octet every 10 ms never reaches the idle time of 5 s, but the phase ends. */
START_TEST(trickled_lines_end_at_the_deadline)
{
	pid_t pid = fork();
	if (pid == 0) {
		while (send(peer, "x", 1, MSG_NOSIGNAL) == 1)
			usleep(10000);
		_exit(0);
	}
	stream_deadline(&s, 200);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 200);
	ck_assert_int_lt(clock_mono_ms() - began, 2000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

static _Atomic bool hurry;

static void on_alarm(int signo)
{
	(void)signo;
	hurry = true;
}

/* A signal asks for hurry every EVERY_MS. */
static void alarm_every(int every_ms)
{
	const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	const struct timeval tv = {.tv_usec = every_ms * 1000};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){tv, tv}, NULL);
}

START_TEST(hurry_ends_a_wait_that_has_begun)
{
	hurry = false;
	stream_hurry(&s, &hurry, 150);
	stream_deadline(&s, 60000);
	alarm_every(50);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 150);
	ck_assert_int_lt(clock_mono_ms() - began, 4000);
	alarm_every(0);
	hurry = false;
	SAY("a\r\n");
	stream_deadline(&s, 60000);
	expect_line(512, SPAN("a"), false);
}
END_TEST

START_TEST(hurry_ends_a_phase_that_trickles)
{
	pid_t pid = fork();
	if (pid == 0) {
		while (send(peer, "x", 1, MSG_NOSIGNAL) == 1)
			usleep(10000);
		_exit(0);
	}
	hurry = true;
	stream_hurry(&s, &hurry, 200);
	stream_deadline(&s, 60000);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(read_line(512), STREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 200);
	ck_assert_int_lt(clock_mono_ms() - began, 4000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(hurry_ends_a_send)
{
	enum stream_result result = STREAM_OK;
	static const char reply[1000];
	hurry = true;
	stream_hurry(&s, &hurry, 150);
	stream_deadline(&s, 60000);
	alarm_every(100);
	int64_t began = clock_mono_ms();
	for (int i = 0; i < 5000 && result == STREAM_OK; i++)
		result = stream_write(&s, (struct span){reply, sizeof(reply)});
	alarm_every(0);
	ck_assert_int_eq(result, STREAM_TIMEOUT);
	ck_assert_int_lt(clock_mono_ms() - began, 4000);
}
END_TEST

START_TEST(a_peer_that_never_reads_costs_its_session)
{
	enum stream_result result = STREAM_OK;
	static const char reply[1000];
	close_stream();
	open_stream(100);
	for (int i = 0; i < 5000 && result == STREAM_OK; i++)
		result = stream_write(&s, (struct span){reply, sizeof(reply)});
	ck_assert_int_eq(result, STREAM_TIMEOUT);
	ck_assert_int_eq(stream_write(&s, SPAN("more")), STREAM_ERROR);
	ck_assert_int_eq(stream_flush(&s), STREAM_ERROR);
}
END_TEST

/* A peer that reads a little before each send time-out still ends with the phase. */
START_TEST(a_peer_that_reads_slowly_ends_at_the_deadline)
{
	size_t size = 8 * 1024 * 1024;
	char *text = calloc(1, size);
	close_stream();
	open_stream(300);
	pid_t pid = fork();
	if (pid == 0) {
		char some[4096];
		while (recv(peer, some, sizeof(some), 0) > 0)
			usleep(20000);
		_exit(0);
	}
	stream_deadline(&s, 700);
	int64_t began = clock_mono_ms();
	ck_assert_int_eq(stream_write(&s, (struct span){text, size}), STREAM_TIMEOUT);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(text);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_an_error_and_no_signal)
{
	close(peer);
	ck_assert_int_eq(stream_write(&s, SPAN("250\r\n")), STREAM_OK);
	ck_assert_int_eq(read_line(512), STREAM_ERROR);
	ck_assert_int_eq(errno, EPIPE);
	peer = dup(ours);
}
END_TEST

static void stop_reading(int signo)
{
	(void)signo;
	shutdown(ours, SHUT_RD);
}

START_TEST(a_stop_from_a_signal_handler_reads_as_eof)
{
	struct sigaction action = {.sa_handler = stop_reading};
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	pid_t self = getpid(), pid = fork();
	if (pid == 0) {
		usleep(50000);
		kill(self, SIGUSR2);
		_exit(0);
	}
	ck_assert_int_eq(read_line(512), STREAM_EOF);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(an_interrupted_read_goes_on)
{
	struct sigaction action = {.sa_handler = stop_reading};
	int kept = ours;
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	ours = -1;
	pid_t self = getpid(), pid = fork();
	if (pid == 0) {
		usleep(30000);
		kill(self, SIGUSR2);
		usleep(30000);
		send(peer, "NOOP\r\n", 6, 0);
		_exit(0);
	}
	expect_line(512, SPAN("NOOP"), false);
	waitpid(pid, NULL, 0);
	ours = kept;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");
	tcase_add_checked_fixture(tc, setup, close_stream);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, lines_and_line_ends);
	tcase_add_test(tc, bound_is_exact);
	tcase_add_test(tc, long_lines_are_skipped);
	tcase_add_test(tc, endless_lines_end_the_session);
	tcase_add_test(tc, a_line_as_long_as_the_buffer);
	tcase_add_test(tc, replies_go_out_before_we_wait);
	tcase_add_test(tc, peek_take_discard);
	tcase_add_test(tc, wiped_input_is_gone);
	tcase_add_test(tc, large_writes_arrive_whole);
	tcase_add_test(tc, idle_time_ends);
	tcase_add_test(tc, a_time_out_set_too_short_does_not_end_a_wait);
	tcase_add_test(tc, trickled_lines_end_at_the_deadline);
	tcase_add_test(tc, a_peer_that_never_reads_costs_its_session);
	tcase_add_test(tc, a_peer_that_reads_slowly_ends_at_the_deadline);
	tcase_add_test(tc, a_peer_that_is_gone_is_an_error_and_no_signal);
	tcase_add_test(tc, a_stop_from_a_signal_handler_reads_as_eof);
	tcase_add_test(tc, an_interrupted_read_goes_on);
	tcase_add_test(tc, hurry_ends_a_wait_that_has_begun);
	tcase_add_test(tc, hurry_ends_a_phase_that_trickles);
	tcase_add_test(tc, hurry_ends_a_send);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
