/*
 * What this server proves to an issuer with, read as root before the jail: a secret, or a key with its certificate, or
 * the key of a service account. No other process has it.
 */
#ifndef DELIVERY_WEB_SECRETS_H
#define DELIVERY_WEB_SECRETS_H

#include <sys/types.h>

#include "common/config/config.h"
#include "delivery/web/account.h"
#include "delivery/web/jwt.h"

enum { SECRETS_WHY_MAX = 480 };

struct secrets {
	char *client_secret;     /* on a page of its own; NULL = none */
	struct evp_pkey_st *key; /* of the certificate or of the service account; NULL = none */
	struct jwt_certificate certificate;
	char email[sizeof(((struct account *)0)->email)]; /* of a service account */
	char key_id[sizeof(((struct account *)0)->key_id)];
};

/*
 * Reads the files of OAUTH, which belong to root or OWNER. TOKEN_URL: where tokens are fetched. False with WHY, for an
 * administrator: "client_secret_file: can't use /etc/x: ... (mailroot.conf:12)".
 */
bool secrets_load(const struct config_oauth *oauth, const char *token_url, uid_t owner, struct secrets *out,
		  char why[SECRETS_WHY_MAX]);

/* The file PATH as text, for authorities and keys. PRIVATE: it must be closed to all others. 0, or false with WHY. */
bool secrets_file(const char *path, bool private, uid_t owner, struct str *to, char *why, size_t size);

#endif
