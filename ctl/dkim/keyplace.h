/*
 * Where the keys of a domain are: in the files that the configuration names, or in files that wait for it, called
 * SELECTOR._domainkey.DOMAIN.pem.
 */
#ifndef CTL_DKIM_KEYPLACE_H
#define CTL_DKIM_KEYPLACE_H

#include <limits.h>
#include <time.h>

#include "common/mail/domain.h"
#include "ctl/cmd.h"
#include "ctl/loaded.h"

enum { KEYPLACE_WAITING_MAX = 16, KEYPLACE_PATH_MAX = PATH_MAX };

struct keyplace {
	const struct config_server *server;
	const struct config_dkim *dkim; /* NULL = the server has no block for the domain */
	char domain[DOMAIN_MAX + 1];    /* in lower case A-labels */
	char folder[KEYPLACE_PATH_MAX]; /* of new keys: that of the block's first key, or dkim/ beside the configuration
					 */
};

/*
 * Finds the place of DOMAIN, as a person wrote it: in the virtual server of --server, or in the one that has a block
 * for it, or in the first. False: the reason was printed, and *STATUS is the exit status.
 */
bool keyplace_find(const struct ctl *ctl, const struct config *config, const char *domain, struct keyplace *out,
		   int *status);

/* Whether the block has SELECTOR, in upper or lower case. */
bool keyplace_has(const struct keyplace *place, const char *selector);

/* The file for SELECTOR: that of the block, if it has the selector, otherwise one in the folder. False: too long. */
bool keyplace_file(const struct keyplace *place, const char *selector, char path[KEYPLACE_PATH_MAX]);

/* A selector that has no key yet: m2026a, m2026b, ... False: all of the year are taken. */
bool keyplace_next_selector(const struct keyplace *place, time_t now, char selector[DOMAIN_MAX + 1]);

/* A key in the folder that the block does not have: a new one, or one that it had before. */
struct keyplace_waiting {
	char selector[DOMAIN_MAX + 1];
	char file[KEYPLACE_PATH_MAX];
	struct timespec made;
};

/* Returns their number, the oldest first. Of more than KEYPLACE_WAITING_MAX it returns the newest. */
size_t keyplace_waiting(const struct keyplace *place, struct keyplace_waiting out[KEYPLACE_WAITING_MAX]);

#endif
