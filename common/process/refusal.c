#include "common/process/refusal.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Errors of a write to a read-only mount: creating a parent folder fails there first. */
static bool may_be_read_only(int err)
{
	return err == EROFS || err == ENOENT || err == EACCES;
}

/* Finds PATH, or the nearest parent folder that exists; false when not even the root can be examined. */
static bool nearest(const char *path, char to[PATH_MAX], struct statvfs *mount)
{
	if (!span_copy(span_of(path), to, PATH_MAX))
		return false;
	while (statvfs(to, mount)) {
		char *slash = strrchr(to, '/');
		if ((errno != ENOENT && errno != ENOTDIR) || !slash || !to[1])
			return false;
		slash[slash == to] = '\0';
	}
	return true;
}

/*
 * proc(5), mountinfo: "36 35 98:0 /root /mount ro,noatime shared:1 - ext4 /dev/root rw": the mount is read-only, the
 * file system is not, so it was made read-only for this process. 1 = yes, 0 = no, -1 = unknown.
 */
static int read_only_for_us(const char *at)
{
	struct stat st;
	char line[2 * PATH_MAX], ours[64], options[256];
	unsigned above, below;
	int found = -1;
	FILE *file = stat(at, &st) ? NULL : fopen("/proc/self/mountinfo", "re");
	while (file && fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");
		if (sscanf(line, "%*u %*u %u:%u %*s %*s %63s", &above, &below, ours) == 3 && rest &&
		    makedev(above, below) == st.st_dev && sscanf(rest, " - %*s %*s %255s", options) == 1)
			found = strncmp(options, "rw", 2) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

bool refusal_confines(struct span label)
{
	if (label.len && label.at[label.len - 1] == '\n')
		label.len--;
	return label.len > 9 && memcmp(label.at + label.len - 9, "(enforce)", 9) == 0;
}

static bool is_confined(void)
{
	char label[256];
	FILE *file = fopen("/proc/self/attr/current", "re");
	size_t n = file ? fread(label, 1, sizeof(label), file) : 0;
	if (file)
		fclose(file);
	return refusal_confines((struct span){label, n});
}

const char *refusal_text(int err, const char *path, char *to, size_t size)
{
	char at[PATH_MAX];
	struct statvfs mount;
	snprintf(to, size, "%s", strerror(err));
	size_t used = strlen(to);
	bool read_only = may_be_read_only(err) && nearest(path, at, &mount) && mount.f_flag & ST_RDONLY;
	if (!read_only && err == EACCES && is_confined())
		snprintf(
			to + used, size - used,
			"; this may be AppArmor: where `dmesg` says DENIED, write a line for it into /etc/apparmor.d/local/usr.sbin.mailrootd");
	if (!read_only)
		return to;
	int ours = read_only_for_us(at);
	if (ours == 0)
		snprintf(to + used, size - used, "; the file system of %.80s is mounted read-only", at);
	else
		snprintf(
			to + used, size - used,
			"; %.80s is read-only for the service%s: `systemctl edit mailrootd`, write [Service] and ReadWritePaths=%.80s, then restart it",
			at, ours > 0 ? "" : ", because of its unit or because the disk is mounted so", at);
	return to;
}
