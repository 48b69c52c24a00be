/*
 * The file that password_file names: its first line is the password. It lies alone on a page that no core has and, as
 * far as the limits permit, no swap.
 */
#ifndef DELIVERY_AUTH_PASSWORD_H
#define DELIVERY_AUTH_PASSWORD_H

#include <sys/types.h>

#include "common/base/span.h"

enum { PASSWORD_MAX = 1024 /* octets */, PASSWORD_WHY_MAX = 200 };

/*
 * The password in FILE, the beginning of such a file: its first line without the line end and without the mark that
 * Windows puts before UTF-8. False with *why. Pure.
 */
bool password_parse(struct span file, struct span *password, const char **why);

/* Reads PATH, which must belong to root or OWNER and be closed to everybody else. NULL with WHY, what is wrong and what
 * to do. Never says anything of the content. */
char *password_load(const char *path, uid_t owner, char why[PASSWORD_WHY_MAX]);

/* Wipes. Harmless with NULL. */
void password_free(char *password);

#endif
