/* Idle times, deadlines and hurry: how long a stream waits for its peer. */
#include "t/unit/stream_fixture.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "common/base/clock.h"

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

/* A child sends one octet every 10 ms. */
static pid_t trickle(void)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	while (send(peer, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(10000);
	_exit(0);
}

/* One octet every 10 ms never reaches the idle time of 5 s, but the phase ends. */
START_TEST(trickled_lines_end_at_the_deadline)
{
	pid_t pid = trickle();
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
	pid_t pid = trickle();
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

int main(void)
{
	const TTest *const tests[] = {idle_time_ends,
				      a_time_out_set_too_short_does_not_end_a_wait,
				      trickled_lines_end_at_the_deadline,
				      hurry_ends_a_wait_that_has_begun,
				      hurry_ends_a_phase_that_trickles,
				      hurry_ends_a_send,
				      a_peer_that_never_reads_costs_its_session,
				      a_peer_that_reads_slowly_ends_at_the_deadline};
	return run_tests("stream_time", tests, sizeof(tests) / sizeof(tests[0]), setup, close_stream);
}
