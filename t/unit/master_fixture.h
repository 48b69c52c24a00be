/*
 * A virtual server with real processes: the children are the executable of the test under the names of their programs.
 * A file of the scratch folder tells each role what to do; the role writes what it was told to another file.
 */
#ifndef T_UNIT_MASTER_FIXTURE_H
#define T_UNIT_MASTER_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "master/hear.h"
#include "master/server.h"
#include "t/unit/suite.h"

enum { PATIENCE_MS = 20000 };

/* A placeholder for a free port, because port 0 is not valid in the configuration. */
#define ANY_PORT "127.0.0.1:1"

static char folder[64];
static struct folders_owner owner;
static struct listeners_all all;
static struct config config;
static struct server server;
static int stderr_kept; /* standard error is a file meanwhile */

/* The child writes a line to its file. */
static inline void note(const char *role, const char *what, unsigned long number)
{
	char path[200], line[64];

	snprintf(path, sizeof(path), "%s/said-%s", folder, role);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int n = snprintf(line, sizeof(line), "%s %lu\n", what, number);
	if (write(fd, line, (size_t)n) != n)
		_exit(9);
	close(fd);
}

static inline void be_ready(void)
{
	struct wire_ready ready = {.version = SPAN("7.0.0")};
	struct str packet;

	str_init(&packet, 100);
	wire_encode_ready(&ready, &packet);
	if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0))
		_exit(9);
	str_free(&packet);
}

static inline void be_paused(const char *role, bool paused)
{
	struct wire_paused said = {.paused = paused};
	struct str packet;

	note(role, "pause", paused);
	str_init(&packet, 100);
	wire_encode_paused(&said, &packet);
	if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0))
		_exit(9);
	str_free(&packet);
}

/* The child reports that its end of a link broke. It reports the same of an old link and of one that never existed. */
static inline void lose(const struct wire_attach *attach)
{
	const struct wire_detached lost[] = {
		{.kind = attach->kind, .serial = attach->serial},
		{.kind = CHILD_LINK_LOCAL, .serial = 77},
		{.kind = CHILD_LINK_CTL, .serial = attach->serial},
	};
	struct str packet;

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		str_init(&packet, 100);
		wire_encode_detached(&lost[i], &packet);
		if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0))
			_exit(9);
		str_free(&packet);
	}
}

static inline void answer_ping(const char *role)
{
	struct wire_pong said = {.pong = true};
	struct str packet;

	note(role, "pong", (unsigned long)getpid());
	str_init(&packet, 100);
	wire_encode_pong(&said, &packet);
	if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0))
		_exit(9);
	str_free(&packet);
}

static inline int obey(const char *role, const char *does)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_attach attach;
	struct wire_reload reload;
	struct wire_pause pause;

	while (ipc_receive(CHILD_FD_CONTROL, buffer, sizeof(buffer), 0, &packet) == 0 && !packet.eof) {
		if (wire_decode_attach(packet.text, &attach) && packet.fd_count == 1) {
			note(role, "attach", attach.kind);
			if (strcmp(does, "lose") == 0 && attach.kind == CHILD_LINK_DELIVERY && attach.serial == 1)
				lose(&attach);
		} else if (wire_decode_reload(packet.text, &reload) && packet.fd_count == 1)
			note(role, "reload", reload.generation);
		else if (wire_decode_pause(packet.text, &pause))
			be_paused(role, pause.paused);
		else if (wire_type_of(packet.text) == WIRE_retire)
			note(role, "retire", (unsigned long)getpid());
		else if (wire_type_of(packet.text) == WIRE_ping && strcmp(does, "hang") != 0)
			answer_ping(role);
		else if (wire_type_of(packet.text) == WIRE_stop && strcmp(does, "stubborn") != 0) {
			note(role, "stop", (unsigned long)clock_mono_ms());
			return 0;
		}
		ipc_packet_close(&packet);
	}
	return 0;
}

/* The path of the executable has the scratch folder. */
static inline int be_child(int argc, char **argv)
{
	char path[200], does[32] = "ready";
	const char *role = argv[0] + strlen("mailroot-");

	if (!getcwd(path, sizeof(path)) || strcmp(path, "/") != 0)
		return 9;
	ssize_t n = readlink("/proc/self/fd/2", path, sizeof(path) - 1); /* <folder>/log */
	if (n <= 4)
		return 9;
	path[n - 4] = '\0';
	snprintf(folder, sizeof(folder), "%.60s", path);
	snprintf(path, sizeof(path), "%s/does-%s", folder, role);
	FILE *file = fopen(path, "r");
	if (file && !fgets(does, sizeof(does), file))
		return 9;
	if (strcmp(does, "permanent") == 0)
		return EXIT_PERMANENT;
	if (strcmp(does, "explain") == 0)
		child_fail(EXIT_PERMANENT, "the key is \x01 wrong\ncertificate too");
	if (strcmp(does, "die") == 0)
		return EXIT_TEMPORARY;
	if (strcmp(does, "babble") == 0)
		return send(CHILD_FD_CONTROL, "babble", 6, 0) == 6 ? obey(role, does) : 9;
	if (argv[argc - 1][2] == 'p')
		note(role, "began paused", 1);
	be_ready();
	if (argv[argc - 1][2] == 'p')
		be_paused(role, true);
	return obey(role, does);
}

/* Tells ROLE what to do: see be_child() and obey(). */
static inline void does(const char *role, const char *what)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/does-%s", folder, role);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(what, file);
	fclose(file);
}

/* The number of lines of ROLE that begin with TEXT. */
static inline int said(const char *role, const char *text)
{
	char path[200], line[64];
	int count = 0;

	snprintf(path, sizeof(path), "%s/said-%s", folder, role);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		count += strncmp(line, text, strlen(text)) == 0;
	if (file)
		fclose(file);
	return count;
}

/* Configures the server with the listener LISTEN and MORE settings. */
static inline void build_with(const char *listen, const char *more)
{
	struct config_report report = {0};
	struct config before = config;
	char text[1000];

	snprintf(
		text, sizeof(text),
		"mailroot_dir %s/spool\nrun_dir %s/run\nstate_dir %s/state\nweb_user nobody\nvirtual_server main { listen %s; %s }\n",
		folder, folder, folder, listen, more);
	str_init(&report.text, 10000);
	struct config_tree *tree = config_read_text("test", span_of(text), &report);
	ck_assert_msg(config_build(tree, "host.example.com", &config, &report), "%s", str_text(&report.text));
	if (strcmp(listen, ANY_PORT) == 0)
		config.servers[0].listen.at[0].port = 0;
	ck_assert(server_configure(&server, tree, &config, "host.example.com"));
	config_free(&before);
	config_tree_free(tree);
	str_free(&report.text);
}

static inline void build_config(const char *listen)
{
	build_with(listen, "");
}

static inline void fixture_open(void)
{
	static const char *const programs[] = {
		"mailroot-smtpd", "mailroot-pickup",   "mailroot-queue", "mailroot-log",      "mailroot-delivery",
		"mailroot-local", "mailroot-resolver", "mailroot-web",   "mailroot-kerberos", "mailroot-filters"};
	char path[200], self[200];

	strcpy(folder, "/tmp/server-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, programs[i]);
		ck_assert_int_eq(symlink(self, path), 0);
	}
	snprintf(path, sizeof(path), "%s/log", folder);
	stderr_kept = dup(2);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	dup2(log, 2);
	close(log);
	owner = (struct folders_owner){geteuid(), getegid(), getegid()};
	ck_assert(server_init(&server, "main", folder, &owner, &all));
}

static inline void fixture_close(void)
{
	char command[128];

	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		if (server.children[i].pid > 0) {
			kill(server.children[i].pid, SIGKILL);
			waitpid(server.children[i].pid, NULL, 0);
		}
	}
	server_free(&server);
	config_free(&config);
	dup2(stderr_kept, 2);
	close(stderr_kept);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* One round of the loop of master. */
static inline void turn(void)
{
	struct pollfd polled[SERVER_CHILDREN];
	int status;
	pid_t pid;

	server_tend(&server, clock_mono_ms());
	for (size_t i = 0; i < SERVER_CHILDREN; i++)
		polled[i] = (struct pollfd){.fd = server.children[i].control, .events = POLLIN};
	poll(polled, SERVER_CHILDREN, 5);
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		if (polled[i].revents)
			hear_child(&server, i);
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ck_assert(server_gone(&server, pid, status, clock_mono_ms()));
}

static inline void until_state(enum server_state state)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (server_state(&server) != state) {
		ck_assert_msg(clock_mono_ms() < deadline, "still %s, not %s: %s",
			      server_state_name(server_state(&server)), server_state_name(state), server.trouble);
		turn();
	}
}

static inline void until_said(const char *role, const char *text, int count)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (said(role, text) < count) {
		ck_assert_msg(clock_mono_ms() < deadline, "%s said %s only %d times", role, text, said(role, text));
		turn();
	}
}

/* True if master started this process: main must return be_child(). */
static inline bool is_child(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], "--server") == 0;
}

#endif
