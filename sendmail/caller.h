/* Who calls: the real user, whatever the program's own rights. */
#ifndef SENDMAIL_CALLER_H
#define SENDMAIL_CALLER_H

#include "common/mail/address.h"

enum { CALLER_NAME_MAX = 128 };

struct caller {
	char address[ADDRESS_MAX + 1];  /* without domain */
	char name[CALLER_NAME_MAX + 1]; /* in full; "" = not known */
};

/* Looks the user up; one who is in no list is "uid1000". 0, or -errno when the lists can't be read now. */
int caller_find(struct caller *out);

/*
 * The two from the fields of the user database. A login name that can't be a local part as it is gets quotes; GECOS
 * (NULL = none) ends at its first comma and has the login name for each '&'. Pure. False: LOGIN can be no address.
 */
bool caller_describe(const char *login, const char *gecos, struct caller *out);

#endif
