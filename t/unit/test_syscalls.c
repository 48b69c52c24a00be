/* Each role makes each system call, in a process of its own. */
#include "common/jail/syscalls.h"

#include <check.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "t/unit/suite.h"

/* The roles with a list; those of WITHOUT follow. */
enum { LISTS = SYSCALLS_smtpd };

/* uretprobe and uprobe of x86-64: newer kernels answer them before any filter. */
enum { NUMBERS = 451, TOO_NEW = 500, BAD = -1, UNFILTERED = 335, UNFILTERED_TOO = 336 };

/* Runs ACT, which may end the process, in a jail of ROLE; returns how the process ended. */
static int in_jail(enum syscalls_role role, enum config_seccomp mode, int (*act)(int), int argument)
{
	int status;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		syscalls_prepare(SYSCALLS_client, mode);
		syscalls_enter(role, mode);
		_exit(act(argument));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* With arguments that no call takes, so that none does anything. */
static int make_call(int number)
{
	syscall(number, BAD, BAD, BAD, BAD, BAD, BAD);
	return 0;
}

#ifdef __SANITIZE_ADDRESS__
START_TEST(a_sanitizer_is_left_alone)
{
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE, make_call, SYS_execve), 0);
}
END_TEST
#else
static bool refused(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

START_TEST(each_call)
{
	for (int number = 0; number < NUMBERS; number++) {
		if (number == UNFILTERED || number == UNFILTERED_TOO)
			continue;
		bool permitted = syscalls_permits((enum syscalls_role)_i, number) || number == SYS_clone3;
		int status = in_jail((enum syscalls_role)_i, CONFIG_SECCOMP_ENFORCE, make_call, number);
		ck_assert_msg(refused(status) == !permitted, "call %d, status %d", number, status);
	}
}
END_TEST

static int fails_with(int number)
{
	return syscall(number, BAD, BAD, BAD, BAD, BAD, BAD) == -1 && errno == ENOSYS;
}

START_TEST(a_newer_call_is_unknown)
{
	ck_assert_int_eq(in_jail((enum syscalls_role)_i, CONFIG_SECCOMP_ENFORCE, fails_with, TOO_NEW),
			 W_EXITCODE(1, 0));
	ck_assert_int_eq(in_jail((enum syscalls_role)_i, CONFIG_SECCOMP_ENFORCE, fails_with, SYS_clone3),
			 W_EXITCODE(1, 0));
}
END_TEST

static int open_socket(int family)
{
	return socket(family, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

START_TEST(only_sockets_for_hosts)
{
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE, open_socket, AF_INET), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE, open_socket, AF_INET6), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE, open_socket, AF_UNIX), W_EXITCODE(ENOSYS, 0));
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE, open_socket, AF_NETLINK),
			 W_EXITCODE(ENOSYS, 0));
}
END_TEST

static int connect_to(int fd)
{
	const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return connect(fd, (const struct sockaddr *)&here, sizeof(here)) == 0 ? 0 : errno;
}

static int make_ring(int entries)
{
	return syscall(SYS_io_uring_setup, entries, NULL) >= 0 ? 0 : errno;
}

static int make_pair(int family)
{
	int pair[2];
	return socketpair(family, SOCK_SEQPACKET, 0, pair);
}

START_TEST(smtpd_connects_nowhere)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_ENFORCE, open_socket, families[i]),
				 W_EXITCODE(EACCES, 0));
	ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_ENFORCE, connect_to, fd), W_EXITCODE(EACCES, 0));
	ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_ENFORCE, make_ring, 1), W_EXITCODE(EACCES, 0));
	ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_ENFORCE, make_pair, AF_UNIX), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_LOG, open_socket, AF_INET), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_smtpd, CONFIG_SECCOMP_OFF, open_socket, AF_INET), 0);
	close(fd);
}
END_TEST

static int map(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

START_TEST(no_memory_is_made_executable)
{
	ck_assert_int_eq(in_jail(SYSCALLS_web, CONFIG_SECCOMP_ENFORCE, map, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_web, CONFIG_SECCOMP_ENFORCE, map, PROT_READ | PROT_EXEC), W_EXITCODE(1, 0));
}
END_TEST

static int clone_with(int flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

/* A process in a user namespace of its own would be root there. */
START_TEST(no_role_makes_a_namespace)
{
	static const int flags[] = {CLONE_NEWNS,  CLONE_NEWUSER, CLONE_NEWPID,   CLONE_NEWNET,
				    CLONE_NEWIPC, CLONE_NEWUTS,  CLONE_NEWCGROUP};
	enum syscalls_role role = (enum syscalls_role)_i;
	bool forks = syscalls_permits(role, SYS_clone);
	ck_assert_int_eq(in_jail(role, CONFIG_SECCOMP_ENFORCE, clone_with, 0) == 0, forks);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int status = in_jail(role, CONFIG_SECCOMP_ENFORCE, clone_with, flags[i]);
		ck_assert_msg(forks ? status == W_EXITCODE(ENOSYS, 0) : refused(status), "flag %#x, status %#x",
			      (unsigned)flags[i], (unsigned)status);
	}
}
END_TEST

/* A worker, forked in the jail of its parent, narrows its own. */
static int fork_worker(int number)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		syscalls_enter(SYSCALLS_client, CONFIG_SECCOMP_ENFORCE);
		_exit(make_call(number));
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || !refused(status);
}

static int name_it(int number)
{
	struct str text;
	char wanted[64];
	str_init(&text, 4096);
	bool before = syscalls_refused("an SMTP client", &text);
	fork_worker(number);
	bool after = syscalls_refused("an SMTP client", &text);
	snprintf(wanted, sizeof(wanted), "the system call execve (%d)", SYS_execve);
	bool named = after && strstr(str_text(&text), wanted);
	str_free(&text);
	return before || !named;
}

START_TEST(a_worker_is_narrower)
{
	ck_assert_int_eq(in_jail(SYSCALLS_clients, CONFIG_SECCOMP_ENFORCE, fork_worker, SYS_wait4), 0);
}
END_TEST

START_TEST(the_parent_can_name_the_call)
{
	ck_assert_int_eq(in_jail(SYSCALLS_clients, CONFIG_SECCOMP_ENFORCE, name_it, SYS_execve), 0);
}
END_TEST

START_TEST(log_and_off_permit_it)
{
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_LOG, make_call, SYS_execve), 0);
	ck_assert_int_eq(in_jail(SYSCALLS_client, CONFIG_SECCOMP_OFF, make_call, SYS_execve), 0);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("syscalls");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
#ifdef __SANITIZE_ADDRESS__
	tcase_add_test(all, a_sanitizer_is_left_alone);
#else
	tcase_add_loop_test(all, each_call, 0, LISTS);
	tcase_add_loop_test(all, a_newer_call_is_unknown, 0, LISTS);
	tcase_add_test(all, only_sockets_for_hosts);
	tcase_add_test(all, smtpd_connects_nowhere);
	tcase_add_test(all, no_memory_is_made_executable);
	tcase_add_loop_test(all, no_role_makes_a_namespace, 0, LISTS);
	tcase_add_test(all, a_worker_is_narrower);
	tcase_add_test(all, the_parent_can_name_the_call);
	tcase_add_test(all, log_and_off_permit_it);
#endif
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
