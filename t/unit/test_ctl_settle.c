#include "ctl/settle.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct service service;
static struct str said;

static struct service_process process(const char *role, const char *state)
{
	return (struct service_process){.role = role, .state = state, .pid = "1", .last_end = ""};
}

/* One server with an smtpd in STATE; all other processes are ready. */
static void setup_with(const char *server_state, const char *smtpd_state)
{
	struct service_server *server = &service.servers[0];

	service = (struct service){.server_count = 1};
	str_init(&said, 10000);
	server->name = "main";
	server->state = server_state;
	server->trouble = "";
	server->process_count = CHILD_WEB; /* all but that one, which is not needed */
	server->processes[CHILD_SMTPD] = process("smtpd", smtpd_state);
	for (enum child_role role = CHILD_SMTPD + 1; role < CHILD_WEB; role++)
		server->processes[role] = process(child_role_name(role), "ready");
}

static void add_older(const char *state)
{
	struct service_server *server = &service.servers[0];

	server->processes[server->process_count] = process("smtpd", state);
	server->processes[server->process_count++].older = 1;
}

static void teardown(void)
{
	str_free(&said);
}

static void attend(const char *role, const char *text)
{
	struct service_server *server = &service.servers[0];

	server->attention[server->attention_count++] = (struct service_attention){role, text};
}

START_TEST(a_working_server_is_settled)
{
	setup_with("running", "ready");
	ck_assert(!settle_busy(&service, 0));
	ck_assert(settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said), "");
	attend("smtpd", "it expires soon");
	ck_assert(settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said), "server main: warning: it expires soon\n");
}
END_TEST

START_TEST(failures_are_told_with_their_reasons)
{
	setup_with("failed", "failed");
	ck_assert(!settle_busy(&service, 0));
	ck_assert(!settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said), "server main: smtpd does not start; the log has the reason\n");
	str_clear(&said);
	attend("delivery", "mail waits");
	attend("smtpd", "wrong key");
	attend("smtpd", "old certificate");
	add_older("ready");
	ck_assert(!settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said),
			 "server main: smtpd does not start: wrong key\n"
			 "server main: smtpd: old certificate\n"
			 "server main: the previous smtpd goes on serving with the old configuration\n");
}
END_TEST

static const char *const on_the_way[] = {"starting", "restarting", "replacing"};

START_TEST(starting_processes_are_waited_for)
{
	setup_with("starting", on_the_way[_i]);
	ck_assert(settle_busy(&service, 0));
	ck_assert(settle_busy(&service, SETTLE_RESTART_MS) == (strcmp(on_the_way[_i], "restarting") != 0));
	ck_assert(!settle_tell(&service, &said));
}
END_TEST

static const char *const not_meant_to_run[] = {"stopped", "stopping", "ending", "trouble"};

START_TEST(a_server_that_is_off_is_ignored)
{
	setup_with(not_meant_to_run[_i], "restarting");
	attend("smtpd", "wrong key");
	ck_assert(!settle_busy(&service, 0));
	ck_assert(settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said), "");
}
END_TEST

START_TEST(waiting_mail_is_told)
{
	setup_with("running", "ready");
	service.servers[0].trouble = "port in use";
	ck_assert(!settle_tell(&service, &said));
	ck_assert_str_eq(str_text(&said), "server main: waiting: port in use\n");
}
END_TEST

START_TEST(one_that_finishes_its_sessions_is_no_successor)
{
	setup_with("failed", "failed");
	add_older("retiring");
	ck_assert(!settle_busy(&service, 0));
	ck_assert(!settle_goes_on(&service.servers[0]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settle");
	TCase *tc = tcase_create("settle");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_working_server_is_settled);
	tcase_add_test(tc, failures_are_told_with_their_reasons);
	tcase_add_loop_test(tc, starting_processes_are_waited_for, 0, 3);
	tcase_add_loop_test(tc, a_server_that_is_off_is_ignored, 0, 4);
	tcase_add_test(tc, waiting_mail_is_told);
	tcase_add_test(tc, one_that_finishes_its_sessions_is_no_successor);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
