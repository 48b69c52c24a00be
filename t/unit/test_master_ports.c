/* A virtual server whose address is missing, whose port is in use, or whose listeners change. */
#include "common/net/net.h"
#include "master/renew.h"
#include "t/unit/master_fixture.h"

/* Takes a free port: writes address and port to TEXT, and returns a listener that the caller closes. */
static int take_port(char text[NET_TEXT_MAX])
{
	struct config_endpoint where = {.port = 0, .text = "127.0.0.1"};
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct ipaddr ip;
	uint16_t port;

	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &where.ip));
	int taken = net_listen(&where, false, false);
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&name, &len), 0);
	net_address(&name, &ip, &port);
	net_format(&ip, port, text);
	return taken;
}

/* A network interface that comes up late, or a port in use, does not delay the rest of the server. */
START_TEST(a_missing_listener_stops_nothing_else)
{
	char taken_at[NET_TEXT_MAX], listens[200];

	int taken = take_port(taken_at);
	snprintf(listens, sizeof(listens), "127.0.0.1:1; listen 192.0.2.77:25; listen %s", taken_at);
	build_config(listens);
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

START_TEST(a_port_in_use_is_trouble_until_it_is_free)
{
	char text[NET_TEXT_MAX];

	int taken = take_port(text);
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

START_TEST(listeners_change_or_stay_as_they_were)
{
	char text[NET_TEXT_MAX];

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t before = server.children[CHILD_SMTPD].pid;
	int listener = server.listeners.fds[0];
	int taken = take_port(text);
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

int main(int argc, char **argv)
{
	if (is_child(argc, argv))
		return be_child(argc, argv);
	const TTest *const tests[] = {
		a_missing_listener_stops_nothing_else,
		without_listeners_the_other_processes_run,
		a_port_in_use_is_trouble_until_it_is_free,
		listeners_change_or_stay_as_they_were,
	};
	return run_tests("master_ports", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
