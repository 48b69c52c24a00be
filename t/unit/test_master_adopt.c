/* A successor goes on with the processes of an older master: it renews each of them, and nothing is closed meanwhile.
 */
#include "master/adopt.h"

#include <sys/socket.h>

#include "common/ipc/wire.h"
#include "common/net/net.h"
#include "master/collect.h"
#include "master/handover.h"
#include "master/master.h"
#include "t/unit/master_fixture.h"

static struct master master;
static struct handover *from;
static struct str text;
static int spare; /* a descriptor for lock and control */

static void forget_server(void)
{
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		str_free(&server.texts[role]);
		files_free(&server.files[role]);
	}
	all.n = 0;
}

/* What execve leaves of master: descriptors and children. The handover goes through its text. */
static void be_replaced(const char *listen)
{
	master.config = config;
	master.lock_fd = dup(spare);
	master.control.fd = dup(spare);
	struct handover *old = collect(&master);
	ck_assert_ptr_nonnull(old);
	handover_write(old, &text);
	free(old);
	ck_assert_uint_eq(handover_read(str_span(&text), from), 0);
	forget_server();
	ck_assert(server_init(&server, "main", folder, &owner, &all));
	build_config(listen);
	server_order(&server, SERVER_RUN, clock_mono_ms());
}

static uint16_t port_of_listener(void)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct ipaddr ip;
	uint16_t port;
	ck_assert_int_eq(getsockname(server.listeners.fds[0], (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	return port;
}

static void start(void)
{
	build_config(ANY_PORT);
	server_order(&server, SERVER_RUN, clock_mono_ms());
	until_state(SERVER_RUNNING);
}

static const char *listen_again(void)
{
	static char listen[40];
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port_of_listener());
	return listen;
}

static void setup(void)
{
	fixture_open();
	spare = open("/dev/null", O_RDWR | O_CLOEXEC);
	from = malloc(sizeof(*from));
	str_init(&text, HANDOVER_TEXT_MAX);
	master.upgrade.asker = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		master.control.clients[i].fd = -1;
	master.servers[0] = &server;
	master.server_count = 1;
}

static void teardown(void)
{
	fixture_close();
	close(from->lock);
	close(from->control);
	free(from);
	str_free(&text);
	close(spare);
}

START_TEST(every_process_is_renewed)
{
	pid_t before[CHILD_ROLE_COUNT];
	start();
	for (size_t i = 0; i < CHILD_ROLE_COUNT; i++)
		before[i] = server.children[i].pid;
	int listener = server.listeners.fds[0], arrivals = server.links.kept[0].read;
	be_replaced(listen_again());
	adopt_servers(&master, from);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	until_state(SERVER_RUNNING);
	for (size_t i = 0; i < CHILD_ROLE_COUNT; i++) {
		if (server.needed & 1U << i)
			ck_assert_int_ne(server.children[i].pid, before[i]);
	}
	ck_assert_int_eq(server.listeners.fds[0], listener);
	ck_assert_int_eq(server.links.kept[0].read, arrivals);
	until_said("smtpd", "retire", 1);
	ck_assert_int_eq(said("queue", "stop"), 1);
	ck_assert_int_eq(said("delivery", "stop"), 1);
}
END_TEST

/* The old smtpd serves until the new one can. */
START_TEST(the_old_smtpd_stays_if_the_new_one_fails)
{
	start();
	pid_t before = server.children[CHILD_SMTPD].pid;
	be_replaced(listen_again());
	does("smtpd", "die");
	adopt_servers(&master, from);
	while (!server.children[CHILD_SMTPD].restarts)
		turn();
	const struct supervised *older = server.children + CHILD_ROLE_COUNT;
	while (older->pid != before)
		ck_assert(++older < server.children + SERVER_CHILDREN);
	ck_assert_int_eq(older->state, SUPERVISE_READY);
	ck_assert_int_eq(said("smtpd", "retire"), 0);
	does("smtpd", "ready");
	until_said("smtpd", "retire", 1);
}
END_TEST

START_TEST(a_pause_outlives_it)
{
	start();
	server_order(&server, SERVER_PAUSE, clock_mono_ms());
	until_state(SERVER_PAUSED);
	be_replaced(listen_again());
	adopt_servers(&master, from);
	until_state(SERVER_PAUSED);
	ck_assert_int_eq(said("smtpd", "began paused"), 1);
}
END_TEST

START_TEST(a_stopped_server_stays_stopped)
{
	start();
	const char *listen = listen_again();
	server_order(&server, SERVER_STOP, clock_mono_ms());
	until_state(SERVER_STOPPED);
	be_replaced(listen);
	adopt_servers(&master, from);
	turn();
	ck_assert_int_eq(server_state(&server), SERVER_STOPPED);
	ck_assert_uint_eq(server.listeners.n, 0);
}
END_TEST

/* A child that ended between the two is found by waitpid; a number that is no child of ours is not trusted. */
START_TEST(only_children_are_adopted)
{
	start();
	pid_t queue = server.children[CHILD_QUEUE].pid;
	be_replaced(listen_again());
	kill(queue, SIGKILL);
	for (size_t i = 0; i < from->servers[0].child_count; i++) {
		struct handover_child *child = &from->servers[0].children[i];
		if (child->role == CHILD_LOG) {
			kill(child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
			child->pid = getpid();
		}
	}
	adopt_servers(&master, from);
	ck_assert_int_eq(server.children[CHILD_LOG].pid, 0);
	until_state(SERVER_RUNNING);
	ck_assert_int_ne(server.children[CHILD_QUEUE].pid, queue);
}
END_TEST

/* Its number would be given to the next file that opens, and that file would be taken for the listener. */
START_TEST(a_descriptor_that_is_not_open_is_refused)
{
	start();
	be_replaced(listen_again());
	int listener = from->servers[0].listeners[0], kept = dup(listener);
	close(listener);
	ck_assert(!adopt_service(&master, from));
	ck_assert_int_eq(dup2(kept, listener), listener);
	close(kept);
	ck_assert(adopt_service(&master, from));
	ck_assert_int_eq(fcntl(listener, F_GETFD), FD_CLOEXEC);
	adopt_servers(&master, from);
	until_state(SERVER_RUNNING);
}
END_TEST

/* The new file has so many servers that one of the old ones finds no place: nothing of it stays open. */
START_TEST(a_server_without_room_ends)
{
	start();
	be_replaced(listen_again());
	const struct handover_server *old = &from->servers[0];
	from->servers[0].name = SPAN("gone");
	for (size_t i = 0; i < MASTER_SERVERS_MAX; i++)
		master.servers[i] = &server;
	master.server_count = MASTER_SERVERS_MAX;
	adopt_servers(&master, from);
	ck_assert_int_eq(fcntl(old->listeners[0], F_GETFD), -1);
	ck_assert_uint_gt(old->child_count, 0);
	for (size_t i = 0; i < old->child_count; i++)
		ck_assert_int_eq(waitpid(old->children[i].pid, NULL, 0), old->children[i].pid);
}
END_TEST

/* The new file has another listener: the old one closes when the new smtpd is ready. */
START_TEST(listeners_follow_the_file)
{
	start();
	uint16_t port = port_of_listener();
	be_replaced(ANY_PORT);
	adopt_servers(&master, from);
	until_state(SERVER_RUNNING);
	ck_assert_uint_eq(server.listeners.n, 1);
	ck_assert_uint_ne(port_of_listener(), port);
	ck_assert_uint_eq(server.listeners.left_count, 0);
}
END_TEST

int main(int argc, char **argv)
{
	if (is_child(argc, argv))
		return be_child(argc, argv);
	const TTest *const tests[] = {
		every_process_is_renewed,  the_old_smtpd_stays_if_the_new_one_fails,
		a_pause_outlives_it,       a_stopped_server_stays_stopped,
		only_children_are_adopted, a_server_without_room_ends,
		listeners_follow_the_file, a_descriptor_that_is_not_open_is_refused,
	};
	return run_tests("adopt", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
