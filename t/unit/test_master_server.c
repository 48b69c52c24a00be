/*
 * A virtual server with real processes: the children are this executable under the names of their programs. A file of
 * the scratch folder tells each role what to do; the role writes what it was told to another file.
 */
#include "master/hear.h"
#include "master/server.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/net/net.h"
#include "master/attach.h"
#include "master/renew.h"
#include "master/stop.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

enum { PATIENCE_MS = 20000 };

static char folder[64];
static struct folders_owner owner;
static struct listeners_all all;
static struct config config;
static struct server server;

static void note(const char *role, const char *what, unsigned long number)
{
	char path[200], line[64];

	snprintf(path, sizeof(path), "%s/said-%s", folder, role);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int n = snprintf(line, sizeof(line), "%s %lu\n", what, number);
	if (write(fd, line, (size_t)n) != n)
		_exit(9);
	close(fd);
}

static void be_ready(void)
{
	struct wire_ready ready = {.ready = true};
	struct str packet;

	str_init(&packet, 100);
	wire_encode_ready(&ready, &packet);
	if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0))
		_exit(9);
	str_free(&packet);
}

static void be_paused(const char *role, bool paused)
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
static void lose(const struct wire_attach *attach)
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

static int obey(const char *role, const char *does)
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
		else if (wire_type_of(packet.text) == WIRE_stop && strcmp(does, "stubborn") != 0) {
			note(role, "stop", (unsigned long)clock_mono_ms());
			return 0;
		}
		ipc_packet_close(&packet);
	}
	return 0;
}

/* The path of the executable has the scratch folder. */
static int be_child(int argc, char **argv)
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

static void does(const char *role, const char *what)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/does-%s", folder, role);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(what, file);
	fclose(file);
}

/* The number of lines of ROLE that begin with TEXT. */
static int said(const char *role, const char *text)
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

/* A placeholder for a free port, because port 0 is not valid in the configuration. */
#define ANY_PORT "127.0.0.1:1"

static void build_with(const char *listen, const char *more)
{
	struct config_report report = {0};
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
	config_tree_free(tree);
	str_free(&report.text);
}

static void build_config(const char *listen)
{
	build_with(listen, "");
}

static int stderr_kept;

static void setup(void)
{
	static const char *const programs[] = {"mailroot-smtpd",    "mailroot-pickup",   "mailroot-queue",
					       "mailroot-log",      "mailroot-delivery", "mailroot-local",
					       "mailroot-resolver", "mailroot-web"};
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

static void teardown(void)
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
static void turn(void)
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

static void until_state(enum server_state state)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (server_state(&server) != state) {
		ck_assert_msg(clock_mono_ms() < deadline, "still %s, not %s: %s",
			      server_state_name(server_state(&server)), server_state_name(state), server.trouble);
		turn();
	}
}

static void until_said(const char *role, const char *text, int count)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (said(role, text) < count) {
		ck_assert_msg(clock_mono_ms() < deadline, "%s said %s only %d times", role, text, said(role, text));
		turn();
	}
}

START_TEST(all_come_up_with_their_links)
{
	build_config(ANY_PORT);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	ck_assert(!server_settled(&server, clock_mono_ms()));
	until_state(SERVER_RUNNING);
	ck_assert(server_settled(&server, clock_mono_ms()));
	until_said("queue", "attach", 3);
	until_said("delivery", "attach 1", 1);
	until_said("local", "attach 2", 1);
	until_said("resolver", "attach 3", 1);
	ck_assert_int_eq(said("smtpd", "attach"), 0);
}
END_TEST

#define WITH_TOKENS(grant)                                                                                             \
	"smart_host [192.0.2.1]; outbound { tls verify; auth xoauth2; username u@a.test\n"                             \
	"oauth { client_id c; token_url https://id.test/token; " grant " } }"
#define FOR_A_PERSON WITH_TOKENS("grant refresh")

static bool has_oauth_folder(void)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/oauth/main", folder);
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0700;
}

/* It starts with a configuration that needs it, and ends with one that does not; it does not count while it is away. */
START_TEST(who_fetches_tokens_runs_where_a_block_needs_them)
{
	const struct supervised *web = &server.children[CHILD_WEB];

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	ck_assert_int_eq(server_connect(&server, CHILD_WEB, 0), -EAGAIN);
	ck_assert(!supervise_alive(web) && !has_oauth_folder());
	build_with(ANY_PORT, FOR_A_PERSON);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	until_state(SERVER_RUNNING);
	ck_assert(supervise_alive(web));
	ck_assert(has_oauth_folder());
	int fd = server_connect(&server, CHILD_WEB, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	until_said("web", "attach 4", 1);
	build_config(ANY_PORT);
	renew_ask(&server, 1U << CHILD_WEB, clock_mono_ms());
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
	while (supervise_alive(web))
		turn();
	ck_assert_int_eq(said("web", "stop"), 1);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_int_eq(web->state, SUPERVISE_STOPPED);
	ck_assert_uint_eq(web->restarts, 0);
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
}
END_TEST

/* What is wrong with it, or that it died, is forgotten when it is needed no more. */
START_TEST(who_fetches_tokens_may_fail_until_it_is_not_needed)
{
	const struct supervised *web = &server.children[CHILD_WEB];

	does("web", "explain");
	build_with(ANY_PORT, FOR_A_PERSON);
	until_state(SERVER_FAILED);
	ck_assert_str_eq(web->trouble, "the key is \\x01 wrong\ncertificate too\n");
	build_config(ANY_PORT);
	turn();
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
	ck_assert_int_eq(web->state, SUPERVISE_STOPPED);
	ck_assert_str_eq(web->trouble, "");
	does("web", "die");
	build_with(ANY_PORT, FOR_A_PERSON);
	while (!web->restarts)
		turn();
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	turn();
	ck_assert_int_eq(web->state, SUPERVISE_STOPPED);
}
END_TEST

START_TEST(a_killed_child_is_back_with_new_links_and_the_port_stays)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	until_said("queue", "attach", 3);
	int listener = server.listeners.fds[0];
	pid_t before = server.children[CHILD_SMTPD].pid;
	kill(before, SIGKILL);
	kill(server.children[CHILD_QUEUE].pid, SIGKILL);
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	while (server.children[CHILD_SMTPD].pid == before) {
		ck_assert_int_lt(clock_mono_ms(), deadline);
		turn();
	}
	until_state(SERVER_RUNNING);
	ck_assert_uint_eq(server.children[CHILD_SMTPD].restarts, 1);
	ck_assert_int_eq(server.listeners.fds[0], listener);
	until_said("queue", "attach", 6);
	until_said("delivery", "attach 1", 2);
}
END_TEST

START_TEST(the_last_error_of_a_child_is_kept_until_one_works)
{
	does("smtpd", "explain");
	build_config(ANY_PORT);
	until_state(SERVER_FAILED);
	ck_assert_str_eq(server.children[CHILD_SMTPD].trouble, "the key is \\x01 wrong\ncertificate too\n");
	does("smtpd", "die");
	server_reload(&server, 1, clock_mono_ms());
	while (!server.children[CHILD_SMTPD].early)
		turn();
	ck_assert_str_ne(server.children[CHILD_SMTPD].trouble, "");
	does("smtpd", "ready");
	until_state(SERVER_RUNNING);
	ck_assert_str_eq(server.children[CHILD_SMTPD].trouble, "");
}
END_TEST

START_TEST(a_permanent_failure_waits_for_a_reload)
{
	does("queue", "permanent");
	build_config(ANY_PORT);
	until_state(SERVER_FAILED);
	ck_assert(server_settled(&server, clock_mono_ms()));
	ck_assert_int_eq(server.children[CHILD_QUEUE].state, SUPERVISE_FAILED);
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 0), -EAGAIN);
	does("queue", "ready");
	server_reload(&server, 7, clock_mono_ms());
	until_state(SERVER_RUNNING);
	until_said("local", "reload 7", 1);
}
END_TEST

/* The pool link of the queue broke, for example by ENOMEM; both processes continue. */
START_TEST(a_link_that_breaks_is_made_anew)
{
	does("queue", "lose");
	build_config(ANY_PORT);
	until_said("queue", "attach 1", 2);
	until_said("delivery", "attach 1", 2);
	until_state(SERVER_RUNNING);
	until_said("local", "attach 2", 1);
	until_said("resolver", "attach 3", 1);
	ck_assert_int_eq(said("local", "attach 2"), 1);
	ck_assert_int_eq(said("resolver", "attach 3"), 1);
	ck_assert_uint_eq(server.children[CHILD_QUEUE].restarts, 0);
}
END_TEST

START_TEST(without_its_link_a_process_is_not_ready)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	attach_lost(&server, CHILD_LINK_DELIVERY, server.links.peers[CHILD_LINK_DELIVERY].serial - 1);
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING); /* an older one */
	attach_lost(&server, CHILD_LINK_DELIVERY, server.links.peers[CHILD_LINK_DELIVERY].serial);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	ck_assert(attach_missing(&server, CHILD_QUEUE));
	ck_assert(attach_missing(&server, CHILD_DELIVERY));
	ck_assert(!attach_missing(&server, CHILD_LOCAL));
	until_state(SERVER_RUNNING);
	/* A link that breaks again and again is made once a second. */
	attach_lost(&server, CHILD_LINK_DELIVERY, server.links.peers[CHILD_LINK_DELIVERY].serial);
	ck_assert_int_gt(attach_tend(&server, server.links.peers[CHILD_LINK_DELIVERY].again_ms - 500), 0);
	ck_assert_int_eq(attach_tend(&server, server.links.peers[CHILD_LINK_DELIVERY].again_ms), -1);
}
END_TEST

/* A packet that can't be sent would be lost; a new process starts with the current state. */
START_TEST(a_process_that_can_not_be_told_is_restarted)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t before = server.children[CHILD_LOCAL].pid;
	shutdown(server.children[CHILD_LOCAL].control, SHUT_WR);
	server_reload(&server, 3, clock_mono_ms());
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	while (server.children[CHILD_LOCAL].pid == before) {
		ck_assert_int_lt(clock_mono_ms(), deadline);
		turn();
	}
	until_state(SERVER_RUNNING);
}
END_TEST

START_TEST(a_process_that_keeps_dying_does_not_block_the_start)
{
	does("local", "die");
	build_config(ANY_PORT);
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	while (!server_settled(&server, clock_mono_ms())) {
		ck_assert_int_lt(clock_mono_ms(), deadline);
		turn();
	}
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	ck_assert_uint_ge(server.children[CHILD_LOCAL].early, 3);
}
END_TEST

START_TEST(a_child_that_floods_loses_its_link)
{
	does("resolver", "babble");
	build_config(ANY_PORT);
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	while (!server.children[CHILD_RESOLVER].why[0]) { /* it saw the end of its link, and ended */
		ck_assert_int_lt(clock_mono_ms(), deadline);
		turn();
	}
	ck_assert_int_ne(server_state(&server), SERVER_RUNNING);
	ck_assert_int_eq(said("queue", "attach 3"), 0);
}
END_TEST

/* For each role, packets that are not for master end the control link, and all others keep it. */
START_TEST(a_child_may_send_the_packets_of_its_role)
{
	struct server one;
	struct str packet;
	int ends[2];

	str_init(&packet, 1000);
	memset(&one, 0, sizeof(one));
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct supervised *child = &one.children[role];
		for (enum wire_type type = WIRE_NONE + 1; type < WIRE_TYPE_COUNT; type++) {
			supervise_init(child, role);
			ck_assert_int_eq(ipc_pair(ends, 100000), 0);
			child->control = ends[0];
			wire_sample(type, &packet);
			ck_assert_int_eq(ipc_send(ends[1], str_span(&packet), NULL, 0), 0);
			hear_child(&one, role);
			ck_assert_msg(child->control ==
					      (wire_permits(child_role_control(role), WIRE_UP, type) ? ends[0] : -1),
				      "%s said %s", child_role_name(role), wire_type_name(type));
			fd_close(&child->control);
			close(ends[1]);
		}
	}
	str_free(&packet);
}
END_TEST

START_TEST(a_stop_takes_smtpd_first_and_the_queue_before_its_helpers)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	server_order(&server, SERVER_STOP, clock_mono_ms());
	turn();
	ck_assert_uint_eq(server.told, 1U << CHILD_SMTPD | 1U << CHILD_PICKUP);
	bool queue_first = false;
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	while (server_state(&server) != SERVER_STOPPED) {
		ck_assert_int_lt(clock_mono_ms(), deadline);
		turn();
		if (server.told & 1U << CHILD_QUEUE && !(server.told & 1U << CHILD_DELIVERY)) {
			queue_first = true;
			ck_assert(!supervise_alive(&server.children[CHILD_SMTPD]));
		}
		if (server.told & 1U << CHILD_DELIVERY)
			ck_assert(!supervise_alive(&server.children[CHILD_QUEUE]));
	}
	ck_assert(queue_first);
	ck_assert_int_eq(said("queue", "stop"), 1);
	ck_assert_int_eq(said("resolver", "stop"), 1);
	turn();
	ck_assert_uint_eq(server.listeners.n, 0);
}
END_TEST

START_TEST(a_process_that_ignores_stop_is_killed)
{
	does("delivery", "stubborn");
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	int64_t began = clock_mono_ms();
	server_order(&server, SERVER_STOP, began);
	stop_begin(&server, true, began);
	until_state(SERVER_STOPPED);
	ck_assert_int_ge(clock_mono_ms() - began, STOP_HURRY_MS);
	ck_assert_int_lt(clock_mono_ms() - began, STOP_MS);
}
END_TEST

START_TEST(a_port_in_use_is_trouble_until_it_is_free)
{
	struct config_endpoint where = {.port = 0, .text = "127.0.0.1"};
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct ipaddr ip;
	uint16_t port;
	char text[NET_TEXT_MAX];

	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &where.ip));
	int taken = net_listen(&where, false, false);
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	net_format(&ip, port, text);
	build_config(text);
	until_state(SERVER_TROUBLE);
	ck_assert_ptr_nonnull(strstr(server.trouble, text));
	ck_assert_ptr_nonnull(strstr(server.trouble, "test:5"));
	ck_assert_int_eq(server.children[CHILD_SMTPD].state, SUPERVISE_STOPPED);
	close(taken);
	until_state(SERVER_RUNNING);
	ck_assert_str_eq(server.trouble, "");
}
END_TEST

/* A network interface that comes up late, or a port in use, does not delay the rest of the server. */
START_TEST(a_missing_listener_stops_nothing_else)
{
	char text[100];
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct config_endpoint where = {.port = 0, .text = "127.0.0.1"};
	struct ipaddr ip;
	uint16_t port;

	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &where.ip));
	int taken = net_listen(&where, false, false);
	ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	snprintf(text, sizeof(text), "127.0.0.1:1; listen 192.0.2.77:25; listen 127.0.0.1:%u", port);
	build_config(text);
	config.servers[0].listen.at[0].port = 0;
	until_state(SERVER_RUNNING);
	ck_assert_ptr_nonnull(strstr(server.trouble, "192.0.2.77"));
	ck_assert_uint_eq(server.listeners.n, 1);
	ck_assert(server_settled(&server, clock_mono_ms()));
	pid_t before = server.children[CHILD_SMTPD].pid, queue = server.children[CHILD_QUEUE].pid;
	close(taken);
	server.listen_ms = 0;
	until_said("smtpd", "retire", 1);
	ck_assert_uint_eq(server.listeners.n, 2);
	ck_assert_int_ne(server.children[CHILD_SMTPD].pid, before);
	ck_assert_int_eq(server.children[CHILD_QUEUE].pid, queue);
	ck_assert_ptr_nonnull(strstr(server.trouble, "192.0.2.77"));
	ck_assert_ptr_null(strstr(server.trouble, "127.0.0.1"));
}
END_TEST

/* Mail in the queue is delivered although the server can't accept any. */
START_TEST(without_listeners_the_other_processes_run)
{
	build_config("192.0.2.77:25");
	until_said("queue", "attach 1", 1);
	ck_assert_int_eq(server_state(&server), SERVER_TROUBLE);
	ck_assert_int_eq(server.children[CHILD_PICKUP].state != SUPERVISE_STOPPED, true);
	ck_assert(server_settled(&server, clock_mono_ms()));
}
END_TEST

START_TEST(a_link_for_the_operator_arrives_at_the_child)
{
	build_config(ANY_PORT);
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 0), -EAGAIN);
	until_state(SERVER_RUNNING);
	int fd = server_connect(&server, CHILD_SMTPD, 0);
	ck_assert_int_ge(fd, 0);
	until_said("smtpd", "attach 4", 1);
	close(fd);
	ck_assert_int_eq(server_connect(&server, CHILD_SMTPD, 1), -ENOENT);
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 1), -ENOENT);
	ck_assert_int_eq(server_connect(&server, CHILD_ROLE_COUNT, 0), -ENOENT);
}
END_TEST

START_TEST(a_pause_outlasts_a_restart)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	server_order(&server, SERVER_PAUSE, clock_mono_ms());
	ck_assert_int_eq(server_state(&server), SERVER_PAUSING);
	until_state(SERVER_PAUSED);
	kill(server.children[CHILD_SMTPD].pid, SIGKILL);
	until_said("smtpd", "began paused", 1);
	until_state(SERVER_PAUSED);
	server_reload(&server, 2, clock_mono_ms());
	until_said("smtpd", "reload 2", 1);
	ck_assert_int_eq(server_state(&server), SERVER_PAUSED);
	server_order(&server, SERVER_RUN, clock_mono_ms());
	until_state(SERVER_RUNNING);
	ck_assert_int_eq(said("smtpd", "pause 0"), 1);
}
END_TEST

START_TEST(stopped_and_started)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	int arrivals = links_of(&server.links, CHILD_FD_ARRIVALS, CHILD_QUEUE);
	server_order(&server, SERVER_STOP, clock_mono_ms());
	turn();
	server_order(&server, SERVER_RUN, clock_mono_ms()); /* the stop is in progress: the process ends first */
	ck_assert_int_eq(server_state(&server), SERVER_STOPPING);
	until_state(SERVER_RUNNING);
	ck_assert_int_eq(said("queue", "stop"), 1);
	server_order(&server, SERVER_STOP, clock_mono_ms());
	until_state(SERVER_STOPPED);
	ck_assert_int_lt(server_tend(&server, clock_mono_ms()), 0);
	server_reload(&server, 3, clock_mono_ms());
	turn();
	ck_assert_int_eq(server_state(&server), SERVER_STOPPED);
	server_order(&server, SERVER_RUN, clock_mono_ms());
	until_state(SERVER_RUNNING);
	/* Packets in the link must still be read. */
	ck_assert_int_eq(links_of(&server.links, CHILD_FD_ARRIVALS, CHILD_QUEUE), arrivals);
	ck_assert_uint_ge(server.listeners.n, 1);
}
END_TEST

static size_t retiring(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SERVER_CHILDREN; i++)
		n += server.children[i].state == SUPERVISE_RETIRING;
	return n;
}

/* The old smtpd is told when the new one is ready, gets reloads, and answers requests. */
START_TEST(a_new_smtpd_beside_the_old_one)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t before = server.children[CHILD_SMTPD].pid, queue = server.children[CHILD_QUEUE].pid;
	does("smtpd", "die");
	renew_ask(&server, 1U << CHILD_SMTPD, clock_mono_ms());
	for (int i = 0; i < 50; i++)
		turn();
	ck_assert_int_eq(said("smtpd", "retire"), 0); /* the new one does not run yet */
	does("smtpd", "ready");
	until_state(SERVER_RUNNING);
	until_said("smtpd", "retire", 1);
	ck_assert_int_ne(server.children[CHILD_SMTPD].pid, before);
	ck_assert_int_eq(server.children[CHILD_QUEUE].pid, queue);
	ck_assert_uint_eq(retiring(), 1);
	server_reload(&server, 5, clock_mono_ms());
	until_said("smtpd", "reload 5", 2);
	int fd = server_connect(&server, CHILD_SMTPD, 1);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(server_connect(&server, CHILD_SMTPD, 2), -ENOENT);
	kill(before, SIGKILL);
	while (retiring())
		turn();
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
	ck_assert_uint_eq(server_alive(&server), server.needed);
}
END_TEST

START_TEST(smtpds_are_bounded)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	for (size_t i = 1; i <= SERVER_OLDER_MAX; i++) {
		renew_ask(&server, 1U << CHILD_SMTPD, clock_mono_ms());
		int64_t deadline = clock_mono_ms() + PATIENCE_MS;
		while (retiring() < i) {
			ck_assert_int_lt(clock_mono_ms(), deadline);
			turn();
		}
	}
	pid_t last = server.children[CHILD_SMTPD].pid;
	renew_ask(&server, 1U << CHILD_SMTPD, clock_mono_ms());
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_int_eq(server.children[CHILD_SMTPD].pid, last);
	kill(server.children[CHILD_ROLE_COUNT + 3].pid, SIGKILL);
	while (server.children[CHILD_SMTPD].pid == last)
		turn();
	until_state(SERVER_RUNNING);
}
END_TEST

START_TEST(other_roles_are_stopped_and_started)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t queue = server.children[CHILD_QUEUE].pid, smtpd = server.children[CHILD_SMTPD].pid;
	renew_ask(&server, 1U << CHILD_QUEUE, clock_mono_ms());
	until_state(SERVER_STARTING);
	until_state(SERVER_RUNNING);
	ck_assert_int_eq(said("queue", "stop"), 1);
	ck_assert_int_ne(server.children[CHILD_QUEUE].pid, queue);
	ck_assert_int_eq(server.children[CHILD_SMTPD].pid, smtpd);
	until_said("queue", "attach", 6);
}
END_TEST

START_TEST(listeners_change_or_stay_as_they_were)
{
	struct config_endpoint where = {.port = 0, .text = "127.0.0.1"};
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	char text[NET_TEXT_MAX];
	struct ipaddr ip;
	uint16_t port;

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t before = server.children[CHILD_SMTPD].pid;
	int listener = server.listeners.fds[0];
	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &where.ip));
	int taken = net_listen(&where, false, false);
	ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	net_format(&ip, port, text);
	config_free(&config);
	build_config(text);
	renew_ask(&server, 1U << CHILD_SMTPD, clock_mono_ms());
	turn();
	ck_assert_ptr_nonnull(strstr(server.trouble, text));
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
	ck_assert_int_eq(server.children[CHILD_SMTPD].pid, before);
	ck_assert_int_eq(server.listeners.fds[0], listener);
	close(taken);
	while (server.trouble[0])
		turn();
	until_said("smtpd", "retire", 1);
	ck_assert_int_ne(server.children[CHILD_SMTPD].pid, before);
	ck_assert_uint_eq(server.listeners.n, 1);
	ck_assert_uint_eq(server.listeners.left_count, 0);
}
END_TEST

/* A server that is removed from the file: sessions end by themselves, then its processes end. Meanwhile it may come
 * back. */
START_TEST(an_end_waits_for_sessions)
{
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t smtpd = server.children[CHILD_SMTPD].pid;
	server_order(&server, SERVER_END, clock_mono_ms());
	until_said("smtpd", "retire", 1);
	ck_assert_int_eq(server_state(&server), SERVER_ENDING);
	ck_assert_uint_eq(server.listeners.n, 0);
	kill(server.children[CHILD_QUEUE].pid, SIGKILL); /* the queue must accept the mail of the sessions */
	while (server.children[CHILD_QUEUE].restarts == 0 || server.children[CHILD_QUEUE].state != SUPERVISE_READY)
		turn();
	server_order(&server, SERVER_RUN, clock_mono_ms());
	until_state(SERVER_RUNNING);
	ck_assert_int_ne(server.children[CHILD_SMTPD].pid, smtpd);
	ck_assert_uint_eq(retiring(), 1);
	server_order(&server, SERVER_END, clock_mono_ms());
	until_said("smtpd", "retire", 2);
	ck_assert_int_eq(said("queue", "stop"), 0);
	kill(smtpd, SIGKILL);
	kill(server.children[CHILD_SMTPD].pid, SIGKILL);
	until_state(SERVER_STOPPED);
	ck_assert_int_eq(said("queue", "stop"), 1);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--server") == 0)
		return be_child(argc, argv);
	Suite *suite = suite_create("server");
	TCase *tc = tcase_create("server");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_come_up_with_their_links);
	tcase_add_test(tc, who_fetches_tokens_runs_where_a_block_needs_them);
	tcase_add_test(tc, who_fetches_tokens_may_fail_until_it_is_not_needed);
	tcase_add_test(tc, a_killed_child_is_back_with_new_links_and_the_port_stays);
	tcase_add_test(tc, a_permanent_failure_waits_for_a_reload);
	tcase_add_test(tc, the_last_error_of_a_child_is_kept_until_one_works);
	tcase_add_test(tc, a_process_that_keeps_dying_does_not_block_the_start);
	tcase_add_test(tc, a_link_that_breaks_is_made_anew);
	tcase_add_test(tc, without_its_link_a_process_is_not_ready);
	tcase_add_test(tc, a_process_that_can_not_be_told_is_restarted);
	tcase_add_test(tc, a_missing_listener_stops_nothing_else);
	tcase_add_test(tc, without_listeners_the_other_processes_run);
	tcase_add_test(tc, a_child_that_floods_loses_its_link);
	tcase_add_test(tc, a_child_may_send_the_packets_of_its_role);
	tcase_add_test(tc, a_stop_takes_smtpd_first_and_the_queue_before_its_helpers);
	tcase_add_test(tc, a_process_that_ignores_stop_is_killed);
	tcase_add_test(tc, a_port_in_use_is_trouble_until_it_is_free);
	tcase_add_test(tc, a_link_for_the_operator_arrives_at_the_child);
	tcase_add_test(tc, a_pause_outlasts_a_restart);
	tcase_add_test(tc, stopped_and_started);
	tcase_add_test(tc, a_new_smtpd_beside_the_old_one);
	tcase_add_test(tc, smtpds_are_bounded);
	tcase_add_test(tc, other_roles_are_stopped_and_started);
	tcase_add_test(tc, listeners_change_or_stay_as_they_were);
	tcase_add_test(tc, an_end_waits_for_sessions);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
