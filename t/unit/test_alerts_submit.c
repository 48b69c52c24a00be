#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "ctl/alerts/submit.h"
#include "t/unit/suite.h"

static char said[SUBMIT_SAID_MAX];

/*
 * The host, in a process: SCRIPT has its replies, each but the first sent after a line that begins with the text in
 * front of "|", or after the final dot for ".". Exits with 1 when a line is another one.
 */
static _Noreturn void host(int fd, const char *const *script)
{
	FILE *peer = fdopen(fd, "r+");
	char line[1000];
	signal(SIGPIPE, SIG_IGN); /* the reply to QUIT finds the connection closed */
	for (; *script; script++) {
		const char *reply = strchr(*script, '|');
		size_t wanted = (size_t)(reply - *script);
		bool is_text = wanted == 1 && **script == '.';
		do {
			if (wanted && !fgets(line, sizeof(line), peer))
				_exit(2);
			if (is_text && line[0] == '.' && line[1] != '.' && strcmp(line, ".\r\n") != 0)
				_exit(3);
		} while (is_text && strcmp(line, ".\r\n") != 0);
		if (wanted && !is_text && strncmp(line, *script, wanted) != 0)
			_exit(1);
		fseek(peer, 0, SEEK_CUR);
		fputs(reply + 1, peer);
		fflush(peer);
	}
	while (fgets(line, sizeof(line), peer))
		;
	_exit(0);
}

/* Sends a mail to a host with SCRIPT. */
static bool send_to(const char *const *script, int64_t ms)
{
	static const struct submission mail = {"relay.example", "root@relay.example", "ops@example",
					       SPAN("Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n")};
	int ends[2], status;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		host(ends[1], script);
	}
	close(ends[1]);
	bool sent = submit(ends[0], &mail, ms, said);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "host ended with %d, said: %s", status, said);
	return sent;
}

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_mail_is_sent)
{
	ck_assert(
		send_to(SCRIPT("|220 a\r\n", "EHLO relay.example\r\n|250-a\r\n250 SIZE\r\n",
			       "MAIL FROM:<root@relay.example>\r\n|250 ok\r\n", "RCPT TO:<ops@example>\r\n|250 ok\r\n",
			       "DATA\r\n|354 go\r\n", ".|250 2.0.0 taken\r\n", "QUIT\r\n|221 bye\r\n"),
			20000));
	ck_assert_str_eq(said, "after the text: 250 taken");
}
END_TEST

START_TEST(a_host_without_ehlo_gets_helo)
{
	ck_assert(send_to(SCRIPT("|220 a\r\n", "EHLO|502 no\r\n", "HELO relay.example\r\n|250 a\r\n", "MAIL|250 ok\r\n",
				 "RCPT|250 ok\r\n", "DATA|354 go\r\n", ".|250 taken\r\n", "QUIT|221 bye\r\n"),
			  20000));
}
END_TEST

START_TEST(each_refusal_is_told_and_ends_with_quit)
{
	static const char *const steps[] = {"|", "EHLO|", "MAIL|", "RCPT|", "DATA|", ".|"};
	static const char *const good[] = {"|220 a\r\n",      "EHLO|250 a\r\n",  "MAIL|250 ok\r\n",
					   "RCPT|250 ok\r\n", "DATA|354 go\r\n", ".|250 taken\r\n"};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const char *script[9];
		char refusal[40];
		memcpy(script, good, sizeof(good));
		snprintf(refusal, sizeof(refusal), "%s451 4.3.0 later\r\n", steps[i]);
		script[i] = refusal;
		script[i + 1] = "QUIT\r\n|221 bye\r\n";
		script[i + 2] = NULL;
		ck_assert_msg(!send_to(script, 20000), "step %zu", i);
		ck_assert_msg(strstr(said, "451 later") != NULL, "step %zu: %s", i, said);
	}
}
END_TEST

START_TEST(a_host_that_hangs_or_babbles_is_left)
{
	int64_t began = clock_mono_ms();
	ck_assert(!send_to(SCRIPT("|220 a\r\n", "EHLO|250-a\r\n"), 500));
	ck_assert_int_lt(clock_mono_ms() - began, 20000);
	ck_assert_str_eq(said, "after EHLO: no reply in time");
	ck_assert(!send_to(SCRIPT("|hello\r\n"), 20000));
	ck_assert_str_eq(said, "after connecting: an invalid reply");
}
END_TEST

/* Each octet comes in time, but the reply never ends. */
START_TEST(a_host_that_trickles_is_left)
{
	static const struct submission mail = {"a", "b@c", "d@e", SPAN("x\r\n")};
	int ends[2], status;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		while (send(ends[1], "2", 1, MSG_NOSIGNAL) == 1)
			poll(NULL, 0, 50);
		_exit(0);
	}
	close(ends[1]);
	int64_t began = clock_mono_ms();
	ck_assert(!submit(ends[0], &mail, 500, said));
	ck_assert_int_lt(clock_mono_ms() - began, 20000);
	ck_assert_str_eq(said, "after connecting: no reply in time");
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

START_TEST(a_host_that_closes_is_told)
{
	int ends[2];
	struct submission mail = {"a", "b@c", "d@e", SPAN("x\r\n")};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], "220 a\r\n", 7), 7);
	ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
	ck_assert(!submit(ends[0], &mail, 20000, said));
	ck_assert_ptr_nonnull(strstr(said, "the host closed the connection"));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_mail_is_sent,
		a_host_without_ehlo_gets_helo,
		each_refusal_is_told_and_ends_with_quit,
		a_host_that_hangs_or_babbles_is_left,
		a_host_that_trickles_is_left,
		a_host_that_closes_is_told,
	};
	return run_tests("alerts_submit", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
