/* The processes of a virtual server and the links between them: start, failures and restarts. */
#include "master/server.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/base/fd.h"
#include "master/attach.h"
#include "master/pulse.h"
#include "master/renew.h"
#include "t/unit/master_fixture.h"
#include "t/unit/wire_sample.h"

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
START_TEST(web_runs_where_a_block_needs_tokens)
{
	const struct supervised *web = &server.children[CHILD_WEB];

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	ck_assert_int_eq(server_connect(&server, CHILD_WEB, 0, CHILD_LINK_CTL), -EAGAIN);
	ck_assert(!supervise_alive(web) && !has_oauth_folder());
	build_with(ANY_PORT, FOR_A_PERSON);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	until_state(SERVER_RUNNING);
	ck_assert(supervise_alive(web));
	ck_assert(has_oauth_folder());
	int fd = server_connect(&server, CHILD_WEB, 0, CHILD_LINK_CTL);
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
START_TEST(web_may_fail_until_it_is_not_needed)
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

#define BY_KDC "access { auth plain; auth_requires_tls no; keytab /k; passwords kerberos }"

/* Nothing but a reload is needed: the setting acts without new processes of other roles. */
START_TEST(kerberos_runs_where_passwords_need_it)
{
	const struct supervised *kerberos = &server.children[CHILD_KERBEROS];

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	ck_assert(!supervise_alive(kerberos));
	build_with(ANY_PORT, BY_KDC);
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	until_state(SERVER_RUNNING);
	ck_assert(supervise_alive(kerberos));
	build_config(ANY_PORT);
	while (supervise_alive(kerberos))
		turn();
	ck_assert_int_eq(said("kerberos", "stop"), 1);
	ck_assert_int_eq(kerberos->state, SUPERVISE_STOPPED);
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
}
END_TEST

/* The block filter acts with a reload, so smtpd stays. */
START_TEST(filters_run_where_there_are_some)
{
	const struct supervised *filters = &server.children[CHILD_FILTERS];

	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	ck_assert(!supervise_alive(filters));
	pid_t smtpd = server.children[CHILD_SMTPD].pid;
	build_with(ANY_PORT, "filter virus { address unix:/run/virus }");
	ck_assert_int_eq(server_state(&server), SERVER_STARTING);
	until_state(SERVER_RUNNING);
	ck_assert(supervise_alive(filters));
	ck_assert_int_eq(server.children[CHILD_SMTPD].pid, smtpd);
	build_config(ANY_PORT);
	while (supervise_alive(filters))
		turn();
	ck_assert_int_eq(said("filters", "stop"), 1);
	ck_assert_int_eq(filters->state, SUPERVISE_STOPPED);
	ck_assert_int_eq(server_state(&server), SERVER_RUNNING);
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
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 0, CHILD_LINK_CTL), -EAGAIN);
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

/* A round of pulse.h, until all but the queue have answered. */
static void next_round(void)
{
	bool silent = true;

	server.pulse_ms = 0;
	while (silent) {
		turn();
		silent = false;
		for (size_t i = 0; i < SERVER_CHILDREN; i++)
			silent |= i != CHILD_QUEUE && server.children[i].silent;
	}
}

START_TEST(a_child_that_hangs_is_killed)
{
	const struct supervised *queue = &server.children[CHILD_QUEUE];

	does("queue", "hang");
	build_config(ANY_PORT);
	until_state(SERVER_RUNNING);
	pid_t hung = queue->pid;
	for (int round = 0; round < PULSE_SILENT_MAX; round++)
		next_round();
	ck_assert_int_eq(said("local", "pong"), PULSE_SILENT_MAX);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_int_eq(queue->pid, hung);
	does("queue", "ready");
	next_round();
	while (queue->pid == hung || queue->pid == 0)
		turn();
	until_state(SERVER_RUNNING);
	ck_assert_uint_eq(queue->restarts, 1);
	ck_assert_uint_eq(server.children[CHILD_LOCAL].restarts, 0);
	next_round();
	until_said("queue", "pong", 1);
}
END_TEST

START_TEST(a_link_for_the_operator_arrives_at_the_child)
{
	build_config(ANY_PORT);
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 0, CHILD_LINK_CTL), -EAGAIN);
	until_state(SERVER_RUNNING);
	int fd = server_connect(&server, CHILD_SMTPD, 0, CHILD_LINK_CTL);
	ck_assert_int_ge(fd, 0);
	until_said("smtpd", "attach 4", 1);
	close(fd);
	ck_assert_int_eq(server_connect(&server, CHILD_SMTPD, 1, CHILD_LINK_CTL), -ENOENT);
	ck_assert_int_eq(server_connect(&server, CHILD_QUEUE, 1, CHILD_LINK_CTL), -ENOENT);
	ck_assert_int_eq(server_connect(&server, CHILD_ROLE_COUNT, 0, CHILD_LINK_CTL), -ENOENT);
}
END_TEST

int main(int argc, char **argv)
{
	if (is_child(argc, argv))
		return be_child(argc, argv);
	const TTest *const tests[] = {
		all_come_up_with_their_links,
		web_runs_where_a_block_needs_tokens,
		kerberos_runs_where_passwords_need_it,
		filters_run_where_there_are_some,
		web_may_fail_until_it_is_not_needed,
		a_killed_child_is_back_with_new_links_and_the_port_stays,
		a_child_that_hangs_is_killed,
		a_permanent_failure_waits_for_a_reload,
		the_last_error_of_a_child_is_kept_until_one_works,
		a_process_that_keeps_dying_does_not_block_the_start,
		a_link_that_breaks_is_made_anew,
		without_its_link_a_process_is_not_ready,
		a_process_that_can_not_be_told_is_restarted,
		a_child_that_floods_loses_its_link,
		a_child_may_send_the_packets_of_its_role,
		a_link_for_the_operator_arrives_at_the_child,
	};
	return run_tests("master_server", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
