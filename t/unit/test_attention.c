#include "common/tls/attention.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "t/unit/suite.h"

enum { NOW = 1800000000, DAY = 86400 };

static struct config_certificate pair = {.certificate = "/nonexistent/c.pem", .key = "/nonexistent/c.key"};
static const struct config_certificates pairs = {.at = &pair, .n = 1};
static struct attention attention;
static int master, other;

static void setup(void)
{
	int ends[2];

	log_set_level(LOG_LEVEL_ERROR - 1);
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	master = fcntl(ends[0], F_DUPFD, 100);
	other = fcntl(ends[1], F_DUPFD, 100);
	close(ends[0]);
	close(ends[1]);
	attention_init(&attention);
}

static void teardown(void)
{
	close(master);
	close(other);
	attention_free(&attention);
}

/* The control link of a child is descriptor 3, which the test framework may use. Returns a copy of that. */
static int take_control(void)
{
	int before = fcntl(CHILD_FD_CONTROL, F_DUPFD, 100);

	dup2(other, CHILD_FD_CONTROL);
	return before;
}

static void give_control_back(int before)
{
	if (before >= 0)
		dup2(before, CHILD_FD_CONTROL);
	else
		close(CHILD_FD_CONTROL);
	close(before);
}

/* The next text that master receives; "nothing" if there is none. */
static const char *heard(void)
{
	static char buffer[WIRE_PACKET_MAX], text[CHILD_TROUBLE_MAX + 1];
	struct ipc_packet packet;
	struct wire_trouble trouble;

	if (ipc_receive(master, buffer, sizeof(buffer), MSG_DONTWAIT, &packet))
		return "nothing";
	ck_assert(wire_decode_trouble(packet.text, &trouble));
	ck_assert(span_copy(trouble.text, text, sizeof(text)));
	return text;
}

static const char *tended(int64_t now_s)
{
	int before = take_control();

	attention_tend(&attention, "mail.example.com", now_s);
	give_control_back(before);
	return heard();
}

START_TEST(findings_are_reported_once_and_withdrawn)
{
	ck_assert_str_eq(tended(NOW), "nothing");
	attention_set(&attention, ATTENTION_GSSAPI, "no key tab");
	attention_set(&attention, ATTENTION_USERS, "line 1: no\nline 2: no\n");
	ck_assert_str_eq(tended(NOW), "no key tab\nline 1: no\nline 2: no\n");
	attention_set(&attention, ATTENTION_USERS, "line 1: no\nline 2: no\n");
	ck_assert_str_eq(tended(NOW), "nothing");
	attention_set(&attention, ATTENTION_GSSAPI, NULL);
	ck_assert_str_eq(tended(NOW), "line 1: no\nline 2: no\n");
	attention_set(&attention, ATTENTION_USERS, "");
	ck_assert_str_eq(tended(NOW), "");
	ck_assert_str_eq(tended(NOW), "nothing");
}
END_TEST

START_TEST(checks_happen_once_a_day_or_on_request)
{
	attention_set(&attention, ATTENTION_USERS, "x");
	tended(NOW);
	attention.sources[ATTENTION_USERS].len = 0;
	ck_assert_str_eq(tended(NOW + DAY - 1), "nothing");
	ck_assert_str_eq(tended(NOW + DAY), "");
	attention_set(&attention, ATTENTION_USERS, "x");
	tended(NOW + DAY);
	attention.sources[ATTENTION_USERS].len = 0;
	ck_assert_str_eq(tended(NOW - 100 * DAY), ""); /* the clock was set back */
	attention_look(&attention);
	ck_assert_str_eq(tended(NOW - 100 * DAY), "nothing");
}
END_TEST

START_TEST(too_much_is_cut_at_a_line)
{
	static char flood[3 * CHILD_TROUBLE_MAX];

	for (size_t i = 0; i + 1 < sizeof(flood); i++)
		flood[i] = i % 100 == 99 ? '\n' : 'a';
	attention_set(&attention, ATTENTION_USERS, flood);
	const char *text = tended(NOW);
	ck_assert_uint_gt(strlen(text), CHILD_TROUBLE_MAX - 101);
	ck_assert_uint_eq((strlen(text) + 1) % 100, 0);
}
END_TEST

START_TEST(a_certificate_that_can_not_be_used_ends_the_process_with_the_reason)
{
	int status;

	pid_t pid = fork();
	if (!pid) {
		take_control();
		attention_examine(&attention, &pairs, CERTIFICATE_SERVER);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PERMANENT);
	ck_assert_str_eq(heard(), "certificate /nonexistent/c.pem can't be read: No such file or directory\n"
				  "key /nonexistent/c.key can't be read: No such file or directory\n");
}
END_TEST

/* Mail that needs the certificate waits; other mail is sent. */
START_TEST(a_client_certificate_that_can_not_be_used_is_for_its_block_to_tell)
{
	attention_examine(&attention, &pairs, CERTIFICATE_CLIENT);
	attention_examine(&attention, &pairs, CERTIFICATE_CLIENT);
	ck_assert_uint_eq(attention.n, 1);
	ck_assert_str_eq(tended(NOW), "nothing");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attention");
	TCase *tc = tcase_create("attention");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, findings_are_reported_once_and_withdrawn);
	tcase_add_test(tc, checks_happen_once_a_day_or_on_request);
	tcase_add_test(tc, too_much_is_cut_at_a_line);
	tcase_add_test(tc, a_certificate_that_can_not_be_used_ends_the_process_with_the_reason);
	tcase_add_test(tc, a_client_certificate_that_can_not_be_used_is_for_its_block_to_tell);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
