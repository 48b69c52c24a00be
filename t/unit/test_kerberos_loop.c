/* mailroot-kerberos as a process; the test replaces what asks the KDC (asker.h). */
#include "smtpd/kerberos/loop.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ask.h"
#include "smtpd/kerberos/asker.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

enum { SOON_MS = 5000 /* before PASSWORDS_DEADLINE_MS */, DESCRIPTORS = 256 };

/* What the askers, which are processes, tell the test. */
static struct {
	_Atomic unsigned started;
	_Atomic pid_t last;
} * askers;

static struct loop loop;
static struct child child;
static struct config_server server;
static pid_t kerberos;
static int control[2], questions[2]; /* the first end is ours */

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The name of the user decides. */
void asker_ask(const struct keytab *keys, const char *principal, const struct asker_question *q, struct verdict *out)
{
	struct rlimit processes;
	(void)keys;
	(void)principal;
	askers->last = getpid();
	askers->started++;
	*out = (struct verdict){.event = PASSWORDS_RIGHT};
	if (strcmp(q->name, "silent") == 0)
		for (;;)
			pause();
	if (strcmp(q->name, "dies") == 0)
		_exit(9);
	if (strcmp(q->name, "wrong") == 0)
		*out = (struct verdict){.event = PASSWORDS_WRONG, .why = "wrong password"};
	else if (strcmp(q->name, "away") == 0)
		verdict_unavailable("the KDC is away", out);
	else if (strcmp(q->name, "bare") == 0 && getrlimit(RLIMIT_NPROC, &processes) == 0)
		snprintf(out->principal, sizeof(out->principal), "%u descriptors, %u processes", open_descriptors(),
			 (unsigned)processes.rlim_max);
	else
		snprintf(out->principal, sizeof(out->principal), "%.20s [%.100s] [%.20s]", q->name, q->realms,
			 q->password);
}

static void open_links(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	askers = mmap(NULL, sizeof(*askers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(askers != MAP_FAILED);
	ck_assert_int_eq(ipc_pair(control, 100000), 0);
	ck_assert_int_eq(ipc_pair(questions, 100000), 0);
	ck_assert_int_eq(fd_set_nonblock(questions[0], true), 0);
	child.server = &server;
	loop = (struct loop){.child = &child, .control = CHILD_FD_CONTROL, .questions = CHILD_FD_PASSWORDS};
	trouble_init(&loop.told);
}

static _Noreturn void be_kerberos(void)
{
	int at[] = {fcntl(control[1], F_DUPFD_CLOEXEC, CHILD_FD_LISTEN),
		    fcntl(questions[1], F_DUPFD_CLOEXEC, CHILD_FD_LISTEN)};
	close(control[0]);
	if (dup2(at[0], CHILD_FD_CONTROL) < 0 || dup2(at[1], CHILD_FD_PASSWORDS) < 0)
		_exit(1);
	close(at[0]);
	signal(SIGPIPE, SIG_IGN);
	loop_run(&loop);
	loop_free(&loop);
	_exit(0);
}

static void start(void)
{
	kerberos = fork();
	ck_assert_int_ge(kerberos, 0);
	if (kerberos == 0)
		be_kerberos();
	close(control[1]);
}

static void set_up(void)
{
	open_links();
	start();
}

static void expect_end(void)
{
	int status;
	ck_assert_int_eq(waitpid(kerberos, &status, 0), kerberos);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
	kerberos = 0;
}

static void tear_down(void)
{
	close(control[0]); /* master has ended */
	if (kerberos)
		expect_end();
	close(questions[0]);
	close(questions[1]);
	munmap(askers, sizeof(*askers));
	trouble_free(&loop.told);
}

static void make(const char *name, const char *password, struct str *to)
{
	const struct wire_password_of wire = {span_of(name), SPAN("A.TEST B.TEST"), span_of(password)};
	str_init(to, 4096);
	ck_assert(wire_encode_password_of(&wire, to));
}

/* As a worker that does not wait yet: where the answer will come. */
static int begin(const char *name)
{
	struct str question;
	make(name, "secret", &question);
	int fd = ask_begin(questions[0], str_span(&question));
	ck_assert_int_ge(fd, 0);
	str_free(&question);
	return fd;
}

/* Asks, and expects this event, with the principal or the reason. */
static void expect(const char *name, enum passwords_event event, const char *text)
{
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet answer;
	struct wire_password_fits fits;
	struct str question;
	make(name, "secret", &question);
	ck_assert_int_eq(
		ask_once(questions[0], str_span(&question), clock_mono_ms() + SOON_MS, buffer, sizeof(buffer), &answer),
		0);
	ck_assert(wire_decode_password_fits(answer.text, &fits));
	ck_assert_int_eq((int)fits.event, (int)event);
	struct span got = event == PASSWORDS_RIGHT ? fits.principal : fits.why;
	ck_assert_msg(span_equal(got, span_of(text)), "%.*s", SPAN_ARGS(got));
	ck_assert_uint_eq((event == PASSWORDS_RIGHT ? fits.why : fits.principal).len, 0);
	ipc_packet_close(&answer);
	str_free(&question);
}

static void expect_well(void)
{
	expect("alice", PASSWORDS_RIGHT, "alice [A.TEST B.TEST] [secret]");
}

/* The worker gets no answer to its question. */
static void expect_closed(int fd)
{
	char octet;
	ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
	ck_assert_int_eq(recv(fd, &octet, 1, 0), 0);
	close(fd);
}

/* Master reads this report of trouble. */
static void expect_trouble(const char *text)
{
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_trouble trouble;
	ck_assert_int_eq(fd_await(control[0], clock_mono_ms() + SOON_MS), 0);
	ck_assert_int_eq(ipc_receive(control[0], buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert(wire_decode_trouble(packet.text, &trouble));
	ck_assert_msg(span_equal(trouble.text, span_of(text)), "%.*s", SPAN_ARGS(trouble.text));
	ipc_packet_close(&packet);
}

static void wait_for_askers(unsigned n)
{
	int64_t until = clock_mono_ms() + SOON_MS;
	while (askers->started < n && clock_mono_ms() < until)
		usleep(1000);
	ck_assert_uint_eq(askers->started, n);
}

static void expect_killed(pid_t asker)
{
	ck_assert(kill(asker, 0) < 0 && errno == ESRCH);
}

START_TEST(answers_reach_the_worker)
{
	expect_well();
	expect("wrong", PASSWORDS_WRONG, "wrong password");
	expect("bare", PASSWORDS_RIGHT, "4 descriptors, 0 processes");
}
END_TEST

START_TEST(trouble_is_told_and_ends)
{
	expect("away", PASSWORDS_UNAVAILABLE, "the KDC is away");
	expect_trouble("passwords can't be checked by Kerberos: the KDC is away");
	expect("dies", PASSWORDS_UNAVAILABLE, "the process that asked the KDC has died");
	expect_trouble("passwords can't be checked by Kerberos: the process that asked the KDC has died");
	expect("wrong", PASSWORDS_WRONG, "wrong password"); /* so the KDC answers */
	expect_trouble("");
}
END_TEST

START_TEST(without_a_key_tab_nothing_is_asked)
{
	open_links();
	snprintf(loop.trouble, sizeof(loop.trouble), "there is no key tab");
	start();
	expect("alice", PASSWORDS_UNAVAILABLE, "there is no key tab");
	expect_trouble("there is no key tab");
	ck_assert_uint_eq(askers->started, 0);
	tear_down();
}
END_TEST

static void send_with(struct span packet, int fds)
{
	int ends[2], none[2];
	ck_assert_int_eq(ipc_pair(ends, 8192), 0);
	ck_assert_int_eq(ipc_pair(none, 8192), 0);
	const int sent[] = {ends[1], none[1]};
	ck_assert_int_eq(ipc_send(questions[0], packet, sent, (size_t)fds), 0);
	close(ends[1]);
	close(none[0]);
	close(none[1]);
	expect_closed(ends[0]);
}

START_TEST(malformed_questions_are_ignored)
{
	static const struct wire_password_of odd[] = {{{"", 0}, {"", 0}, {"secret", 6}},
						      {{"alice", 5}, {"", 0}, {"", 0}},
						      {{"alice", 5}, {"", 0}, {"a\0b", 3}}};
	struct str packet;
	make("alice", "secret", &packet);
	send_with(str_span(&packet), 0);
	send_with(str_span(&packet), 2);
	send_with((struct span){str_span(&packet).at, str_span(&packet).len - 1}, 1);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		str_clear(&packet);
		ck_assert(wire_encode_password_of(&odd[i], &packet));
		send_with(str_span(&packet), 1);
	}
	WIRE_EACH_FOREIGN(type, WIRE_LINK_passwords, WIRE_UP)
	{
		wire_sample(type, &packet);
		send_with(str_span(&packet), 1);
	}
	str_free(&packet);
	ck_assert_uint_eq(askers->started, 0);
	expect_well();
}
END_TEST

/* A worker has one client at a time. */
START_TEST(a_new_question_replaces_the_old_one)
{
	int fd = begin("silent");
	wait_for_askers(1);
	pid_t old = askers->last;
	expect_well();
	expect_closed(fd);
	expect_killed(old);
}
END_TEST

/* It would count as one more wrong password, though the worker waits no longer. */
START_TEST(a_question_that_was_given_up_is_not_asked)
{
	open_links();
	close(begin("alice"));
	start();
	expect_well();
	ck_assert_uint_eq(askers->started, 1);
	tear_down();
}
END_TEST

static pid_t worker(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		begin("silent");
		for (;;)
			pause();
	}
	return pid;
}

/* One question fewer fits when N processes have one, and the next one is answered at once with TEXT. */
static void expect_full(unsigned n, const char *text)
{
	pid_t workers[LOOP_QUESTIONS];
	unsigned before = askers->started;
	for (unsigned i = 0; i < n; i++)
		workers[i] = worker();
	wait_for_askers(before + n);
	expect("alice", PASSWORDS_UNAVAILABLE, text);
	ck_assert_uint_eq(askers->started, before + n);
	for (unsigned i = 0; i < n; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
}

START_TEST(questions_are_bounded)
{
	expect_full(LOOP_QUESTIONS, "too many passwords are being checked");
}
END_TEST

START_TEST(fewer_are_asked_while_the_kdc_is_away)
{
	expect("away", PASSWORDS_UNAVAILABLE, "the KDC is away");
	expect_full(LOOP_QUESTIONS_AWAY, "the KDC is away");
}
END_TEST

static void order(enum wire_type type)
{
	struct str packet;
	str_init(&packet, 100);
	wire_sample(type, &packet);
	ck_assert_int_eq(ipc_send(control[0], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

START_TEST(master_is_obeyed)
{
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	order(WIRE_ping);
	ck_assert_int_eq(fd_await(control[0], clock_mono_ms() + SOON_MS), 0);
	ck_assert_int_eq(ipc_receive(control[0], buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert_int_eq(wire_admit(WIRE_LINK_control_kerberos, WIRE_UP, packet.text), WIRE_pong);
	ipc_packet_close(&packet);
	int fd = begin("silent");
	wait_for_askers(1);
	order(WIRE_stop);
	expect_end();
	expect_closed(fd);
	expect_killed(askers->last);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kerberos_loop");
	TCase *all = tcase_create("all"), *before = tcase_create("before the start");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, answers_reach_the_worker);
	tcase_add_test(all, trouble_is_told_and_ends);
	tcase_add_test(all, malformed_questions_are_ignored);
	tcase_add_test(all, a_new_question_replaces_the_old_one);
	tcase_add_test(all, questions_are_bounded);
	tcase_add_test(all, fewer_are_asked_while_the_kdc_is_away);
	tcase_add_test(all, master_is_obeyed);
	suite_add_tcase(suite, all);
	tcase_set_timeout(before, 60);
	tcase_add_test(before, without_a_key_tab_nothing_is_asked);
	tcase_add_test(before, a_question_that_was_given_up_is_not_asked);
	suite_add_tcase(suite, before);
	return suite_run(suite);
}
