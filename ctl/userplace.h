/* The account file that a command is about, and the servers that use it. */
#ifndef CTL_USERPLACE_H
#define CTL_USERPLACE_H

#include "ctl/cmd.h"

struct userplace {
	char *file;
	size_t servers; /* number of servers that read it */
	unsigned auth;  /* mechanisms that they offer, enum config_auth_mechanism */
	bool may_relay; /* in one of them, users may relay */
};

/*
 * Finds the file: --file, or that of --server, or the one that all servers with authentication share. On false the
 * reason was printed, and *STATUS is the exit status.
 */
bool userplace_find(const struct ctl *ctl, struct userplace *out, int *status);
void userplace_free(struct userplace *place);

#endif
