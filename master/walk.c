#include "master/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

enum { LINKS_MAX = 40 }; /* as in the kernel */

struct walk {
	int fd; /* the current folder */
	bool make;
	unsigned links;      /* followed so far */
	char rest[PATH_MAX]; /* the rest of the path */
};

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Opens the start of REST. An absolute path starts at the root. 0 or -errno. */
static int begin(struct walk *w)
{
	if (w->fd >= 0 && w->rest[0] != '/')
		return 0;
	fd_close(&w->fd);
	w->fd = open(w->rest[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

/* Takes the first part of the rest; false when nothing is left. */
static bool next_part(struct walk *w, char name[NAME_MAX + 1], int *err)
{
	size_t from = strspn(w->rest, "/"), len = strcspn(w->rest + from, "/");
	if (!len)
		return false;
	*err = len > NAME_MAX ? -ENAMETOOLONG : 0;
	snprintf(name, NAME_MAX + 1, "%.*s", (int)len, w->rest + from);
	memmove(w->rest, w->rest + from + len, strlen(w->rest + from + len) + 1);
	return !*err;
}

/* Puts the target of the link NAME in front of the rest. 0 or -errno. */
static int follow(struct walk *w, const char *name)
{
	struct stat folder, link;
	char target[PATH_MAX];
	if (fstat(w->fd, &folder) || fstatat(w->fd, name, &link, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISLNK(link.st_mode))
		return -ENOTDIR;
	if (!is_ours(&folder) || !is_ours(&link) || ++w->links > LINKS_MAX)
		return -ELOOP;
	ssize_t n = readlinkat(w->fd, name, target, sizeof(target));
	size_t rest = strlen(w->rest) + 1;
	if (n < 0)
		return -errno;
	if ((size_t)n + 1 + rest > sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + n + 1, w->rest, rest);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	return begin(w);
}

static int step(struct walk *w, const char *name)
{
	const int how = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(w->fd, name, how);
	if (fd < 0 && errno == ENOENT && w->make) {
		if (mkdirat(w->fd, name, 0755) && errno != EEXIST)
			return -errno;
		fd = openat(w->fd, name, how);
	}
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? follow(w, name) : -errno;
	fd_close(&w->fd);
	w->fd = fd;
	return 0;
}

int walk_to(const char *path, bool make)
{
	struct walk w = {.fd = -1, .make = make};
	char name[NAME_MAX + 1];
	if (!span_copy(span_of(path), w.rest, sizeof(w.rest)))
		return -ENAMETOOLONG;
	int err = begin(&w);
	while (!err && next_part(&w, name, &err))
		err = step(&w, name);
	if (err)
		fd_close(&w.fd);
	return err ? err : w.fd;
}

int walk_above(const char *path, char name[NAME_MAX + 1])
{
	char above[PATH_MAX];
	size_t end = strlen(path);
	while (end > 1 && path[end - 1] == '/')
		end--;
	size_t from = end;
	while (from && path[from - 1] != '/')
		from--;
	if (!span_copy((struct span){path + from, end - from}, name, NAME_MAX + 1) ||
	    !span_copy((struct span){path, from}, above, sizeof(above)))
		return -ENAMETOOLONG;
	return walk_to(above, false);
}
