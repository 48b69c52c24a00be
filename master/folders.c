#include "master/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/network_fs.h"
#include "common/config/oauth.h"
#include "common/process/refusal.h"
#include "master/walk.h"

/* Any local user may put mail here, but not list it or touch files of others. */
enum { MAILDROP_MODE = 01733, REFUSAL_MAX = 420 };

/* Somebody replaced a folder between our mkdir and our open. */
#define REPLACED N_("something else was put in its place while it was created")

enum folder_kind {
	FOLDER_OURS,  /* only the service uses it: owner and mode are corrected */
	FOLDER_STATE, /* the same for a process with a user of its own, in state_dir */
	FOLDER_DOOR,  /* as FOLDER_OURS, but an administrator may narrow the access */
	FOLDER_THEIRS /* owner and mode are the administrator's choice */
};

struct folder {
	const char *name;
	mode_t mode;
	gid_t gid;
	enum folder_kind kind;
};

static bool fail(char *why, size_t size, const char *path, const char *what, const char *remedy)
{
	snprintf(why, size, N_("folder %.200s: %.420s; %.160s"), path, what, remedy);
	return false;
}

/* Sets WHY for ERROR of walk_to, on the way to PATH. */
static bool fail_path(char *why, size_t size, const char *path, int err, const char *remedy)
{
	char reason[REFUSAL_MAX];
	if (err != -ELOOP)
		return fail(why, size, path, refusal_text(-err, path, reason, sizeof(reason)), remedy);
	return fail(why, size, path, N_("the path leads through a symbolic link that does not belong to root"),
		    N_("create the folder yourself, or name the folder that the link points to"));
}

/* HAVE permits nothing that WANT does not, and is sticky if WANT is. */
static bool narrower(mode_t have, mode_t want)
{
	return !(have & 07777 & ~want) && (have & S_ISVTX) == (want & S_ISVTX) && (have & S_IRWXU) == (want & S_IRWXU);
}

static bool is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry = NULL;
	if (!dir)
		fd_close(&again);
	errno = 0;
	while (dir && (entry = readdir(dir)) && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")))
		;
	bool empty = dir && !entry && !errno;
	if (dir)
		closedir(dir);
	return empty;
}

/*
 * Whether root may give the folder FD, which belongs to root, to the service. Yes if only root can have put it into the
 * folder AT. Otherwise only if it is as mkdir leaves it: then nothing of value is given away.
 */
static bool may_be_given(int at, int fd, const struct stat *st, bool fresh)
{
	struct stat above;
	if (fstat(at, &above))
		return false;
	if (!fresh && above.st_uid == geteuid() && !(above.st_mode & 022))
		return true;
	return st->st_dev == above.st_dev && (st->st_mode & 0777) == 0700 && is_empty(fd);
}

/*
 * Checks an existing folder of the administrator. Groups and ACLs may give the queue access, so only a folder that
 * clearly excludes it is refused.
 */
static bool look_at(const struct stat *st, const struct folders_owner *owner, const char *path, char *why, size_t size)
{
	if (st->st_uid != 0 || owner->queue_uid == 0 || st->st_mode & 022)
		return true;
	return fail(why, size, path, N_("it belongs to root and the service may not write there"),
		    N_("`chown` it to the user of the service (setting `user`)"));
}

/* Groups separate the users of a service of root; without root there is one user, and all groups do. */
static bool is_owned(const struct stat *st, const struct folder *want, const struct folders_owner *owner)
{
	return st->st_uid == owner->queue_uid && (st->st_gid == want->gid || geteuid() != 0);
}

/* Corrects owner and mode of the folder FD in AT, through its descriptor. FRESH: it was just created. */
static bool mend(int at, int fd, const struct folder *want, const struct folders_owner *owner, bool fresh,
		 const char *path, char *why, size_t size)
{
	struct stat st;
	if (fstat(fd, &st))
		return fail(why, size, path, strerror(errno), N_("see `dmesg` for disk errors"));
	if (want->kind == FOLDER_THEIRS && (!fresh || (st.st_uid == owner->queue_uid && st.st_uid != geteuid())))
		return look_at(&st, owner, path, why, size);
	if (st.st_uid != owner->queue_uid && st.st_uid != geteuid())
		return fail(
			why, size, path, fresh ? REPLACED : N_("it belongs to another user"),
			want->kind == FOLDER_STATE
				? N_("`chown` it to the user of its process (web_user or stat_user), or name another state_dir")
				: N_("`chown` it to the user of the service (setting `user`), or name another mailroot_dir"));
	if (st.st_uid != owner->queue_uid && !may_be_given(at, fd, &st, fresh))
		return fail(
			why, size, path, fresh ? REPLACED : N_("it belongs to root and is not empty"),
			N_("find out what it is and who may write to its parent folder; then `chown` it to the user of the service (setting `user`)"));
	if (want->kind == FOLDER_DOOR && st.st_uid == owner->queue_uid && narrower(st.st_mode, want->mode))
		return true;
	if (!is_owned(&st, want, owner) && fchown(fd, owner->queue_uid, want->gid))
		return fail(
			why, size, path, strerror(errno),
			N_("can't set its owner; `chown` it yourself, or start the service once with CAP_CHOWN (without mailrootd-harden.conf)"));
	if ((st.st_mode & 07777) != want->mode && fchmod(fd, want->mode))
		return fail(why, size, path, strerror(errno), N_("can't set its mode"));
	return true;
}

/*
 * Opens the folder WANT in AT, and creates it if it is missing. PATH is its full name, for messages. Descriptor or -1.
 */
static int make_one(int at, const struct folder *want, const struct folders_owner *owner, const char *path, char *why,
		    size_t size)
{
	char reason[REFUSAL_MAX];
	bool fresh = mkdirat(at, want->name, 0700) == 0;
	if (!fresh && errno != EEXIST) {
		fail(why, size, path, refusal_text(errno, path, reason, sizeof(reason)),
		     N_("can't create it; does its parent folder exist?"));
		return -1;
	}
	/* A folder of the administrator may be a symbolic link, unless it was just created. */
	bool linked = want->kind == FOLDER_THEIRS && !fresh;
	int fd = openat(at, want->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (linked ? 0 : O_NOFOLLOW));
	if (fd < 0) {
		fail(why, size, path, fresh ? REPLACED : strerror(errno),
		     N_("it must be a folder, not a link or a file"));
		return -1;
	}
	if (!mend(at, fd, want, owner, fresh, path, why, size))
		fd_close(&fd);
	return fd;
}

static bool make_beneath(int at, const char *above, const struct folder *want, const struct folders_owner *owner,
			 char *why, size_t size)
{
	char path[PATH_MAX + NAME_MAX + 2];
	snprintf(path, sizeof(path), "%s/%s", above, want->name);
	int fd = make_one(at, want, owner, path, why, size);
	if (fd < 0)
		return false;
	fd_close(&fd);
	return true;
}

/* Makes the folder PATH of the administrator. An existing one is only checked, so any link to it may be followed. */
static bool make_elsewhere(const char *path, mode_t mode, const struct folders_owner *owner, char *why, size_t size)
{
	char name[NAME_MAX + 1];
	struct folder want = {name, mode, owner->queue_gid, FOLDER_THEIRS};
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return look_at(&st, owner, path, why, size);
	int at = walk_above(path, name);
	if (at < 0)
		return fail_path(why, size, path, at, N_("does its parent folder exist?"));
	int fd = make_one(at, &want, owner, path, why, size);
	fd_close(&at);
	bool good = fd >= 0;
	fd_close(&fd);
	return good;
}

/*
 * The pickup folder. Any local user may put files into it, list nothing, and touch only own files. The pickup process
 * reports what is wrong with it: mail by SMTP does not depend on it.
 */
static void make_pickup(int at, const struct config_server *server, const struct folders_owner *owner)
{
	char why[PATH_MAX], beneath[PATH_MAX];
	const struct folder own = {"pickup", MAILDROP_MODE, owner->queue_gid, FOLDER_THEIRS};
	if (!server->pickup_dir || !strcmp(server->pickup_dir, "off"))
		return;
	snprintf(beneath, sizeof(beneath), "%s/pickup", server->dir);
	if (strcmp(server->pickup_dir, beneath) != 0) {
		make_elsewhere(server->pickup_dir, MAILDROP_MODE, owner, why, sizeof(why));
		return;
	}
	int fd = make_one(at, &own, owner, server->pickup_dir, why, sizeof(why));
	fd_close(&fd);
}

/*
 * False with WHY if the folder NAME in AT, whose full name is PATH, is on a file system of a network, and the
 * configuration does not permit that. A missing folder will be on that of AT.
 */
static bool may_be_spool(const struct config *config, int at, const char *name, const char *path, char *why,
			 size_t size)
{
	char what[REFUSAL_MAX];
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *network = config->spool_on_network ? NULL : network_fs(fd);
	fd_close(&fd);
	if (!network)
		return true;
	snprintf(
		what, sizeof(what),
		N_("it is on %s, where locks, names and fsync promise less than the spool relies on: accepted mail can be lost"),
		network);
	return fail(why, size, path, what,
		    N_("keep the whole spool (mailroot_dir) on a local disk; or set spool_on_network yes"));
}

/* The server's own folders, all by descriptor from mailroot_dir on. */
static bool make_server(int at, const struct config_server *server, const struct folders_owner *owner, char *why,
			size_t size)
{
	gid_t gid = owner->queue_gid;
	const struct folder self = {server->name, 0711, gid, FOLDER_OURS};
	const struct folder beneath[] = {
		{"new", 0730, owner->smtpd_gid, FOLDER_OURS},
		{"cur", 0700, gid, FOLDER_OURS},
		{"drop", 0750, gid, FOLDER_THEIRS},
		{"badmail", 0750, gid, FOLDER_THEIRS},
		{"maildrop", MAILDROP_MODE, gid, FOLDER_DOOR},
	};
	int fd = make_one(at, &self, owner, server->dir, why, size);
	if (fd < 0)
		return false;
	bool good = true;
	for (size_t i = 0; good && i < sizeof(beneath) / sizeof(beneath[0]); i++)
		good = make_beneath(fd, server->dir, &beneath[i], owner, why, size);
	if (good)
		make_pickup(fd, server, owner);
	fd_close(&fd);
	return good;
}

/* A link by which sendmail(8) finds the folder for local mail without reading the configuration. */
static bool link_maildrop(int at, const struct config *config, char *why, size_t size)
{
	const struct config_server *server = config_server_local(config);
	char target[PATH_MAX], found[PATH_MAX] = "";
	snprintf(target, sizeof(target), "%s/maildrop", server ? server->name : "");
	ssize_t n = readlinkat(at, FOLDERS_MAILDROP, found, sizeof(found) - 1);
	if (server ? n >= 0 && strcmp(found, target) == 0 : n < 0)
		return true;
	unlinkat(at, FOLDERS_MAILDROP ".new", 0);
	int err = !server ? unlinkat(at, FOLDERS_MAILDROP, 0)
			  : symlinkat(target, at, FOLDERS_MAILDROP ".new") ||
				    renameat(at, FOLDERS_MAILDROP ".new", at, FOLDERS_MAILDROP);
	return !err || fail(why, size, config->mailroot_dir, strerror(errno),
			    "can't set the link " FOLDERS_MAILDROP " in it, for sendmail(8)");
}

bool folders_make(const struct config *config, const struct config_server *server, const struct folders_owner *owner,
		  char *why, size_t size)
{
	int at = walk_to(config->mailroot_dir, true);
	if (at < 0)
		return fail_path(why, size, config->mailroot_dir, at, N_("can't create it (mailroot_dir)"));
	bool good = may_be_spool(config, at, ".", config->mailroot_dir, why, size) &&
		    may_be_spool(config, at, server->name, server->dir, why, size) &&
		    make_server(at, server, owner, why, size) && link_maildrop(at, config, why, size);
	fd_close(&at);
	if (good && server->badmail_dir && server->badmail_dir[0])
		good = make_elsewhere(server->badmail_dir, 0750, owner, why, size);
	for (size_t i = 0; good && i < server->local_domain_count; i++) {
		const char *drop = server->local_domains[i].drop_dir;
		if (drop && drop[0])
			good = make_elsewhere(drop, 0750, owner, why, size);
	}
	return good && folders_make_log(config, server, owner, why, size);
}

bool folders_make_log(const struct config *config, const struct config_server *server,
		      const struct folders_owner *owner, char *why, size_t size)
{
	if (server->log.format == CONFIG_LOG_OFF)
		return true;
	int err = server->log.dir_at.line ? 0 : folders_make_path(config->log_dir);
	if (err)
		return fail_path(why, size, config->log_dir, err, N_("can't create it (log_dir)"));
	return make_elsewhere(server->log.dir, 0750, owner, why, size);
}

/* The account NAME of a process. False: there is none, which this process itself will tell. */
static bool find_owner(const char *name, struct folders_owner *out)
{
	*out = (struct folders_owner){.queue_uid = geteuid(), .queue_gid = getegid()};
	const struct passwd *user = geteuid() ? NULL : getpwnam(name);
	if (user)
		*out = (struct folders_owner){.queue_uid = user->pw_uid, .queue_gid = user->pw_gid};
	return user || geteuid();
}

/* Makes the folder NAME of OWNER in ABOVE, a folder of state_dir. */
static bool make_state(const char *above, const char *name, const struct folders_owner *owner, char *why, size_t size)
{
	const struct folder want = {name, 0700, owner->queue_gid, FOLDER_STATE};
	int at = walk_to(above, true);
	if (at < 0)
		return fail_path(why, size, above, at, N_("can't create it (state_dir)"));
	bool good = make_beneath(at, above, &want, owner, why, size);
	fd_close(&at);
	return good;
}

bool folders_make_oauth(const struct config *config, const struct config_server *server, char *why, size_t size)
{
	char above[PATH_MAX];
	struct folders_owner owner;
	if (!config_oauth_stores(server) || !find_owner(config->web_user, &owner))
		return true;
	snprintf(above, sizeof(above), "%s/oauth", config->state_dir);
	return make_state(above, server->name, &owner, why, size);
}

bool folders_make_alerts(const struct config *config, char *why, size_t size)
{
	struct folders_owner owner;
	if (!config_alerts_needed(config) || !find_owner(config->stat_user, &owner))
		return true;
	return make_state(config->state_dir, "alerts", &owner, why, size);
}

int folders_make_path(const char *dir)
{
	int fd = walk_to(dir, true);
	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}
