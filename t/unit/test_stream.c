/* Lines and other input, replies, a peer that is gone, signals. */
#include "t/unit/stream_fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

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
	const TTest *const tests[] = {lines_and_line_ends,
				      bound_is_exact,
				      long_lines_are_skipped,
				      endless_lines_end_the_session,
				      a_line_as_long_as_the_buffer,
				      replies_go_out_before_we_wait,
				      peek_take_discard,
				      wiped_input_is_gone,
				      large_writes_arrive_whole,
				      a_peer_that_is_gone_is_an_error_and_no_signal,
				      a_stop_from_a_signal_handler_reads_as_eof,
				      an_interrupted_read_goes_on};
	return run_tests("stream", tests, sizeof(tests) / sizeof(tests[0]), setup, close_stream);
}
