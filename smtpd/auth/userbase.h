/*
 * The accounts in force. The parent reads the file that master has opened, once, into memory that all workers share
 * (snapshot.h). A worker finds the newest accounts by an atomic load; they are never copied.
 */
#ifndef SMTPD_AUTH_USERBASE_H
#define SMTPD_AUTH_USERBASE_H

#include "common/accounts/accounts.h"
#include "common/ipc/snapshot.h"
#include "common/ipc/wire.h"

enum { USERBASE_DIGEST = 32 };

struct userbase {
	struct snapshot *snapshot;             /* NULL = there never are accounts */
	size_t size;                           /* of one area */
	unsigned char digest[USERBASE_DIGEST]; /* parent only, like the next: of the text in force */
	struct str lines;                      /* the bad lines of it */
};

/* Parent: makes room for SIZE octets of accounts, which take memory as they are used. False with errno. */
bool userbase_init(struct userbase *u, size_t size);

/*
 * Parent: takes a message of master about the account file, with the file in FD (-1 = none). A file that can't be read
 * leaves the accounts as they are; a missing file has none. Appends to *MEND what an administrator should correct, one
 * line each, without any content of the file. True when a new area was begun: workers forked earlier can't see it and
 * have to end.
 */
bool userbase_take(struct userbase *u, const struct wire_users *news, int fd, struct str *mend);

/*
 * Worker: returns the newest accounts and their generation, which grows with each change; NULL = not known yet. Valid
 * for the life of the process, even after newer ones have come.
 */
const struct accounts *userbase_accounts(const struct userbase *u, uint64_t *generation);

/* Parent, in tests: frees all. No worker may be left. */
void userbase_free(struct userbase *u);

#endif
