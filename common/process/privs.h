/*
 * Leaving root for good. Each role's main says: init (as root: keys, folders), jail, ready, loop. Nothing from the
 * network is read before the jail. When not started as root only the steps that need no root are taken.
 */
#ifndef COMMON_PROCESS_PRIVS_H
#define COMMON_PROCESS_PRIVS_H

#include <stdbool.h>
#include <sys/types.h>

struct privs_jail {
	const char *user;         /* identity to take */
	const char *root;         /* folder to chroot into; NULL = none */
	int max_files;            /* RLIMIT_NOFILE; 0 = leave */
	bool may_lease;           /* keeps CAP_LEASE: to learn who writes to files of others (fcntl F_SETLEASE) */
	bool may_fork;            /* false: RLIMIT_NPROC 0 where we are root no more: neither processes nor threads */
	const char *const *paths; /* Landlock (landlock.h): what may be touched, as seen before the chroot;
				     NULL-terminated; NULL pointer = no file system access at all */
	const char *const *readable; /* what may be read beside; likewise */
};

/* Fills uid and gid of USER; dies with EXIT_PERMANENT and the remedy when there is none. As an ordinary user: our own.
 */
void privs_lookup(const char *user, uid_t *uid, gid_t *gid);

/*
 * chroot, groups, gid, uid (proved: setuid(0) must fail), capabilities and bounding set empty, no_new_privs, not
 * dumpable, parent-death signal (SIGTERM), no core, Landlock where the kernel has it (said in the log where not). Dies
 * with EXIT_TEMPORARY and a reason when a step fails. Resolve users, time zone and locale before.
 */
void privs_enter(const struct privs_jail *jail);

/*
 * Why PATH can't be used, for an administrator. Of EACCES: which user may not do what (looks at PATH for that), and the
 * command that mends it. ERR is positive; TO has the text, PATH in it cut to what fits.
 */
enum { PRIVS_WHY_MAX = 448 };
const char *privs_explain(int err, const char *path, char to[PRIVS_WHY_MAX]);

#endif
