/* The key of a service account as Google gives it, a file in JSON. Pure. */
#ifndef DELIVERY_WEB_ACCOUNT_H
#define DELIVERY_WEB_ACCOUNT_H

#include "common/base/span.h"

enum { ACCOUNT_FILE_MAX = 32 * 1024 /* octets */, ACCOUNT_WHY_MAX = 300 };

struct account {
	char email[321];
	char key_id[129];
	char key[16 * 1024]; /* PEM */
};

/*
 * TOKEN_URL is where tokens will be fetched: a file that names another place is refused, since the file may come from
 * anywhere. False with WHY, without a part of the key. The caller wipes *out in either case.
 */
bool account_parse(struct span file, const char *token_url, struct account *out, char why[ACCOUNT_WHY_MAX]);

#endif
