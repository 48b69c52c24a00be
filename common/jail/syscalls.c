#include "common/jail/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"

/* set_mempolicy_home_node: the newest call when syscalls.def was written. Newer ones have the same numbers everywhere.
 */
enum { NEWEST = 450 };

enum group_number {
#define GROUP(group, purpose) NUMBER_##group,
#include "common/jail/syscalls.def"
};

enum group {
#define GROUP(group, purpose) GROUP_##group = 1 << NUMBER_##group,
#include "common/jail/syscalls.def"
};

static const struct role {
	unsigned groups;
	bool without; /* the groups are what it may not do */
} roles[SYSCALLS_ROLE_COUNT] = {
#define ROLE(role, groups)    [SYSCALLS_##role] = {(groups), false},
#define WITHOUT(role, groups) [SYSCALLS_##role] = {(groups), true},
#include "common/jail/syscalls.def"
};

static const struct call {
	enum group group;
	int number;
	bool conditional;
	unsigned argument;
	uint64_t mask, value;
} calls[] = {
#define CALL(group, name) {GROUP_##group, SCMP_SYS(name), false, 0, 0, 0},
#define CALL_IF(group, name, argument, mask, value)                                                                    \
	{GROUP_##group, SCMP_SYS(name), true, argument, (uint64_t)(mask), value},
#include "common/jail/syscalls.def"
};
enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

/* The call that was refused last, by this process or one that it forked; -1 = none. Shared by them all. */
static _Atomic int *refused;

bool syscalls_permits(enum syscalls_role role, int number)
{
	const struct role *r = &roles[role];
	for (size_t i = 0; i < CALL_COUNT; i++)
		if ((calls[i].group & r->groups) && calls[i].number == number)
			return !r->without;
	return r->without;
}

/* Of the roles that were prepared. */
static struct sock_fprog programs[SYSCALLS_ROLE_COUNT];

/* In the process that made the call, which is not done. Ends it by the same signal. */
static void on_refusal(int signo, siginfo_t *info, void *context)
{
	char text[160];
	(void)context;
	atomic_store(refused, info->si_syscall);
	/* log.h is not for a signal handler. */
	int n = snprintf(text, sizeof(text),
			 "<3>pid=%d made the system call %d, which its jail does not allow: it ends here\n",
			 (int)getpid(), info->si_syscall);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(EXIT_TEMPORARY);
	raise(signo);
	_exit(EXIT_TEMPORARY);
}

static void prepare_refusal(void)
{
	struct sigaction action = {.sa_sigaction = on_refusal,
				   .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};
	if (refused)
		return;
	refused = mmap(NULL, sizeof(*refused), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refused == MAP_FAILED || sigaction(SIGSYS, &action, NULL) != 0)
		log_fatal(EXIT_TEMPORARY, "can't enter the jail: seccomp: %s", strerror(errno));
	atomic_store(refused, -1);
}

/* Adds ACTION for the calls of GROUPS. */
static int add_calls(scmp_filter_ctx filter, unsigned groups, uint32_t action)
{
	int err = 0;
	for (size_t i = 0; i < CALL_COUNT && !err; i++) {
		const struct call *call = &calls[i];
		const struct scmp_arg_cmp arg = SCMP_CMP64(call->argument, SCMP_CMP_MASKED_EQ, call->mask, call->value);
		if ((call->group & groups) && call->number >= 0)
			err = seccomp_rule_add_array(filter, action, call->number, call->conditional, &arg);
	}
	return err;
}

static int add_refused(scmp_filter_ctx filter, enum syscalls_role role, uint32_t action)
{
	int err = 0;
	for (int number = 0; number <= NEWEST && !err; number++)
		if (!syscalls_permits(role, number) && number != SCMP_SYS(clone3))
			err = seccomp_rule_add_array(filter, action, number, 0, NULL);
	return err;
}

/*
 * clone3 hides its flags behind a pointer, so it fails like a call that is too new, and the C library uses clone.
 */
static int compose(scmp_filter_ctx filter, enum syscalls_role role, enum config_seccomp mode)
{
	bool logs = mode == CONFIG_SECCOMP_LOG;
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err && roles[role].without)
		return add_calls(filter, roles[role].groups, logs ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EACCES));
	if (!err)
		err = add_calls(filter, roles[role].groups, SCMP_ACT_ALLOW);
	return err ? err : add_refused(filter, role, logs ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
}

/* Reads the program that libseccomp wrote to FD. */
static int read_program(int fd, struct sock_fprog *out)
{
	off_t size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || (size_t)size > BPF_MAXINSNS * sizeof(*out->filter))
		return -EINVAL;
	out->filter = malloc((size_t)size);
	if (!out->filter)
		return -ENOMEM;
	out->len = (unsigned short)((size_t)size / sizeof(*out->filter));
	return pread(fd, out->filter, (size_t)size, 0) == size ? 0 : -EIO;
}

static int build(enum syscalls_role role, enum config_seccomp mode)
{
	scmp_filter_ctx filter = seccomp_init(roles[role].without ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("mailroot-syscalls", MFD_CLOEXEC);
	int err = !filter ? -ENOMEM : fd < 0 ? -errno : compose(filter, role, mode);
	if (!err)
		err = seccomp_export_bpf(filter, fd);
	if (!err)
		err = read_program(fd, &programs[role]);
	seccomp_release(filter);
	fd_close(&fd);
	return err;
}

static bool has_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer);
#else
	return false;
#endif
}

static bool is_off(enum config_seccomp mode)
{
	return mode == CONFIG_SECCOMP_OFF || has_sanitizer();
}

void syscalls_prepare(enum syscalls_role role, enum config_seccomp mode)
{
	if (is_off(mode) || programs[role].filter)
		return;
	prepare_refusal();
	int err = build(role, mode);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't build the list of system calls: %s", strerror(-err));
}

void syscalls_enter(enum syscalls_role role, enum config_seccomp mode)
{
	if (is_off(mode))
		return;
	syscalls_prepare(role, mode);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &programs[role]) == 0)
		return;
	if (errno == EINVAL || errno == ENOSYS)
		log_info("the kernel has no seccomp: system calls are not restricted");
	else
		log_fatal(EXIT_TEMPORARY, "can't enter the jail: seccomp: %s", strerror(errno));
}

bool syscalls_refused(const char *program, struct str *to)
{
	int number = refused ? atomic_load(refused) : -1;
	if (number < 0)
		return false;
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	str_printf(
		to,
		N_("%s made the system call %s (%d), which its jail does not allow, and was ended: report it to the developers of Mailroot, and write sandbox { seccomp log } until it is solved; if nothing on this machine was updated lately, examine the machine: this may be an attack\n"),
		program, name ? name : N_("of an unknown name"), number);
	free(name);
	return true;
}
