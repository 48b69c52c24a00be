/*
 * How root goes along a path: folder by folder, each opened in the one before it. A symbolic link is followed only when
 * it belongs to root (or to ourselves), as the folder that holds it does. So the owner of a folder on the way can't
 * lead us out of it.
 */
#ifndef MASTER_WALK_H
#define MASTER_WALK_H

#include <limits.h>
#include <stdbool.h>

/*
 * Opens the folder PATH with O_PATH; MAKE: what is missing on the way is made, for ourselves, with mode 0755. The
 * descriptor, or -errno: -ELOOP at a link that is not followed.
 */
int walk_to(const char *path, bool make);

/* Opens the folder that holds the last part of PATH, as walk_to does, and copies that part to NAME. */
int walk_above(const char *path, char name[NAME_MAX + 1]);

#endif
