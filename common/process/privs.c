#include "common/process/privs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/process/landlock.h"
#include "common/process/refusal.h"

/* The user that this process has become; empty when it was started as that user. */
static char taken[64];

_Noreturn static void die(const char *step, const char *what)
{
	log_fatal(EXIT_TEMPORARY, "can't enter the jail: %s %s: %s", step, what, strerror(errno));
}

/* Values of errno that getpwnam(3) may set when there is no such user, rather than for a failure. */
static bool is_answer(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

void privs_lookup(const char *user, uid_t *uid, gid_t *gid)
{
	*uid = getuid();
	*gid = getgid();
	if (geteuid() != 0)
		return;
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry && !is_answer(errno))
		log_fatal(EXIT_TEMPORARY, "can't look up user \"%s\": %s", user, strerror(errno));
	if (!entry)
		log_fatal(
			EXIT_PERMANENT,
			"there is no user \"%s\": create it (systemd-sysusers, or adduser --system --group %s) or name another one in mailroot.conf",
			user, user);
	if (entry->pw_uid == 0)
		log_fatal(EXIT_PERMANENT, "user \"%s\" is root: name an unprivileged one in mailroot.conf", user);
	*uid = entry->pw_uid;
	*gid = entry->pw_gid;
}

static void limit(__rlimit_resource_t resource, const char *name, rlim_t value)
{
	struct rlimit old, new = {value, value};
	if (setrlimit(resource, &new) == 0)
		return;
	if (errno != EPERM || getrlimit(resource, &old) != 0)
		die("setrlimit", name);
	new.rlim_cur = new.rlim_max = old.rlim_max;
	if (setrlimit(resource, &new) != 0)
		die("setrlimit", name);
	log_warning("%s is %llu, %llu wanted: raise the limit where the service is started (LimitNOFILE= of systemd)",
		    name, (unsigned long long)old.rlim_max, (unsigned long long)value);
}

static void change_root(const char *root)
{
	if (chroot(root) != 0)
		die("chroot", root);
	if (chdir("/") != 0)
		die("chdir", root);
}

/* EPERM: a service manager withholds CAP_SETPCAP; no_new_privs alone then keeps exec from restoring capabilities. */
static void drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap) != 0 && errno != EPERM)
			die("prctl", "PR_CAPBSET_DROP");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool set_capabilities(unsigned set)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{.permitted = set, .effective = set}};
	return syscall(SYS_capset, &header, data) == 0;
}

/* A service manager may refuse capset where there is nothing to give up. */
static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	if (syscall(SYS_capget, &header, data) != 0)
		return true;
	return data[0].permitted | data[1].permitted | data[0].inheritable | data[1].inheritable;
}

/* A lease is useful but not necessary: a service manager may withhold the capability. */
static void drop_capabilities(bool may_lease)
{
	bool kept = may_lease && set_capabilities(1U << CAP_LEASE);
	if (!kept && has_capabilities() && !set_capabilities(0))
		die("capset", "to nothing");
	prctl(PR_SET_KEEPCAPS, 0);
}

static void change_user(const struct privs_jail *jail, uid_t uid, gid_t gid)
{
	const char *user = jail->user;
	drop_bounding_set();
	if (jail->may_lease && prctl(PR_SET_KEEPCAPS, 1) != 0)
		die("prctl", "PR_SET_KEEPCAPS");
	if ((jail->with_groups ? initgroups(user, gid) : setgroups(0, NULL)) != 0)
		die("setgroups for", user);
	if (setresgid(gid, gid, gid) != 0)
		die("setresgid for", user);
	if (setresuid(uid, uid, uid) != 0)
		die("setresuid for", user);
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || getuid() != uid || geteuid() != uid)
		log_fatal(EXIT_TEMPORARY, "can't enter the jail: user %s could become root again", user);
}

/* After the change of user, which resets both the parent-death signal and the dumpable flag. */
static void close_doors(const struct privs_jail *jail)
{
	drop_capabilities(jail->may_lease);
	limit(RLIMIT_CORE, "RLIMIT_CORE", 0);
	if (!jail->may_fork && getuid() != 0)
		limit(RLIMIT_NPROC, "RLIMIT_NPROC", 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("prctl", "PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		die("prctl", "PR_SET_DUMPABLE");
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		die("prctl", "PR_SET_PDEATHSIG");
}

static int prepare_landlock(const struct privs_jail *jail)
{
	const char *bad;
	int rules = landlock_prepare(jail->paths, jail->readable, &bad);
	if (rules >= 0)
		return rules;
	errno = -rules;
	if (bad)
		die("opening", bad);
	if (errno != ENOSYS)
		die("landlock", "rules");
	log_info("the kernel has no Landlock: only users and permissions protect the file system");
	return -1;
}

void privs_enter(const struct privs_jail *jail)
{
	uid_t uid;
	gid_t gid;
	bool root = geteuid() == 0;
	privs_lookup(jail->user, &uid, &gid);
	int rules = jail->all_files ? -1 : prepare_landlock(jail);
	if (jail->max_files)
		limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", (rlim_t)jail->max_files);
	if (root && jail->root)
		change_root(jail->root);
	if (root) {
		change_user(jail, uid, gid);
		snprintf(taken, sizeof(taken), "%s", jail->user);
	}
	close_doors(jail);
	if (rules >= 0 && landlock_enter(rules) != 0)
		die("landlock", "restriction");
}

/*
 * The access that is refused at PATH. A rename needs only write access; a process that counts or reads must list it,
 * too.
 */
static const char *refused_at(const char *path)
{
	bool may_write = faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
	bool may_list = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
	return may_write && !may_list ? "write there but not list it" : "not write there";
}

static bool is_ours(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && st.st_uid == geteuid();
}

const char *privs_explain(int err, const char *path, char to[PRIVS_WHY_MAX])
{
	char user[64];
	if (err != EACCES)
		return refusal_text(err, path, to, PRIVS_WHY_MAX);
	if (taken[0])
		snprintf(user, sizeof(user), "%s", taken);
	else
		snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
	bool ours = is_ours(path);
	snprintf(to, PRIVS_WHY_MAX, "%s: user %s may %s; `%s %s %.200s` lets it", strerror(err), user, refused_at(path),
		 ours ? "chmod" : "chown", ours ? "u+rwx" : user, path);
	return to;
}
