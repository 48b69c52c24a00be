#include "common/process/privs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "t/unit/suite.h"

static bool root; /* otherwise an ordinary user runs the tests and keeps its groups */
static char folder[64];
static char allowed[96];
static char forbidden[96];

static void setup(void)
{
	root = geteuid() == 0;
	log_open("test", NULL);
	snprintf(folder, sizeof(folder), "/tmp/test_privs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(allowed, sizeof(allowed), "%s/allowed", folder);
	snprintf(forbidden, sizeof(forbidden), "%s/forbidden", folder);
	ck_assert_int_eq(mkdir(allowed, 0777) + mkdir(forbidden, 0777), 0);
	ck_assert_int_eq(chmod(allowed, 0777) + chmod(forbidden, 0777), 0);
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

/* Privileges that a change of user alone would leave. */
static void hold_on_to_root(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	gid_t group = 4;
	bool done = setgroups(1, &group) == 0 && syscall(SYS_capget, &header, data) == 0;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = data[i].permitted;
	if (!done || syscall(SYS_capset, &header, data) != 0)
		_exit(99);
}

static void become_nobody(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		_exit(99);
	prctl(PR_SET_DUMPABLE, 1);
}

/* Runs LOOK in a jail, in a process of its own. AS_ROOT: root enters the jail, otherwise the user nobody does. */
static int in_jail(const struct privs_jail *jail, bool as_root, int (*look)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		if (as_root)
			hold_on_to_root();
		else
			become_nobody();
		privs_enter(jail);
		_exit(look());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
	return WEXITSTATUS(status);
}

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

/* The line of the first failed check, for all jails. */
#define MUST(condition)                                                                                                \
	if (!(condition))                                                                                              \
	return __LINE__ % 200 + 1

static bool no_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return false;
	}
	return true;
}

static int look_at_process(void)
{
	int signo = 0;
	struct rlimit core, files, processes;
	MUST(getuid() != 0 && geteuid() != 0 && getgid() != 0 && getegid() != 0);
	MUST(!root || getgroups(0, NULL) == 0);
	MUST(setuid(0) != 0 && setgid(0) != 0 && setgroups(0, NULL) != 0);
	MUST(no_capabilities());
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_DUMPABLE) == 0);
	MUST(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == SIGTERM);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == 100 && files.rlim_max == 100);
	MUST(getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_max == 0);
	MUST(fork() == -1);
	return 0;
}

START_TEST(nothing_of_root_is_left)
{
	struct privs_jail jail = {.user = "nobody", .max_files = 100};
	if (root)
		ck_assert_int_eq(in_jail(&jail, true, look_at_process), 0);
	ck_assert_int_eq(in_jail(&jail, false, look_at_process), 0);
}
END_TEST

static int look_at_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		MUST(prctl(PR_CAPBSET_READ, cap) == 0);
	return 0;
}

START_TEST(bounding_set_is_empty)
{
	struct privs_jail jail = {.user = "nobody"};
	if (root)
		ck_assert_int_eq(in_jail(&jail, true, look_at_bounding_set), 0);
}
END_TEST

static int look_for_any_file(void)
{
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("/", O_RDONLY | O_DIRECTORY) == -1 && errno == EACCES);
	MUST(open(allowed, O_TMPFILE | O_RDWR, 0600) == -1 && errno == EACCES);
	MUST(mkdir("/tmp/test_privs_never", 0700) == -1 && errno == EACCES);
	return 0;
}

START_TEST(no_paths_means_no_files)
{
	struct privs_jail jail = {.user = "nobody"};
	if (!have_landlock())
		return;
	if (root)
		ck_assert_int_eq(in_jail(&jail, true, look_for_any_file), 0);
	ck_assert_int_eq(in_jail(&jail, false, look_for_any_file), 0);
}
END_TEST

static bool write_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = fd != -1 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0;
	if (fd != -1)
		close(fd);
	return done;
}

/* Everything that a spool needs, and nothing else. */
static int use_folders(void)
{
	int in = open(allowed, O_RDONLY | O_DIRECTORY), out = open(forbidden, O_PATH | O_DIRECTORY);
	MUST(in != -1 && out != -1);
	MUST(write_file(in, "a"));
	MUST(renameat(in, "a", in, "b") == 0);
	MUST(unlinkat(in, "b", 0) == 0);
	int unnamed = openat(in, ".", O_TMPFILE | O_RDWR, 0600);
	MUST(unnamed != -1 && write(unnamed, "x", 1) == 1);
	MUST(linkat(unnamed, "", in, "linked", AT_EMPTY_PATH) == 0 ? unlinkat(in, "linked", 0) == 0 : errno == ENOENT);
	MUST(!write_file(out, "a"));
	MUST(openat(in, "../forbidden/file", O_RDONLY) == -1 && errno == EACCES);
	MUST(symlinkat("/etc/passwd", in, "link") == -1);
	MUST(mkfifoat(in, "fifo", 0600) == -1);
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	return 0;
}

START_TEST(only_listed_folders)
{
	const char *const paths[] = {allowed, NULL};
	struct privs_jail jail = {.user = "nobody", .paths = paths};
	char file[128];
	if (!have_landlock())
		return;
	snprintf(file, sizeof(file), "%s/file", forbidden);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ne(fd, -1);
	close(fd);
	if (root)
		ck_assert_int_eq(in_jail(&jail, true, use_folders), 0);
	ck_assert_int_eq(in_jail(&jail, false, use_folders), 0);
}
END_TEST

static int read_one_file(void)
{
	int fd = open("/etc/passwd", O_RDONLY);
	char octet;
	MUST(fd != -1 && read(fd, &octet, 1) == 1);
	MUST(open("/etc/group", O_RDONLY) == -1 && errno == EACCES);
	return 0;
}

START_TEST(a_single_file_may_be_listed)
{
	const char *const paths[] = {"/etc/passwd", NULL};
	struct privs_jail jail = {.user = "nobody", .paths = paths};
	if (have_landlock())
		ck_assert_int_eq(in_jail(&jail, false, read_one_file), 0);
}
END_TEST

static int read_only(void)
{
	char path[128];
	int listing = open(allowed, O_RDONLY | O_DIRECTORY);
	MUST(listing != -1);
	snprintf(path, sizeof(path), "%s/readable", allowed);
	MUST(open(path, O_RDONLY) != -1 && open("/etc/passwd", O_RDONLY) != -1);
	MUST(open(path, O_RDWR) == -1 && errno == EACCES);
	MUST(unlink(path) == -1 && errno == EACCES);
	MUST(openat(listing, "new", O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
	MUST(open("/etc/group", O_RDONLY) == -1 && errno == EACCES);
	return 0;
}

START_TEST(what_may_only_be_read)
{
	const char *const readable[] = {allowed, "/etc/passwd", NULL};
	struct privs_jail jail = {.user = "nobody", .readable = readable};
	char path[128];
	snprintf(path, sizeof(path), "%s/readable", allowed);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ne(fd, -1);
	close(fd);
	if (have_landlock())
		ck_assert_int_eq(in_jail(&jail, false, read_only), 0);
}
END_TEST

/* The Landlock rule was made outside and applies inside, where the folder has become the root. */
static int look_around_in_root(void)
{
	char where[64];
	MUST(getcwd(where, sizeof(where)) && strcmp(where, "/") == 0);
	int here = open("/", O_RDONLY | O_DIRECTORY);
	MUST(here != -1);
	MUST(write_file(here, "inside"));
	MUST(access("/inside", F_OK) == 0 && access("/../inside", F_OK) == 0);
	MUST(access("/etc/passwd", F_OK) == -1 && errno == ENOENT);
	return 0;
}

START_TEST(root_is_changed)
{
	const char *const paths[] = {allowed, NULL};
	struct privs_jail jail = {.user = "nobody", .root = allowed, .paths = paths};
	char inside[128];
	if (!root)
		return;
	ck_assert_int_eq(in_jail(&jail, true, look_around_in_root), 0);
	snprintf(inside, sizeof(inside), "%s/inside", allowed);
	ck_assert_int_eq(access(inside, F_OK), 0);
}
END_TEST

static int may_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	MUST(pid > 0 && waitpid(pid, NULL, 0) == pid);
	return 0;
}

START_TEST(forks_where_it_may)
{
	struct privs_jail jail = {.user = "nobody", .may_fork = true};
	ck_assert_int_eq(in_jail(&jail, root, may_fork), 0);
}
END_TEST

static int signal_parent(void)
{
	MUST(kill(getppid(), 0) == -1 && errno == EPERM);
	MUST(kill(getpid(), 0) == 0);
	return 0;
}

/* A process of the same user, but outside. */
START_TEST(other_processes_get_no_signals)
{
	struct privs_jail jail = {.user = "nobody"};
	int status;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 6)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		become_nobody();
		_exit(in_jail(&jail, false, signal_parent));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static int never(void)
{
	return 0;
}

static int silent_jail(const struct privs_jail *jail)
{
	int kept = dup(2), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(nowhere, 2);
	int status = in_jail(jail, root, never);
	dup2(kept, 2);
	close(kept);
	close(nowhere);
	return status;
}

START_TEST(a_jail_that_cannot_be_closed_is_not_entered)
{
	const char *const paths[] = {"/nonexistent/folder", NULL};
	struct privs_jail no_path = {.user = "nobody", .paths = paths};
	struct privs_jail no_root = {.user = "nobody", .root = "/nonexistent"};
	struct privs_jail no_user = {.user = "no-such-user"};
	struct privs_jail root_user = {.user = "root"};
	if (have_landlock())
		ck_assert_int_eq(silent_jail(&no_path), EXIT_TEMPORARY);
	if (!root)
		return;
	ck_assert_int_eq(silent_jail(&no_root), EXIT_TEMPORARY);
	ck_assert_int_eq(silent_jail(&no_user), EXIT_PERMANENT);
	ck_assert_int_eq(silent_jail(&root_user), EXIT_PERMANENT);
}
END_TEST

START_TEST(users_are_looked_up)
{
	uid_t uid = 1;
	gid_t gid = 1;
	const struct passwd *nobody = getpwnam("nobody");
	privs_lookup("nobody", &uid, &gid);
	ck_assert_uint_eq(uid, root ? nobody->pw_uid : getuid());
	ck_assert_uint_eq(gid, root ? nobody->pw_gid : getgid());
}
END_TEST

/* Before the process changes its user, the message names the user that it runs as. */
START_TEST(a_refusal_names_the_user_and_the_remedy)
{
	char why[PRIVS_WHY_MAX], wanted[200], path[1000];
	snprintf(wanted, sizeof(wanted), "Permission denied: user %u may not write there; `chown %u /srv/drop` lets it",
		 (unsigned)geteuid(), (unsigned)geteuid());
	ck_assert_str_eq(privs_explain(EACCES, "/srv/drop", why), wanted);
	ck_assert_str_eq(privs_explain(ENOSPC, "/srv/drop", why), "No space left on device");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_uint_lt(strlen(privs_explain(EACCES, path, why)), PRIVS_WHY_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("privs");
	TCase *tc = tcase_create("privs");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, nothing_of_root_is_left);
	tcase_add_test(tc, a_refusal_names_the_user_and_the_remedy);
	tcase_add_test(tc, bounding_set_is_empty);
	tcase_add_test(tc, no_paths_means_no_files);
	tcase_add_test(tc, only_listed_folders);
	tcase_add_test(tc, a_single_file_may_be_listed);
	tcase_add_test(tc, what_may_only_be_read);
	tcase_add_test(tc, root_is_changed);
	tcase_add_test(tc, forks_where_it_may);
	tcase_add_test(tc, other_processes_get_no_signals);
	tcase_add_test(tc, a_jail_that_cannot_be_closed_is_not_entered);
	tcase_add_test(tc, users_are_looked_up);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
