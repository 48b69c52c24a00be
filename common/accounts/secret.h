/* Files that only their owner should read. */
#ifndef COMMON_ACCOUNTS_SECRET_H
#define COMMON_ACCOUNTS_SECRET_H

#include <stdbool.h>
#include <sys/stat.h>

enum { SECRET_WHO_MAX = 80 };

/*
 * Whether others than owner and group may read or write it; STRICT: others than the owner. WHO names them: "every
 * user", "group staff".
 */
bool secret_is_open(const struct stat *file, bool strict, char who[SECRET_WHO_MAX]);

#endif
