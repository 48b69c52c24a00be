/* mailroot-filters as a process; the filters are sockets of the test. */
#ifndef T_UNIT_DIALER_FIXTURE_H
#define T_UNIT_DIALER_FIXTURE_H

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
#include "common/ipc/ipc.h"
#include "smtpd/filters/dialer.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

enum { SOON_MS = 8000, CROWD = 300 /* more than the dialer polls */ };

static char folder[64], buffer[WIRE_PACKET_MAX], why[DIAL_WHY_MAX + 1], trouble[CHILD_TROUBLE_MAX + 1];
static struct dialer dialer;
static struct child child;
static pid_t filters;
static int control[2], questions[2]; /* the first end is ours */

/* The configuration has filters a and b at sockets of these names, and their time to connect. */
static inline int configuration(const char *blocks)
{
	char text[1000];
	snprintf(text, sizeof(text), "virtual_server default {\nfqdn mail.example.com\n%s}\n", blocks);
	int fd = fd_sealed("configuration", span_of(text));
	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline const char *two(void)
{
	static char text[500];
	snprintf(text, sizeof(text),
		 "filter a {\naddress unix:%s/a\ntimeout connect 1s\n}\nfilter b {\naddress unix:%s/b\n}\n", folder,
		 folder);
	return text;
}

static inline int listen_at(const char *name, int backlog)
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

static inline void *answer_all(void *context)
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

static inline struct answering answering(const char *name)
{
	return (struct answering){.listener = listen_at(name, 50), .letter = name[0]};
}

static inline void wake(struct answering *a)
{
	ck_assert_int_eq(pthread_create(&a->thread, NULL, answer_all, a), 0);
}

static inline void end(struct answering *a)
{
	shutdown(a->listener, SHUT_RDWR);
	pthread_join(a->thread, NULL);
	close(a->listener);
}

static bool crowded; /* mailroot-filters has one descriptor to spare */

static inline void crowd(void)
{
	int fd = -1, last = -1;
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){CROWD, CROWD}) != 0)
		_exit(1);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	close(last);
}

static inline _Noreturn void be_filters(void)
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

static inline void start(void)
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

static inline void set_up(void)
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

static inline void expect_end(void)
{
	int status;
	ck_assert_int_eq(waitpid(filters, &status, 0), filters);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
	filters = 0;
}

static inline void tear_down(void)
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

static inline int dial(const char *name)
{
	return dial_filter(questions[0], name, clock_mono_ms() + SOON_MS, NULL, why, sizeof(why));
}

/* Reads what master is told, until the trouble contains WORDS, or is empty with "". */
static inline void expect_trouble(const char *words)
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

static inline void order(enum wire_type type, const int *fd)
{
	struct str packet;
	str_init(&packet, 100);
	wire_sample(type, &packet);
	ck_assert_int_eq(ipc_send(control[0], str_span(&packet), fd, fd ? 1 : 0), 0);
	str_free(&packet);
}

#endif
