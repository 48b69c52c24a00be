#include "delivery/resolver/hostfiles.h"

#include <stdbool.h>

#include "common/base/clock.h"

enum { PERIOD_MS = 2000 };

static const char *const paths[HOSTFILES_COUNT] = {"/etc/resolv.conf", "/etc/hosts"};

static void check(const char *path, struct stat *file)
{
	if (stat(path, file))
		*file = (struct stat){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

void hostfiles_note(struct hostfiles *files)
{
	for (size_t i = 0; i < HOSTFILES_COUNT; i++) {
		check(paths[i], &files->read[i]);
		files->seen[i] = files->read[i];
	}
	files->next_ms = clock_mono_ms() + PERIOD_MS;
}

int hostfiles_until(const struct hostfiles *files)
{
	int64_t left = files->next_ms - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

const char *hostfiles_changed(struct hostfiles *files)
{
	const char *changed = NULL;
	if (hostfiles_until(files) > 0)
		return NULL;
	files->next_ms = clock_mono_ms() + PERIOD_MS;
	for (size_t i = 0; i < HOSTFILES_COUNT; i++) {
		struct stat now;
		check(paths[i], &now);
		if (!same(&now, &files->read[i]) && same(&now, &files->seen[i]))
			changed = paths[i];
		files->seen[i] = now;
	}
	return changed;
}
