/* mailroot-filters as a process; the filters are sockets of the test. */
#include "smtpd/filters/dialer.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

enum { SOON_MS = 8000, CROWD = 300 /* more than the dialer polls */ };

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

/* A filter: answers the greeting of each connection with its own LETTER, until the listener is shut. */
struct answering {
	int listener;
	char letter;
	pthread_t thread;
};

static void *answer_all(void *context)
{
	const struct answering *a = context;
	char octets[100];
	const char offer[] = {0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, a->letter};
	int fd;
	while ((fd = accept(a->listener, NULL, NULL)) >= 0) {
		if (read(fd, octets, sizeof(octets)) > 4 && octets[4] == 'O' && write(fd, offer, sizeof(offer)) < 0)
			ck_assert_int_eq(errno, EPIPE); /* nobody waits any more */
		close(fd);
	}
	return NULL;
}

static struct answering answering(const char *name)
{
	return (struct answering){.listener = listen_at(name, 50), .letter = name[0]};
}

static void wake(struct answering *a)
{
	ck_assert_int_eq(pthread_create(&a->thread, NULL, answer_all, a), 0);
}

static void end(struct answering *a)
{
	shutdown(a->listener, SHUT_RDWR);
	pthread_join(a->thread, NULL);
	close(a->listener);
}

static bool crowded; /* mailroot-filters has one descriptor to spare */

static void crowd(void)
{
	int fd = -1, last = -1;
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){CROWD, CROWD}) != 0)
		_exit(1);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	close(last);
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
	if (crowded)
		crowd();
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
	signal(SIGPIPE, SIG_IGN);
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
	struct answering a = answering("a"), b = answering("b");
	char octets[100];
	wake(&a);
	wake(&b);
	start();
	for (int i = 0; i < 6; i++) {
		int fd = dial(i % 2 ? "a" : "b");
		ck_assert_msg(fd >= 0, "%s", why);
		ck_assert(reach_greet(fd));
		ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
		ck_assert_int_eq(read(fd, octets, sizeof(octets)), 17);
		ck_assert_int_eq(octets[16], i % 2 ? 'a' : 'b');
		close(fd);
	}
	end(&a);
	end(&b);
}
END_TEST

START_TEST(a_filter_that_is_down_is_told_at_once_and_found_again)
{
	struct answering a = answering("a");
	wake(&a);
	start();
	expect_trouble("/b does not exist: is the filter running");
	ck_assert_ptr_nonnull(strstr(trouble, "filter b is down since 20"));
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("b"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/b does not exist"));
	struct answering b = answering("b");
	wake(&b);
	expect_trouble("");
	int fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&b);
	ck_assert_int_eq(dial("b"), -ECONNREFUSED);
	expect_trouble("nothing listens at");
	fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&a);
}
END_TEST

/* It accepts connections, or rather the kernel does: a question after that is answered at once. */
START_TEST(a_filter_that_hangs_costs_its_time_once)
{
	struct answering a = answering("a"), b = answering("b");
	wake(&b);
	start();
	int fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	dial_doubt(questions[0], "a");
	expect_trouble("/a accepts connections, but does not answer: does the filter hang?");
	int64_t before = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(dial("a"), -ETIME);
	ck_assert_int_lt(clock_mono_ms() - before, 1000);
	wake(&a);
	expect_trouble("");
	end(&a);
	end(&b);
}
END_TEST

/* Nobody is believed: the filter is asked. */
START_TEST(a_doubt_is_looked_into)
{
	struct answering a = answering("a"), b = answering("b");
	wake(&a);
	wake(&b);
	start();
	int fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	dial_doubt(questions[0], "a");
	dial_doubt(questions[0], "nonsense");
	fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&a);
	a = answering("a");
	do
		dial_doubt(questions[0], "a"); /* those that come soon after another one do not count */
	while (fd_await(control[0], clock_mono_ms() + 100) == -ETIMEDOUT);
	expect_trouble("/a accepts connections, but does not answer");
	ck_assert_int_eq(dial("a"), -ETIME);
	wake(&a);
	end(&a);
	end(&b);
}
END_TEST

START_TEST(what_is_no_filter)
{
	int a = listen_at("a", 5), b = listen_at("b", 5);
	start();
	close(accept(a, NULL, NULL)); /* the try at the start */
	close(accept(b, NULL, NULL));
	dial_doubt(questions[0], "a");
	dial_doubt(questions[0], "b");
	int fd = accept(a, NULL, NULL);
	ck_assert_int_eq(write(fd, "220 mail.example.com ESMTP\r\n", 28), 28);
	close(accept(b, NULL, NULL));
	expect_trouble("/a does not speak the milter protocol: correct address");
	expect_trouble("/b ends each connection at once: does the filter accept this host?");
	close(fd);
	close(a);
	close(b);
}
END_TEST

START_TEST(unknown_filters_and_malformed_questions)
{
	struct str packet;
	struct answering b = answering("b");
	wake(&b);
	start();
	ck_assert_int_eq(dial("c"), -DIAL_OURS);
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
	end(&b);
}
END_TEST

/* There is a descriptor for the question, and none for the connection. */
START_TEST(lack_of_descriptors_is_no_fault_of_a_filter)
{
	int a = listen_at("a", 50);
	crowded = true;
	start();
	crowded = false;
	ck_assert_int_eq(dial("a"), -DIAL_OURS);
	ck_assert_str_eq(why, "mailroot-filters can't connect: Too many open files");
	close(a);
}
END_TEST

/* A reload changes the address of one filter, and the other one keeps its state. */
START_TEST(reload)
{
	char blocks[500], since[40];
	struct answering b = answering("b"), c = answering("c");
	wake(&b);
	wake(&c);
	start();
	expect_trouble("filter a is down since 20");
	snprintf(since, sizeof(since), "%.26s", strstr(trouble, "since"));
	snprintf(blocks, sizeof(blocks), "filter a {\naddress unix:%s/a\n}\nfilter b {\naddress unix:%s/c\n}\n", folder,
		 folder);
	int fd = configuration(blocks);
	order(WIRE_reload, &fd);
	close(fd);
	end(&b);
	fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	ck_assert_int_eq(dial("a"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(trouble, since));
	fd = configuration("filter b {\naddress unix:/nowhere/at/all\n}\n");
	order(WIRE_reload, &fd);
	close(fd);
	expect_trouble("filter b is down since 20");
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("a"), -DIAL_OURS);
	ck_assert_str_eq(why, "the configuration has no such filter any more");
	end(&c);
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
	int a = listen_at("a", 0), fds[8];
	struct answering b = answering("b");
	size_t n = 0;
	snprintf(blocks, sizeof(blocks),
		 "filter a {\naddress unix:%s/a\ntimeout connect 1m\n}\nfilter b {\naddress unix:%s/b\n}\n", folder,
		 folder);
	wake(&b);
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
	ck_assert_int_eq(fd, -DIAL_OURS);
	ck_assert_str_eq(why, "too many connections to filters are being made");
	for (int i = 0; i < DIALER_QUESTIONS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	fd = dial("b"); /* they have ended */
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(a);
	end(&b);
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
	tcase_add_test(all, a_doubt_is_looked_into);
	tcase_add_test(all, what_is_no_filter);
	tcase_add_test(all, unknown_filters_and_malformed_questions);
	tcase_add_test(all, lack_of_descriptors_is_no_fault_of_a_filter);
	tcase_add_test(all, reload);
	tcase_add_test(all, master_is_obeyed);
	tcase_add_test(all, questions_are_bounded);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
