/*
 * Reads a file whose first line is a password or another secret, which is then alone on a page that is excluded
 * from core dumps and, as far as the limits permit, from swap.
 */
#ifndef COMMON_ACCOUNTS_PASSWORD_H
#define COMMON_ACCOUNTS_PASSWORD_H

#include <sys/types.h>

#include "common/accounts/secret.h"
#include "common/base/span.h"

enum { PASSWORD_MAX = 1024 /* octets */, PASSWORD_WHY_MAX = SECRET_WHY_MAX };

/*
 * Finds the password in FILE, the beginning of such a file: its first line without the line end and without a UTF-8
 * byte order mark. False with *why. Pure.
 */
bool password_parse(struct span file, struct span *password, const char **why);

/*
 * Reads PATH, which must belong to root or OWNER and be closed to all others. On failure NULL and WHY: the reason and
 * the remedy, never any content.
 */
char *password_load(const char *path, uid_t owner, char why[PASSWORD_WHY_MAX]);

/* Wipes and frees; NULL is permitted. */
void password_free(char *password);

#endif
