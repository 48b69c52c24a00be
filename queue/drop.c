#include "queue/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

enum { LOOK_EVERY_MS = 1000, COUNT_EVERY_MS = 10 * 1000, COUNT_FULL_MS = 1000, COUNT_SLICE = 500 };

static int64_t quota_of(const struct config_server *server, const struct config_local_domain *local)
{
	const struct config_quota *quota = &local->drop_quota;
	if (!quota->multiple)
		return quota->octets;
	int64_t each = server->messages.max_message_size;
	return each > CONFIG_NONE / quota->multiple ? CONFIG_NONE : each * quota->multiple;
}

static struct drop *find(const struct drops *all, const char *path)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->at[i].path, path) == 0)
			return &all->at[i];
	return NULL;
}

static void stop_counting(struct drop *d)
{
	if (d->counting)
		closedir(d->counting);
	d->counting = NULL;
}

static void drop_shut(struct drop *d)
{
	stop_counting(d);
	fd_close(&d->fd);
	d->counted = false;
	d->used = 0;
	d->counted_ms = 0;
}

void drop_look(struct drop *d, int64_t now_ms)
{
	struct stat st;
	d->looked_ms = now_ms;
	if (stat(d->path, &st) < 0) {
		d->error = errno;
		drop_shut(d);
		return;
	}
	if (d->fd >= 0 && st.st_dev == d->dev && st.st_ino == d->ino)
		return;
	drop_shut(d);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->error = d->fd < 0 ? errno : 0;
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return;
	d->dev = st.st_dev;
	d->ino = st.st_ino;
}

static bool add_folder(struct drops *all, const struct config_server *server, const struct config_local_domain *local,
		       int64_t now_ms)
{
	int64_t quota = quota_of(server, local);
	struct drop *d = find(all, local->drop_dir);
	if (d) { /* of several domains with one folder the smallest quota counts, and who wants a Return-Path */
		d->quota = quota < d->quota ? quota : d->quota;
		d->return_path |= local->return_path;
		return true;
	}
	d = &all->at[all->n];
	*d = (struct drop){
		.path = strdup(local->drop_dir), .fd = -1, .quota = quota, .return_path = local->return_path};
	if (!d->path)
		return false;
	all->n++;
	drop_look(d, now_ms);
	return true;
}

bool drops_open(struct drops *all, const struct config_server *server, int64_t now_ms)
{
	memset(all, 0, sizeof(*all));
	all->at = calloc(server->local_domain_count + 1, sizeof(*all->at));
	if (!all->at)
		return false;
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (!add_folder(all, server, &server->local_domains[i], now_ms))
			return false;
	return true;
}

void drops_close(struct drops *all)
{
	for (size_t i = 0; i < all->n; i++) {
		drop_shut(&all->at[i]);
		free(all->at[i].path);
	}
	free(all->at);
	memset(all, 0, sizeof(*all));
}

struct drop *drop_find(struct drops *all, const char *path, int64_t now_ms)
{
	struct drop *d = find(all, path);
	if (d && now_ms - d->looked_ms >= LOOK_EVERY_MS)
		drop_look(d, now_ms);
	return d;
}

bool drop_same(const struct drop *a, const struct drop *b)
{
	return a == b || (a->fd >= 0 && b->fd >= 0 && a->dev == b->dev && a->ino == b->ino);
}

bool drop_is_unknown(const struct drop *d)
{
	return d && d->fd >= 0 && d->quota != CONFIG_NONE && !d->counted;
}

bool drops_are_unknown(const struct drops *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (drop_is_unknown(&all->at[i]))
			return true;
	return false;
}

bool drop_has_room(const struct drop *d, uint64_t size)
{
	return d->quota == CONFIG_NONE || (d->counted && d->used + size <= (uint64_t)d->quota);
}

void drop_add(struct drop *d, uint64_t size)
{
	d->used += size;
	if (d->counting)
		d->counting_used += size;
}

static bool count_begin(struct drop *d, int64_t now_ms)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->counting = fd < 0 ? NULL : fdopendir(fd);
	if (!d->counting)
		fd_close(&fd);
	d->counting_used = 0;
	d->counted_ms = now_ms;
	return d->counting != NULL;
}

static void count_slice(struct drop *d)
{
	struct stat st;
	for (int i = 0; i < COUNT_SLICE; i++) {
		struct dirent *entry = readdir(d->counting);
		if (!entry) {
			stop_counting(d);
			d->used = d->counting_used;
			d->counted = true;
			return;
		}
		if (fstatat(d->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			d->counting_used += (uint64_t)st.st_size;
	}
}

static bool count_is_due(const struct drop *d, int64_t now_ms)
{
	int64_t every_ms = d->lacks ? COUNT_FULL_MS : COUNT_EVERY_MS;
	return d->fd >= 0 && d->quota != CONFIG_NONE && (!d->counted || now_ms - d->counted_ms >= every_ms);
}

bool drops_count(struct drops *all, int64_t now_ms)
{
	for (size_t i = 0; i < all->n; i++) {
		struct drop *d = &all->at[i];
		if (!d->counting && !(count_is_due(d, now_ms) && count_begin(d, now_ms)))
			continue;
		count_slice(d);
		return true;
	}
	return false;
}
