/* Files that only their owner should read. */
#ifndef COMMON_ACCOUNTS_SECRET_H
#define COMMON_ACCOUNTS_SECRET_H

#include <stdbool.h>
#include <sys/stat.h>

enum { SECRET_WHO_MAX = 80, SECRET_WHY_MAX = 200 };

/*
 * Whether others than owner and group may read or write it; STRICT: others than the owner. WHO names them: "every
 * user", "group staff".
 */
bool secret_is_open(const struct stat *file, bool strict, char who[SECRET_WHO_MAX]);

/*
 * Opens the regular file PATH, which must belong to root or OWNER and be closed to all others. The descriptor and
 * *FILE, or -1 with WHY: the reason and the remedy.
 */
int secret_open(const char *path, uid_t owner, struct stat *file, char why[SECRET_WHY_MAX]);

#endif
