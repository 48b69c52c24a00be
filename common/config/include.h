/* Files of the configuration: reads them, and finds the paths of an include. */
#ifndef COMMON_CONFIG_INCLUDE_H
#define COMMON_CONFIG_INCLUDE_H

#include <glob.h>
#include <sys/types.h>

#include "common/config/report.h"

/* The files that are open while a file is read, innermost first. */
struct config_open {
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned depth;
	const struct config_open *outer;
};

/*
 * Reads the regular file PATH of at most MAX octets into TEXT and fills *out (outer and depth included). On failure
 * returns -errno and sets WHY to the reason (a static text or that of strerror). -EINVAL also if the file is already
 * open.
 */
int config_include_read(const char *path, const struct config_open *outer, size_t max, struct str *text,
			struct config_open *out, const char **why);

/* WORD has * ? or [. */
bool config_include_is_pattern(struct span word);

/* The path of the plain WORD in file FROM, in the arena. A relative WORD begins in the folder of FROM. */
char *config_include_path(struct arena *arena, const char *from, struct span word);

/* The paths that match the pattern WORD in file FROM, sorted; there may be none. If true, the caller calls globfree. */
bool config_include_glob(const char *from, struct span word, glob_t *out, const char **why);

#endif
