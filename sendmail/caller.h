/* The calling user: the real user, whatever the program's own rights. */
#ifndef SENDMAIL_CALLER_H
#define SENDMAIL_CALLER_H

#include "common/mail/address.h"

enum { CALLER_NAME_MAX = 128 };

struct caller {
	char address[ADDRESS_MAX + 1];  /* without domain */
	char name[CALLER_NAME_MAX + 1]; /* in full; "" = unknown */
};

/* Looks the user up; one that is in no user database is "uid1000". 0, or -errno when the database can't be read now. */
int caller_find(struct caller *out);

/*
 * The address and the name from the fields of the user database. A login name that is no valid local part is quoted.
 * GECOS (NULL = none) ends at its first comma, and each '&' stands for the login name. Pure. False: LOGIN can't be an
 * address.
 */
bool caller_describe(const char *login, const char *gecos, struct caller *out);

#endif
