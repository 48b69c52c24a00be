/*
 * How root follows a path: folder by folder, each opened in the one before it. A symbolic link is followed only if it
 * and the folder that holds it belong to root (or to the user of this process). So the owner of a folder on the way
 * can't divert root elsewhere.
 */
#ifndef MASTER_WALK_H
#define MASTER_WALK_H

#include <limits.h>
#include <stdbool.h>

/*
 * Opens the folder PATH with O_PATH. MAKE: creates missing folders on the way, owned by this user, with mode 0755. The
 * descriptor, or -errno: -ELOOP at a link that is not followed.
 */
int walk_to(const char *path, bool make);

/* Opens the parent folder of PATH, as walk_to does, and copies the last part of PATH to NAME. */
int walk_above(const char *path, char name[NAME_MAX + 1]);

#endif
