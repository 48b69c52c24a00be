/* The disk of the spool: space, inodes, kind of file system; and who may write into folders. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/network_fs.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/examine.h"

enum { INODES_WARN_PERCENT = 5, INODES_MIN = 1000, LINE_MAX_OCTETS = 4096 };

static void examine_inodes(struct doctor *d, const char *path, const struct statvfs *fs)
{
	if (!fs->f_files || fs->f_favail >= fs->f_files * INODES_WARN_PERCENT / 100)
		return;
	doctor_find(
		d, fs->f_favail < INODES_MIN ? FINDING_ERROR : FINDING_WARNING, path,
		doctor_text(
			d,
			_("only %llu of %llu inodes are free: each message takes one or two, and without one mail is refused"),
			(unsigned long long)fs->f_favail, (unsigned long long)fs->f_files),
		_("remove small files (find / -xdev -type f | cut -d/ -f2,3,4 | sort | uniq -c), or make the file system with more inodes"));
}

static void examine_space(struct doctor *d, const struct config_server *server, const char *path,
			  const struct statvfs *fs)
{
	unsigned long long left = (unsigned long long)fs->f_bavail * fs->f_frsize;
	unsigned long long floor = (unsigned long long)server->free_space_floor;
	bool refused = left < floor;
	if (left >= 2 * floor)
		return;
	doctor_find(
		d, refused ? FINDING_ERROR : FINDING_WARNING, path,
		refused ? doctor_text(
				  d,
				  _("server %s: %llu MiB are free, less than free_space_floor (%llu MiB), so mail is refused (452)"),
				  server->name, left >> 20, floor >> 20)
			: doctor_text(
				  d,
				  _("server %s: %llu MiB are free, near free_space_floor (%llu MiB), below which mail is refused (452)"),
				  server->name, left >> 20, floor >> 20),
		_("make room, or move mailroot_dir to a larger disk"));
}

/* The folder of SERVER is on another file system than the folder of the spool, because one was mounted there. */
static bool is_mounted(const struct config *config, const struct config_server *server)
{
	struct stat spool, own;
	return stat(config->mailroot_dir, &spool) == 0 && stat(server->dir, &own) == 0 && own.st_dev != spool.st_dev;
}

static bool examine_disk(struct doctor *d, const char *path, struct statvfs *out)
{
	struct statvfs fs;
	if (statvfs(path, &fs)) {
		doctor_find(d, FINDING_NOTE, path, doctor_text(d, _("the disk was not examined: %s"), strerror(errno)),
			    _("run doctor as root"));
		return false;
	}
	if (fs.f_flag & ST_RDONLY)
		doctor_find(d, FINDING_ERROR, path, _("the file system is read-only, so no mail is accepted"),
			    _("look for the reason in dmesg (a disk error?), repair it, then mount it read-write"));
	examine_inodes(d, path, &fs);
	*out = fs;
	return true;
}

void diagnose_disk(struct doctor *d)
{
	char path[PATH_MAX];
	struct statvfs spool, own;
	examine_nearest(d->config->mailroot_dir, path);
	bool seen = examine_disk(d, path, &spool);
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		if (!is_mounted(d->config, server) && seen)
			examine_space(d, server, path, &spool);
		else if (is_mounted(d->config, server) && examine_disk(d, server->dir, &own))
			examine_space(d, server, server->dir, &own);
	}
}

/* File systems of this machine that are no home for a spool. */
static const struct kind {
	unsigned long magic;
	enum finding_severity severity;
	const char *what;
} kinds[] = {
	{TMPFS_MAGIC, FINDING_ERROR,
	 N_("the spool is in memory (tmpfs): the queue is lost with every restart of the machine")},
	{RAMFS_MAGIC, FINDING_ERROR,
	 N_("the spool is in memory (ramfs): the queue is lost with every restart of the machine")},
	{OVERLAYFS_SUPER_MAGIC, FINDING_WARNING,
	 N_("the spool is in the writable layer of a container (overlayfs): the queue is lost with the container")},
	{MSDOS_SUPER_MAGIC, FINDING_ERROR, N_("the spool is on FAT: it has no owners, no permissions and no journal")},
};

static void examine_kind(struct doctor *d, const char *path, unsigned long magic)
{
	const char *network = network_fs_name(magic);
	const char *remedy =
		_("set mailroot_dir to a folder on a local disk with ext4 or XFS, or on a volume that stays");
	if (network)
		doctor_find(
			d, d->config->spool_on_network ? FINDING_NOTE : FINDING_ERROR, path,
			doctor_text(
				d,
				_("the spool is on %s: locks, names and fsync are not what the spool relies on, and accepted mail can be lost"),
				network),
			remedy);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].magic == magic)
			doctor_find(d, kinds[i].severity, path, _(kinds[i].what), remedy);
}

/* An ext4 without a journal has no thread for it. */
static bool lacks_journal(const struct stat *st)
{
	char link[64], target[PATH_MAX], task[PATH_MAX + 64];
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st->st_dev), minor(st->st_dev));
	ssize_t len = readlink(link, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	snprintf(task, sizeof(task), "/sys/fs/ext4/%s/journal_task",
		 strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	char text[16] = "";
	int fd = open(task, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	fd_close(&fd);
	return n > 0 && strncmp(text, "<none>", 6) == 0;
}

static void examine_unnamed(struct doctor *d, const char *path)
{
	int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		doctor_find(
			d, FINDING_NOTE, path,
			_("the file system has no files without a name (O_TMPFILE): each message takes one more rename"),
			_("ext4 and XFS have them"));
	fd_close(&fd);
}

static void examine_filesystem(struct doctor *d, const char *path)
{
	struct statfs fs;
	struct stat st;
	if (statfs(path, &fs) || stat(path, &st))
		return; /* diagnose_disk tells that */
	examine_kind(d, path, (unsigned long)fs.f_type & UINT32_MAX);
	if ((unsigned long)fs.f_type == EXT4_SUPER_MAGIC && lacks_journal(&st))
		doctor_find(
			d, FINDING_WARNING, path,
			_("the file system of the spool has no journal: after a power cut it needs a long fsck, which may lose names of accepted mail"),
			_("make it with a journal (unmount it, then tune2fs -O has_journal DEVICE)"));
	examine_unnamed(d, path);
}

void diagnose_filesystem(struct doctor *d)
{
	char path[PATH_MAX];
	examine_nearest(d->config->mailroot_dir, path);
	examine_filesystem(d, path);
	for (size_t i = 0; i < d->config->server_count; i++)
		if (is_mounted(d->config, &d->config->servers[i]))
			examine_filesystem(d, d->config->servers[i].dir);
}

static void examine_writers(struct doctor *d, const char *what, const char *path, bool sticky_suffices)
{
	struct stat st;
	if (!path || strcmp(path, "off") == 0 || stat(path, &st) || !(st.st_mode & S_IWOTH))
		return;
	if (sticky_suffices && st.st_mode & S_ISVTX)
		return;
	doctor_find(d, FINDING_WARNING, path,
		    doctor_text(d, _("every user of this machine may write, rename and remove files in the %s"), what),
		    sticky_suffices
			    ? doctor_text(d, _("chmod o-w %s and a group for its writers; or at least chmod +t %s"),
					  path, path)
			    : doctor_text(d, _("chmod o-w %s"), path));
}

void diagnose_folders(struct doctor *d)
{
	examine_writers(d, "spool", d->config->mailroot_dir, false);
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		examine_writers(d, _("folder of bad mail"), server->badmail_dir, false);
		examine_writers(d, _("pickup folder"), server->pickup_dir, true);
		for (size_t j = 0; j < server->local_domain_count; j++)
			examine_writers(d, _("drop folder"), server->local_domains[j].drop_dir, false);
	}
}
