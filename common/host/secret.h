/* Files that nobody but their owner should read. */
#ifndef COMMON_HOST_SECRET_H
#define COMMON_HOST_SECRET_H

#include <stdbool.h>
#include <sys/stat.h>

enum { SECRET_WHO_MAX = 80 };

/* Somebody beside owner and group may read it; STRICT: beside the owner, group root aside. WHO says it in words: "every
 * user", "group staff". */
bool secret_is_open(const struct stat *file, bool strict, char who[SECRET_WHO_MAX]);

#endif
