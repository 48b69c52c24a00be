/* Orders to a virtual server: stop, pause, start, renewal of a process, end. */
#include <errno.h>

#include "master/renew.h"
#include "master/stop.h"
#include "t/unit/master_fixture.h"

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
	int fd = server_connect(&server, CHILD_SMTPD, 1, CHILD_LINK_CTL);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(server_connect(&server, CHILD_SMTPD, 2, CHILD_LINK_CTL), -ENOENT);
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
	if (is_child(argc, argv))
		return be_child(argc, argv);
	const TTest *const tests[] = {
		a_stop_takes_smtpd_first_and_the_queue_before_its_helpers,
		a_process_that_ignores_stop_is_killed,
		a_pause_outlasts_a_restart,
		stopped_and_started,
		a_new_smtpd_beside_the_old_one,
		smtpds_are_bounded,
		other_roles_are_stopped_and_started,
		an_end_waits_for_sessions,
	};
	return run_tests("master_orders", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
