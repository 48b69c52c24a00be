/*
 * The accounts in force. The parent reads the file that master has opened, once, into memory that all workers share
 * (snapshot.h); a worker finds the newest by an atomic load. Nobody ever copies them.
 */
#ifndef SMTPD_AUTH_USERBASE_H
#define SMTPD_AUTH_USERBASE_H

#include "common/accounts/accounts.h"
#include "common/ipc/wire.h"
#include "smtpd/policy/snapshot.h"

enum { USERBASE_DIGEST = 32 };

struct userbase {
	struct snapshot *snapshot;             /* NULL = there are no accounts, and never will be */
	size_t size;                           /* of an area */
	unsigned char digest[USERBASE_DIGEST]; /* the parent's, as what follows: of the text in force */
	struct str lines;                      /* what is wrong with lines of it */
};

/* Parent: room for SIZE octets of accounts, of which memory is taken as they come. False with errno. */
bool userbase_init(struct userbase *u, size_t size);

/*
 * Parent: what master says of the account file, with the file in FD (-1 = it came without one). A file that can't be
 * read leaves the accounts as they are, one that is missing has none. *MEND gets what an administrator should mend, a
 * line each, never with what stands in the file. True when a new area was begun: workers that were forked before don't
 * see it and have to go.
 */
bool userbase_take(struct userbase *u, const struct wire_users *news, int fd, struct str *mend);

/*
 * Worker: the newest accounts and their generation, which grows with each change; NULL = not known yet. Valid for the
 * life of the process, also after newer ones have come.
 */
const struct accounts *userbase_accounts(const struct userbase *u, uint64_t *generation);

/* Parent, in tests: no worker may be left. */
void userbase_free(struct userbase *u);

#endif
