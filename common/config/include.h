/* Files of the configuration: reading them, and the paths that an include stands for. */
#ifndef COMMON_CONFIG_INCLUDE_H
#define COMMON_CONFIG_INCLUDE_H

#include <glob.h>
#include <sys/types.h>

#include "common/config/report.h"

/* The files that are open while one is read, innermost first. */
struct config_open {
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned depth;
	const struct config_open *outer;
};

/*
 * Reads the regular file PATH of at most MAX octets into TEXT and fills *out (outer and depth included). -errno with a
 * phrase in WHY (a static text or strerror's) when that can't be; -EINVAL also for a file that is one of those that are
 * open.
 */
int config_include_read(const char *path, const struct config_open *outer, size_t max, struct str *text,
			struct config_open *out, const char **why);

/* WORD holds * ? or [. */
bool config_include_is_pattern(struct span word);

/* The path that the plain WORD in file FROM stands for, in the arena: a relative one begins in FROM's folder. */
char *config_include_path(struct arena *arena, const char *from, struct span word);

/* The paths that the pattern WORD in file FROM stands for, sorted; may be none. globfree when true was returned. */
bool config_include_glob(const char *from, struct span word, glob_t *out, const char **why);

#endif
