/* A child process, with the test as master: what master is told, and what is logged. */
#include "common/process/trouble.h"

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "t/unit/suite.h"

enum { NOW = 1800000000, DAY = 86400, HEARD_MAX = 1000 };

static const struct telling {
	const char *text;
	int64_t now_s;
	const char *heard, *logged; /* heard NULL = no packet */
} tellings[] = {
	{"", NOW, NULL, ""},
	{"a\nb\n", NOW, "a\nb\n", "<4>x: a\n<4>x: b\n"},
	{"a\nb\n", NOW + DAY - 1, NULL, ""},
	{"a\nb\n", NOW + DAY, NULL, "<4>x: a\n<4>x: b\n"},
	{"a\nb\n", NOW + 1, NULL, ""}, /* the clock was set back a little */
	{"a\nb\n", NOW - DAY, NULL, "<4>x: a\n<4>x: b\n"},
	{"b\n", NOW - DAY, "b\n", "<4>x: b\n"},
	{"", NOW - DAY, "", ""},
	{"", NOW, NULL, ""},
};
enum { TELLINGS = sizeof(tellings) / sizeof(tellings[0]) };

/* Reports all texts. Only the last one is logged to LOG and told to CONTROL. */
static _Noreturn void tell(int last, int log, int control)
{
	struct trouble trouble;
	int nobody[2];
	trouble_init(&trouble);
	log_open("x", NULL);
	if (ipc_pair(nobody, 1 << 20) || dup2(nobody[0], CHILD_FD_CONTROL) < 0)
		_exit(1);
	for (int i = 0; i <= last; i++) {
		if (i == last && (dup2(log, STDERR_FILENO) < 0 || dup2(control, CHILD_FD_CONTROL) < 0))
			_exit(1);
		trouble_tell(&trouble, span_of(tellings[i].text), tellings[i].now_s);
	}
	trouble_free(&trouble);
	_exit(0);
}

START_TEST(told_when_it_changes_and_logged_once_a_day)
{
	const struct telling *expected = &tellings[_i];
	char buffer[HEARD_MAX], heard[HEARD_MAX];
	struct ipc_packet packet;
	struct wire_trouble wire;
	struct str logged;
	int link[2], status;
	str_init(&logged, HEARD_MAX);
	int log = fcntl(memfd_create("log", MFD_CLOEXEC), F_DUPFD, 100);
	ck_assert_int_eq(ipc_pair(link, 1 << 20), 0);
	int master = fcntl(link[0], F_DUPFD, 100), control = fcntl(link[1], F_DUPFD, 100);
	pid_t pid = fork();
	if (!pid)
		tell(_i, log, control);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);

	bool told = ipc_receive(master, buffer, sizeof(buffer), MSG_DONTWAIT, &packet) == 0;
	ck_assert_int_eq(told, expected->heard != NULL);
	if (told) {
		ck_assert(wire_decode_trouble(packet.text, &wire) && span_copy(wire.text, heard, sizeof(heard)));
		ck_assert_str_eq(heard, expected->heard);
	}
	ck_assert_int_eq(lseek(log, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(log, &logged), 0);
	ck_assert_str_eq(str_text(&logged), expected->logged);
	str_free(&logged);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trouble");
	TCase *tc = tcase_create("trouble");
	tcase_add_loop_test(tc, told_when_it_changes_and_logged_once_a_day, 0, TELLINGS);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
