/*
 * Refresh tokens on disk, one file a block in the folder of the virtual server, for the user of mailroot-web alone. A
 * new one takes the place of the old one by a rename, after it is on disk: a crash at any moment leaves one of the two.
 */
#ifndef DELIVERY_WEB_STORE_H
#define DELIVERY_WEB_STORE_H

#include "delivery/web/answer.h"

enum { STORE_NAME_MAX = 224 };

struct store_item {
	const char *block; /* "connector partner" */
	uint64_t identity; /* config_oauth_identity: what the token is for */
	const char *token;
};

/* Appends the name of the file of BLOCK: what can't stand in a name is %XX, and a long one ends in a hash. */
void store_name(const char *block, char to[STORE_NAME_MAX]);

/* Writes ITEM durably to FOLDER. 0 or -errno; after an error one of the two is there. */
int store_save(int folder, const struct store_item *item);

/*
 * Reads the token of BLOCK to TO, which the caller wipes. -ENOENT: there is none. -EBADMSG: the file is damaged.
 * -ESTALE: it is for another provider, application or user than IDENTITY, and must not be sent to this one.
 */
int store_load(int folder, const char *block, uint64_t identity, char to[ANSWER_REFRESH_MAX + 1]);

/* Removes it durably; 0 when there is none. */
int store_remove(int folder, const char *block);

#endif
