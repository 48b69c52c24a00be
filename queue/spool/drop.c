#include "queue/spool/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"

enum { LOOK_EVERY_MS = 1000, COUNT_EVERY_MS = 10 * 1000, COUNT_SOON_MS = 1000, COUNT_SLICE = 500 };

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

/* The path leads to another folder, or to none: the count is void. */
static void forget(struct drop *d)
{
	stop_counting(d);
	d->counted = false;
	d->used = 0;
	d->counted_ms = 0;
}

static void look(struct drop *d, int64_t now_ms)
{
	struct stat st = {0};
	d->looked_ms = now_ms;
	d->error = stat(d->path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	if (!d->error && st.st_dev == d->dev && st.st_ino == d->ino)
		return;
	forget(d);
	d->dev = st.st_dev;
	d->ino = st.st_ino;
}

static bool add_folder(struct drops *all, const struct config_server *server, const struct config_local_domain *local,
		       int64_t now_ms)
{
	int64_t quota = quota_of(server, local);
	struct drop *d = find(all, local->drop_dir);
	if (d) { /* several domains with one folder: the smallest quota, and Return-Path if one domain wants it */
		d->quota = quota < d->quota ? quota : d->quota;
		d->return_path |= local->return_path;
		return true;
	}
	d = &all->at[all->n];
	*d = (struct drop){.path = strdup(local->drop_dir), .quota = quota, .return_path = local->return_path};
	if (!d->path)
		return false;
	all->n++;
	look(d, now_ms);
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
		stop_counting(&all->at[i]);
		free(all->at[i].path);
	}
	free(all->at);
	memset(all, 0, sizeof(*all));
}

struct drop *drop_find(struct drops *all, const char *path, int64_t now_ms)
{
	struct drop *d = find(all, path);
	if (d && now_ms - d->looked_ms >= LOOK_EVERY_MS)
		look(d, now_ms);
	return d;
}

bool drop_same(const struct drop *a, const struct drop *b)
{
	return a == b || (!a->error && !b->error && a->dev == b->dev && a->ino == b->ino);
}

uint64_t drop_room(const struct drop *d)
{
	if (d->quota == CONFIG_NONE)
		return UINT64_MAX;
	return d->counted && d->used < (uint64_t)d->quota ? (uint64_t)d->quota - d->used : 0;
}

bool drop_is_unknown(const struct drop *d)
{
	return d && !d->error && d->quota != CONFIG_NONE && !d->counted;
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
	return size <= drop_room(d);
}

bool drop_never_has_room(const struct drop *d, uint64_t size)
{
	return d->quota != CONFIG_NONE && size > (uint64_t)d->quota;
}

void drop_add(struct drop *d, uint64_t size)
{
	d->used += size;
	if (d->counting)
		d->counting_used += size;
}

/* The process or the machine lacks something; the folder is not at fault. */
static bool is_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static void note_lack(struct drop *d, int error)
{
	if (error && error != d->uncountable)
		log_warning("drop folder %s: can't count it for drop_quota: %s; trying again every second", d->path,
			    strerror(error));
	d->uncountable = error;
}

static bool count_begin(struct drop *d, int64_t now_ms)
{
	d->counting = opendir(d->path);
	int error = d->counting ? 0 : errno;
	note_lack(d, is_lack(error) ? error : 0);
	d->error = d->uncountable ? 0 : error;
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
		if (fstatat(dirfd(d->counting), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			d->counting_used += (uint64_t)st.st_size;
	}
}

static bool count_is_due(const struct drop *d, int64_t now_ms)
{
	bool soon = d->lacks || d->uncountable;
	bool first = !d->counted && !d->uncountable;
	int64_t every_ms = soon ? COUNT_SOON_MS : COUNT_EVERY_MS;
	return !d->error && d->quota != CONFIG_NONE && (first || now_ms - d->counted_ms >= every_ms);
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
