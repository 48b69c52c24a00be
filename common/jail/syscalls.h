/*
 * The last wall of the jail: which system calls a role may make (seccomp). syscalls.def is the list. There are three
 * kinds of calls:
 *
 *	permitted           by one of the role's groups
 *	known, not allowed  the process ends with SIGSYS; the log and `status` name the call. With `seccomp log` the
 *	                    kernel logs the call and permits it
 *	newer than the list ENOSYS, so that a newer C library takes its way for older kernels
 *
 * A permitted call with arguments that syscalls.def does not permit fails with ENOSYS, too.
 *
 * A role of WITHOUT lacks a few calls only. These fail with EACCES, because a library may try one in vain: Kerberos
 * looks for a name server.
 */
#ifndef COMMON_JAIL_SYSCALLS_H
#define COMMON_JAIL_SYSCALLS_H

#include "common/base/str.h"
#include "common/config/types.h"

enum syscalls_role {
#define ROLE(role, groups) SYSCALLS_##role,
#define WITHOUT            ROLE
#include "common/jail/syscalls.def"
	SYSCALLS_ROLE_COUNT
};

/*
 * Builds the list of ROLE, some milliseconds of work, for processes that are forked later and then enter it. The jail
 * of their parent does not permit that work. Exits with EXIT_TEMPORARY on a failure.
 */
void syscalls_prepare(enum syscalls_role role, enum config_seccomp mode);

/*
 * After privs_enter: restricts this process, and those that it forks, to the calls of ROLE; a second time only narrows.
 * A list that is not prepared is built first. A kernel without seccomp is told in the log. Exits with
 * EXIT_TEMPORARY for any other failure. Nothing happens with CONFIG_SECCOMP_OFF, and in a program with sanitizers,
 * whose runtime makes calls of its own.
 */
void syscalls_enter(enum syscalls_role role, enum config_seccomp mode);

/* ROLE may make the call NUMBER with some arguments, by syscalls.def. Pure. */
bool syscalls_permits(enum syscalls_role role, int number);

/*
 * Appends a line for `status` when this process or one that it forked made a call that is not allowed: its name, its
 * number, and what to do. False: there was none.
 */
bool syscalls_refused(const char *program, struct str *to);

#endif
