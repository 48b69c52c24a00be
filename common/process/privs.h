/*
 * Gives up root for good. Each role's main has the steps: init (as root: keys, folders), jail, ready, loop. Nothing
 * from the network is read before the jail. If the process was not started as root, only the steps that need no root
 * are taken.
 */
#ifndef COMMON_PROCESS_PRIVS_H
#define COMMON_PROCESS_PRIVS_H

#include <stdbool.h>
#include <sys/types.h>

struct privs_jail {
	const char *user;            /* the user to become */
	const char *root;            /* folder to chroot into; NULL = none */
	int max_files;               /* RLIMIT_NOFILE; 0 = unchanged */
	bool with_groups;            /* keeps the supplementary groups of the user */
	bool may_lease;              /* keeps CAP_LEASE, to find writers of other users' files (fcntl F_SETLEASE) */
	bool may_fork;               /* false: RLIMIT_NPROC 0 unless root: neither processes nor threads */
	bool all_files;              /* no Landlock: what the user may touch */
	const char *const *paths;    /* Landlock (landlock.h): what may be touched, as seen before the chroot;
					NULL-terminated; NULL pointer = no file system access at all */
	const char *const *readable; /* paths that may be read, too; same form */
};

/*
 * Gets uid and gid of USER; exits with EXIT_PERMANENT and the remedy when there is none. For an ordinary user: its own.
 */
void privs_lookup(const char *user, uid_t *uid, gid_t *gid);

/*
 * chroot, groups, gid, uid (verified: setuid(0) must fail), empty capabilities and bounding set, no_new_privs, not
 * dumpable, parent-death signal (SIGTERM), no core, Landlock if the kernel has it (the log says when not). Exits with
 * EXIT_TEMPORARY and a reason when a step fails. Resolve users, time zone and locale before.
 */
void privs_enter(const struct privs_jail *jail);

/*
 * Why PATH can't be used, for an administrator. For EACCES: the user and the refused access (examines PATH), and the
 * command that permits it. ERR is positive; TO receives the text, with PATH cut to fit.
 */
enum { PRIVS_WHY_MAX = 448 };
const char *privs_explain(int err, const char *path, char to[PRIVS_WHY_MAX]);

#endif
