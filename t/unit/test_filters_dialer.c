/* mailroot-filters as a process; the filters are sockets of the test. */
#include "smtpd/filters/dialer.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ask.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

enum { SOON_MS = 8000 };

static char folder[64], buffer[WIRE_PACKET_MAX], why[DIAL_WHY_MAX + 1], trouble[CHILD_TROUBLE_MAX + 1];
static struct dialer dialer;
static struct child child;
static pid_t filters;
static int control[2], questions[2]; /* the first end is ours */

/* The configuration has filters a and b at sockets of these names, and their time to connect. */
static int configuration(const char *blocks)
{
	char text[1000];
	snprintf(text, sizeof(text), "virtual_server default {\nfqdn mail.example.com\n%s}\n", blocks);
	int fd = fd_sealed("configuration", span_of(text));
	ck_assert_int_ge(fd, 0);
	return fd;
}

static const char *two(void)
{
	static char text[500];
	snprintf(text, sizeof(text),
		 "filter a {\naddress unix:%s/a\ntimeout connect 1s\n}\nfilter b {\naddress unix:%s/b\n}\n", folder,
		 folder);
	return text;
}

static int listen_at(const char *name, int backlog)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s", folder, name);
	unlink(to.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static _Noreturn void be_filters(void)
{
	int at[] = {fcntl(control[1], F_DUPFD_CLOEXEC, CHILD_FD_LISTEN),
		    fcntl(questions[1], F_DUPFD_CLOEXEC, CHILD_FD_LISTEN)};
	close(control[0]);
	close(questions[0]);
	if (dup2(at[0], CHILD_FD_CONTROL) < 0 || dup2(at[1], CHILD_FD_FILTERS) < 0)
		_exit(1);
	close(at[0]);
	signal(SIGPIPE, SIG_IGN);
	dialer_load(&dialer, &child);
	dialer_run(&dialer);
	dialer_free(&dialer);
	_exit(0);
}

static void start(void)
{
	struct str text;
	str_init(&text, 2000);
	int fd = configuration(two());
	ck_assert_int_eq(child_config_text(fd, &text), 0);
	ck_assert(config_parse_canonical(str_span(&text), &child.config));
	child.server = &child.config.servers[0];
	child.server_name = "default";
	str_free(&text);
	close(fd);
	filters = fork();
	ck_assert_int_ge(filters, 0);
	if (filters == 0)
		be_filters();
	close(control[1]);
}

static void set_up(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(folder, "/tmp/filters-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(ipc_pair(control, 100000), 0);
	ck_assert_int_eq(ipc_pair(questions, 100000), 0);
	ck_assert_int_eq(fd_set_nonblock(questions[0], true), 0);
	trouble[0] = '\0';
}

static void expect_end(void)
{
	int status;
	ck_assert_int_eq(waitpid(filters, &status, 0), filters);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
	filters = 0;
}

static void tear_down(void)
{
	char command[100];
	close(control[0]); /* master has ended */
	if (filters)
		expect_end();
	close(questions[0]);
	close(questions[1]);
	config_free(&child.config);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static int dial(const char *name)
{
	return dial_filter(questions[0], name, clock_mono_ms() + SOON_MS, NULL, why, sizeof(why));
}

/* Reads what master is told, until the trouble contains WORDS, or is empty with "". */
static void expect_trouble(const char *words)
{
	struct ipc_packet packet;
	struct wire_trouble wire;
	int64_t until = clock_mono_ms() + SOON_MS;
	while (words[0] ? !strstr(trouble, words) : trouble[0] != '\0') {
		ck_assert_msg(fd_await(control[0], until) == 0, "wanted %s, got %s", words, trouble);
		ck_assert_int_eq(ipc_receive(control[0], buffer, sizeof(buffer), 0, &packet), 0);
		ck_assert(!packet.eof);
		if (wire_decode_trouble(packet.text, &wire))
			snprintf(trouble, sizeof(trouble), "%.*s", SPAN_ARGS(wire.text));
		ipc_packet_close(&packet);
	}
}

static void order(enum wire_type type, const int *fd)
{
	struct str packet;
	str_init(&packet, 100);
	wire_sample(type, &packet);
	ck_assert_int_eq(ipc_send(control[0], str_span(&packet), fd, fd ? 1 : 0), 0);
	str_free(&packet);
}

START_TEST(a_connection_is_handed_over)
{
	int a = listen_at("a", 5), b = listen_at("b", 5);
	char octet;
	start();
	close(accept(a, NULL, NULL)); /* the try at the start */
	close(accept(b, NULL, NULL));
	for (int i = 0; i < 3; i++) {
		int fd = dial("b");
		ck_assert_msg(fd >= 0, "%s", why);
		int peer = accept(b, NULL, NULL);
		ck_assert_int_eq(write(peer, "b", 1), 1);
		ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
		ck_assert_int_eq(read(fd, &octet, 1), 1);
		close(peer);
		/* Nobody else has it. */
		close(fd);
	}
	close(a);
	close(b);
}
END_TEST

START_TEST(a_filter_that_is_down_is_told_at_once_and_found_again)
{
	int a = listen_at("a", 50);
	start();
	expect_trouble("/b does not exist: is the filter running");
	ck_assert_ptr_nonnull(strstr(trouble, "filter b is down since 20"));
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("b"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/b does not exist"));
	int b = listen_at("b", 50);
	expect_trouble("");
	int fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(b);
	ck_assert_int_eq(dial("b"), -ECONNREFUSED);
	expect_trouble("nothing listens at");
	fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(a);
}
END_TEST

/* Its backlog is full for as long as the time to connect: the next question is answered at once. */
START_TEST(a_filter_that_hangs_costs_its_time_once)
{
	int a = listen_at("a", 0), b = listen_at("b", 50), fds[8];
	size_t n = 0;
	start();
	int64_t before = clock_mono_ms();
	while (n < 8 && (fds[n] = dial("a")) >= 0)
		n++;
	ck_assert_uint_lt(n, 8);
	ck_assert_int_eq(fds[n], -EAGAIN);
	ck_assert_int_ge(clock_mono_ms() - before, 900);
	expect_trouble("does not accept connections: does the filter hang?");
	before = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(dial("a"), -EAGAIN);
	ck_assert_int_lt(clock_mono_ms() - before, 1000);
	while (n)
		close(fds[--n]);
	close(a);
	close(b);
}
END_TEST

START_TEST(unknown_filters_and_malformed_questions)
{
	struct str packet;
	int b = listen_at("b", 50);
	start();
	ck_assert_int_eq(dial("c"), -ENOENT);
	ck_assert_str_eq(why, "the configuration has no such filter any more");
	str_init(&packet, 4096);
	str_append_text(&packet, "x");
	WIRE_EACH_FOREIGN(type, WIRE_LINK_filters, WIRE_UP)
	{
		ck_assert_int_eq(ipc_send(questions[0], str_span(&packet), NULL, 0), 0);
		wire_sample(type, &packet);
		int fd = ask_begin(questions[0], str_span(&packet));
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
		ck_assert_int_eq(recv(fd, buffer, 1, 0), 0);
		close(fd);
	}
	str_free(&packet);
	int fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(b);
}
END_TEST

/* A reload changes the address of one filter, and the other one keeps its state. */
START_TEST(reload)
{
	char blocks[500];
	int b = listen_at("b", 50), c = listen_at("c", 50);
	start();
	expect_trouble("filter a is down since 20");
	char since[40];
	snprintf(since, sizeof(since), "%.30s", strstr(trouble, "since"));
	snprintf(blocks, sizeof(blocks), "filter a {\naddress unix:%s/a\n}\nfilter b {\naddress unix:%s/c\n}\n", folder,
		 folder);
	int fd = configuration(blocks);
	order(WIRE_reload, &fd);
	close(fd);
	close(b);
	struct pollfd listener = {.fd = c, .events = POLLIN};
	ck_assert_int_eq(poll(&listener, 1, SOON_MS), 1);
	fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	ck_assert_int_eq(dial("a"), -ENOENT);
	fd = configuration("filter b {\naddress unix:/nowhere/at/all\n}\n");
	order(WIRE_reload, &fd);
	close(fd);
	expect_trouble("filter b is down since 20");
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("a"), -ENOENT);
	ck_assert_str_eq(why, "the configuration has no such filter any more");
	close(c);
}
END_TEST

START_TEST(master_is_obeyed)
{
	struct ipc_packet packet;
	int a = listen_at("a", 50), b = listen_at("b", 50);
	start();
	order(WIRE_ping, NULL);
	ck_assert_int_eq(fd_await(control[0], clock_mono_ms() + SOON_MS), 0);
	ck_assert_int_eq(ipc_receive(control[0], buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert_int_eq(wire_admit(WIRE_LINK_control_filters, WIRE_UP, packet.text), WIRE_pong);
	ipc_packet_close(&packet);
	order(WIRE_stop, NULL);
	expect_end();
	close(a);
	close(b);
}
END_TEST

static pid_t worker(void)
{
	const struct wire_filter_of of = {SPAN("a")};
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct str packet;
		str_init(&packet, 100);
		if (!wire_encode_filter_of(&of, &packet) || ask_begin(questions[0], str_span(&packet)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

/* Each process has one, and there is an end to them. Filter a hangs for longer than the test takes. */
START_TEST(questions_are_bounded)
{
	pid_t workers[DIALER_QUESTIONS];
	char blocks[500];
	int a = listen_at("a", 0), b = listen_at("b", 50), fds[8];
	size_t n = 0;
	snprintf(blocks, sizeof(blocks),
		 "filter a {\naddress unix:%s/a\ntimeout connect 1m\n}\nfilter b {\naddress unix:%s/b\n}\n", folder,
		 folder);
	start();
	int fd = configuration(blocks);
	order(WIRE_reload, &fd);
	close(fd);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/a", folder);
	do
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (connect(fds[n], (struct sockaddr *)&to, sizeof(to)) == 0 && ++n < 8);
	ck_assert_uint_lt(n, 8);
	for (int i = 0; i < DIALER_QUESTIONS; i++)
		workers[i] = worker();
	int64_t until = clock_mono_ms() + SOON_MS;
	while ((fd = dial("b")) >= 0 && clock_mono_ms() < until)
		close(fd);
	ck_assert_int_eq(fd, -EBUSY);
	ck_assert_str_eq(why, "too many connections to filters are being made");
	for (int i = 0; i < DIALER_QUESTIONS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	fd = dial("b"); /* they have ended */
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(a);
	close(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filters dialer");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, a_connection_is_handed_over);
	tcase_add_test(all, a_filter_that_is_down_is_told_at_once_and_found_again);
	tcase_add_test(all, a_filter_that_hangs_costs_its_time_once);
	tcase_add_test(all, unknown_filters_and_malformed_questions);
	tcase_add_test(all, reload);
	tcase_add_test(all, master_is_obeyed);
	tcase_add_test(all, questions_are_bounded);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
