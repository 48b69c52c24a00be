#include "common/process/child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

/* Replaces the function of the C library. */
static int fstat_error;

int fstat(int fd, struct stat *st)
{
	if (fstat_error) {
		errno = fstat_error;
		return -1;
	}
	return fstatat(fd, "", st, AT_EMPTY_PATH);
}

enum { STARTED = 42, WRONG = 43, OUTPUT_MAX = 2000 };

static const char text[] = "virtual_server one { listen 127.0.0.1:2525; fqdn mail.example.com; }\n"
			   "virtual_server two { listen 127.0.0.1:2526; fqdn mail.example.net; }\n";

/* The configuration that master would give to ROLE of SERVER. */
static int configuration(const char *server, enum child_role role)
{
	struct config_report report = {0};
	struct str canonical;
	str_init(&report.text, 65536);
	str_init(&canonical, 1 << 20);
	struct config_tree *tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_ptr_nonnull(tree);
	ck_assert_msg(report.errors == 0, "%s", str_text(&report.text));
	config_tree_write(tree, "host.example.com", server, child_role_bit(role), &canonical);
	int fd = fd_sealed("configuration", str_span(&canonical));
	ck_assert_int_ge(fd, 0);
	config_tree_free(tree);
	str_free(&report.text);
	str_free(&canonical);
	return fd;
}

struct start {
	const char *const *arguments;
	int config;
	int control; /* our end: -1 = the child gets /dev/null */
	char output[OUTPUT_MAX];
	int status;
};

/* Puts descriptors at their fixed numbers, as master does. */
static void place(const int *from, const int *to, size_t n)
{
	int moved[8];
	for (size_t i = 0; i < n; i++)
		moved[i] = fcntl(from[i], F_DUPFD, 64);
	for (size_t i = 0; i < n; i++)
		if (dup2(moved[i], to[i]) < 0)
			_exit(WRONG);
}

static _Noreturn void run_child(const struct start *start, int output, int control)
{
	int argc = 0;
	struct child child;
	char name[16];
	place((int[]){output, control, start->config}, (int[]){CHILD_FD_LOG, CHILD_FD_CONTROL, CHILD_FD_CONFIG}, 3);
	while (start->arguments[argc])
		argc++;
	child_start(argc, (char **)(uintptr_t)start->arguments, CHILD_QUEUE, &child);
	bool good = child.role == CHILD_QUEUE && strcmp(child.server_name, "two") == 0 && child.listener_count == 3 &&
		    child.config.server_count == 1 && strcmp(child.server->fqdn, "mail.example.net") == 0;
	good = good && prctl(PR_GET_NAME, name) == 0 && strcmp(name, "mr-queue:two") == 0;
	good = good && child_reconfigure(&child, dup(CHILD_FD_CONFIG)) && strcmp(child.server->name, "two") == 0;
	good = good && !child_reconfigure(&child, fd_sealed("x", SPAN("virtual_server {"))) &&
	       strcmp(child.server->name, "two") == 0;
	good = good && !child_reconfigure(&child, -1);
	child_ready();
	config_free(&child.config);
	_exit(good ? STARTED : WRONG);
}

static void run(struct start *start)
{
	int output[2], link[2];
	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	ck_assert_int_eq(ipc_pair(link, 65536), 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_child(start, output[1], start->control == -1 ? null : link[1]);
	close(output[1]);
	close(link[1]);
	close(null);
	size_t len = 0;
	char octet;
	while (read(output[0], &octet, 1) == 1)
		if (len < OUTPUT_MAX - 1)
			start->output[len++] = octet;
	start->output[len] = '\0';
	close(output[0]);
	ck_assert_int_eq(waitpid(pid, &start->status, 0), pid);
	start->control = link[0];
}

static const char *const right[] = {"mailroot-queue", "--server", "two", "--listeners", "3", NULL};

START_TEST(starts_and_says_ready)
{
	struct start start = {.arguments = right, .config = configuration("two", CHILD_QUEUE)};
	struct ipc_packet packet;
	struct wire_ready ready;
	char buffer[256];
	run(&start);
	ck_assert_msg(WIFEXITED(start.status) && WEXITSTATUS(start.status) == STARTED, "status %d: %s", start.status,
		      start.output);
	ck_assert_int_eq(ipc_receive(start.control, buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_ready(packet.text, &ready));
	ck_assert(span_equal(ready.version, SPAN(MAILROOT_VERSION)));
	close(start.control);
	close(start.config);
}
END_TEST

static void expect_exit(struct start *start, int exit_code, const char *because)
{
	run(start);
	ck_assert_msg(WIFEXITED(start->status) && WEXITSTATUS(start->status) == exit_code, "status %d: %s",
		      start->status, start->output);
	ck_assert_msg(strstr(start->output, because) && strstr(start->output, "mailrootd"), "%s", start->output);
	close(start->control);
	close(start->config);
}

static void refuse(struct start *start, const char *because)
{
	expect_exit(start, EXIT_PERMANENT, because);
}

static const char *const wrong_arguments[][8] = {
	{"mailroot-queue"},
	{"mailroot-queue", "--server"},
	{"mailroot-queue", "--listeners", "3"},
	{"mailroot-queue", "--server", "two", "--role", "queue"},
	{"mailroot-queue", "--server", "two", "more"},
	{"mailroot-queue", "--server", "two", "--help"},
	{"mailroot-queue", "--server", "two", "--listeners", "-1"},
	{"mailroot-queue", "--server", "two", "--listeners", "99999999"},
};

START_TEST(refuses_arguments)
{
	const char *arguments[9] = {0};
	memcpy(arguments, wrong_arguments[_i], sizeof(wrong_arguments[_i]));
	struct start start = {.arguments = arguments, .config = configuration("two", CHILD_QUEUE)};
	refuse(&start, "arguments");
}
END_TEST

START_TEST(refuses_control_that_is_no_link)
{
	struct start start = {.arguments = right, .config = configuration("two", CHILD_QUEUE), .control = -1};
	refuse(&start, "descriptor 3");
}
END_TEST

START_TEST(refuses_other_configuration)
{
	int configs[] = {configuration("one", CHILD_QUEUE), configuration(NULL, CHILD_QUEUE),
			 fd_sealed("empty", SPAN("")), fd_sealed("garbage", SPAN("\x01\x02 }}"))};
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct start start = {.arguments = right, .config = configs[i]};
		expect_exit(&start, EXIT_TEMPORARY, "can't read the configuration");
	}
}
END_TEST

START_TEST(refuses_what_is_no_configuration)
{
	struct start start = {.arguments = right, .config = open("/dev/null", O_RDONLY | O_CLOEXEC)};
	refuse(&start, "descriptor 4");
}
END_TEST

/* A temporary shortage is not a wrong configuration: master tries again. */
START_TEST(a_read_error_is_temporary)
{
	static const int errors[] = {EIO, ENOMEM};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct start start = {.arguments = right, .config = configuration("two", CHILD_QUEUE)};
		fstat_error = errors[i];
		expect_exit(&start, EXIT_TEMPORARY, strerror(errors[i]));
		fstat_error = 0;
	}
}
END_TEST

START_TEST(a_link_that_broke_is_told)
{
	int link[2];
	char buffer[100];
	struct ipc_packet packet;
	struct wire_detached detached;
	ck_assert_int_eq(ipc_pair(link, 65536), 0);
	child_detached(link[0], CHILD_LINK_LOCAL, 7);
	ck_assert_int_eq(ipc_receive(link[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_detached(packet.text, &detached));
	ck_assert_uint_eq(detached.kind, CHILD_LINK_LOCAL);
	ck_assert_uint_eq(detached.serial, 7);
	close(link[1]);
	child_detached(link[0], CHILD_LINK_LOCAL, 8); /* without master there is no process to tell */
	close(link[0]);
}
END_TEST

START_TEST(a_ping_is_answered)
{
	int link[2];
	char buffer[100];
	struct ipc_packet packet;
	struct wire_pong pong;
	ck_assert_int_eq(ipc_pair(link, 65536), 0);
	child_pong(link[0]);
	ck_assert_int_eq(ipc_receive(link[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_pong(packet.text, &pong));
	close(link[1]);
	child_pong(link[0]); /* without master there is no process to answer */
	close(link[0]);
}
END_TEST

static enum wire_type next_order(int control, struct ipc_packet *order)
{
	char buffer[WIRE_PACKET_MAX];
	enum wire_type type = child_order(control, CHILD_FILTERS, buffer, sizeof(buffer), order);
	ipc_packet_close(order);
	return type;
}

static void send_order(int control, enum wire_type type)
{
	struct str packet;
	str_init(&packet, 100);
	wire_sample(type, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

/* Orders of other roles, and what is no packet, are no orders. The end of master is one to stop. */
START_TEST(orders)
{
	static const enum wire_type sent[] = {WIRE_reload, WIRE_attach, WIRE_ping, WIRE_stop};
	static const enum wire_type taken[] = {WIRE_reload, WIRE_NONE, WIRE_NONE, WIRE_stop};
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet order;
	int link[2];
	ck_assert_int_eq(ipc_pair(link, 100000), 0);
	ck_assert_int_eq(next_order(link[1], &order), WIRE_NONE);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		send_order(link[0], sent[i]);
		ck_assert_int_eq(next_order(link[1], &order), taken[i]);
		ck_assert_int_eq(next_order(link[1], &order), WIRE_NONE);
	}
	ck_assert_int_eq(ipc_receive(link[0], buffer, sizeof(buffer), MSG_DONTWAIT, &order), 0);
	ck_assert_int_eq(wire_type_of(order.text), WIRE_pong);
	ck_assert_int_eq(ipc_send(link[0], SPAN("\xff"), NULL, 0), 0);
	ck_assert_int_eq(next_order(link[1], &order), WIRE_NONE);
	fd_close(&link[0]);
	ck_assert_int_eq(next_order(link[1], &order), WIRE_stop);
	fd_close(&link[1]);
	ck_assert_int_eq(next_order(link[1], &order), WIRE_stop);
}
END_TEST

START_TEST(configuration_is_shared)
{
	static const size_t sizes[] = {0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100000};
	struct str all, read;
	str_init(&all, 100000);
	str_init(&read, 100000);
	for (size_t i = 0; i < sizes[_i]; i++)
		str_append_c(&all, (char)('a' + i % 23));
	int fd = fd_sealed("configuration", str_span(&all));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, 5, SEEK_SET), 5);
	ck_assert_int_eq(child_config_text(fd, &read), 0);
	ck_assert(span_equal(str_span(&all), str_span(&read)));
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 5);
	close(fd);
	str_free(&all);
	str_free(&read);
}
END_TEST

START_TEST(configuration_that_can_not_be_read)
{
	struct str small;
	int ends[2], fd = fd_sealed("configuration", SPAN("0123456789"));
	str_init(&small, 9);
	ck_assert_int_eq(child_config_text(fd, &small), -EFBIG);
	ck_assert_int_eq(child_config_text(-1, &small), -EBADF);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(child_config_text(ends[0], &small), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	str_free(&small);
}
END_TEST

START_TEST(roles_have_names)
{
	ck_assert_str_eq(child_role_name(CHILD_LOCAL), "local");
	ck_assert_str_eq(child_role_program(CHILD_LOCAL), "mailroot-local");
	ck_assert_str_eq(child_role_program(CHILD_SMTPD), "mailroot-smtpd");
	unsigned seen = 0;
	for (unsigned role = 0; role < CHILD_ALL_COUNT; role++) {
		ck_assert_uint_eq(seen & child_role_bit((enum child_role)role), 0);
		seen |= child_role_bit((enum child_role)role);
	}
	ck_assert_uint_eq(seen | ROLE_MASTER, ROLE_ALL);
}
END_TEST

/* Each program can be missing; that of access tokens is a package of its own. */
START_TEST(a_program_that_is_missing)
{
	char why[300] = "";
	ck_assert(child_program_usable("/proc/self/exe", CHILD_WEB, why, sizeof(why)));
	ck_assert_str_eq(why, "");
	ck_assert(!child_program_usable("/nowhere/mailroot-web", CHILD_WEB, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "/nowhere/mailroot-web, which fetches access tokens, is not installed"));
	ck_assert_ptr_nonnull(strstr(why, "`apt install mailroot-web`"));
	ck_assert(!child_program_usable("/nowhere/mailroot-queue", CHILD_QUEUE, why, sizeof(why)));
	ck_assert_str_eq(why, "/nowhere/mailroot-queue is missing: install Mailroot again");
	ck_assert(!child_program_usable("/proc/version/x", CHILD_WEB, why, sizeof(why)));
	ck_assert_str_eq(why, "/proc/version/x can't be started: Not a directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");
	TCase *all = tcase_create("child");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, starts_and_says_ready);
	tcase_add_loop_test(all, refuses_arguments, 0, sizeof(wrong_arguments) / sizeof(wrong_arguments[0]));
	tcase_add_test(all, refuses_control_that_is_no_link);
	tcase_add_test(all, refuses_other_configuration);
	tcase_add_test(all, refuses_what_is_no_configuration);
	tcase_add_test(all, a_read_error_is_temporary);
	tcase_add_test(all, a_link_that_broke_is_told);
	tcase_add_test(all, a_ping_is_answered);
	tcase_add_test(all, orders);
	tcase_add_loop_test(all, configuration_is_shared, 0, 6);
	tcase_add_test(all, configuration_that_can_not_be_read);
	tcase_add_test(all, roles_have_names);
	tcase_add_test(all, a_program_that_is_missing);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
