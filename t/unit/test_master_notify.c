#include "master/notify.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/notify-XXXXXX";

/* A socket with the address NAME ('@' = abstract), like that of init, and the variable that names it. */
static int be_init(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[64] = "";

	ck_assert(notify_send(text));
	ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
	ck_assert_str_eq(got, text);
}

START_TEST(a_path_is_told)
{
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	int fd = be_init(path);
	notify_open();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	expect(fd, "READY=1");
	expect(fd, "STOPPING=1");
	close(fd);
	ck_assert(!notify_send("READY=1"));
	unlink(path);
	rmdir(folder);
}
END_TEST

START_TEST(an_abstract_address_is_told)
{
	char name[64];

	snprintf(name, sizeof(name), "@mailroot-test-%d", (int)getpid());
	int fd = be_init(name);
	notify_open();
	expect(fd, "READY=1");
	close(fd);
}
END_TEST

/* To the program that takes over: the same address and the same period. */
START_TEST(is_handed_on)
{
	char name[64];

	snprintf(name, sizeof(name), "@mailroot-test-%d", (int)getpid());
	int fd = be_init(name);
	setenv("WATCHDOG_USEC", "6000000", 1);
	notify_open();
	notify_hand_on();
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), name);
	ck_assert_str_eq(getenv("WATCHDOG_USEC"), "6000000");
	notify_open();
	expect(fd, "READY=1");
	ck_assert_int_eq(notify_alive(1), 2000);
	close(fd);
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	notify_open();
	notify_hand_on();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(without_a_valid_address_nothing_is_sent)
{
	char long_name[300];

	unsetenv("NOTIFY_SOCKET");
	notify_open();
	ck_assert(!notify_send("READY=1"));
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[0] = '/';
	long_name[sizeof(long_name) - 1] = '\0';
	const char *bad[] = {"", "/", "@", "relative", long_name};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_open();
		ck_assert(!notify_send("READY=1"));
	}
}
END_TEST

/* Init asks the process PID for a sign of life in each PERIOD. */
static void ask(const char *period, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	setenv("WATCHDOG_USEC", period, 1);
	setenv("WATCHDOG_PID", text, 1);
	notify_open();
}

START_TEST(init_gets_its_signs_of_life)
{
	char name[64], got[64] = "";

	snprintf(name, sizeof(name), "@mailroot-test-%d", (int)getpid());
	int fd = be_init(name);
	ask("30000000", getpid());
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
	ck_assert_int_eq(notify_alive(5000), 10000);
	ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 10);
	ck_assert_str_eq(got, "WATCHDOG=1");
	ck_assert_int_eq(notify_alive(14999), 1);
	ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(notify_alive(15000), 10000);
	ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 10);
	close(fd);
}
END_TEST

START_TEST(init_that_does_not_ask_gets_none)
{
	char name[64];

	snprintf(name, sizeof(name), "@mailroot-test-%d", (int)getpid());
	int fd = be_init(name);
	notify_open();
	ck_assert_int_eq(notify_alive(0), -1);
	setenv("NOTIFY_SOCKET", name, 1);
	ask("30000000", getppid());
	ck_assert_int_eq(notify_alive(0), -1);
	setenv("NOTIFY_SOCKET", name, 1);
	ask("soon", getpid());
	ck_assert_int_eq(notify_alive(0), -1);
	ask("30000000", getpid()); /* without a socket */
	ck_assert_int_eq(notify_alive(0), -1);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tc = tcase_create("notify");
	tcase_add_test(tc, a_path_is_told);
	tcase_add_test(tc, an_abstract_address_is_told);
	tcase_add_test(tc, is_handed_on);
	tcase_add_test(tc, without_a_valid_address_nothing_is_sent);
	tcase_add_test(tc, init_gets_its_signs_of_life);
	tcase_add_test(tc, init_that_does_not_ask_gets_none);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
