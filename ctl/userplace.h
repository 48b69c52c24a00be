/* Which account file a command means, and who reads it. */
#ifndef CTL_USERPLACE_H
#define CTL_USERPLACE_H

#include "ctl/commands.h"

struct userplace {
	char *file;
	size_t servers; /* that read it */
	unsigned auth;  /* what they offer, enum config_auth_mechanism */
};

/*
 * --file, or that of --server, or the one that all servers share who let users log in. False: the reason was told, and
 * *STATUS is the exit status.
 */
bool userplace_find(const struct ctl *ctl, struct userplace *out, int *status);
void userplace_free(struct userplace *place);

#endif
