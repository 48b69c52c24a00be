/* The keys with which the configuration signs, read before root is given up: their public halves alone are kept. */
#ifndef CTL_DOCTOR_OWNKEYS_H
#define CTL_DOCTOR_OWNKEYS_H

#include "common/config/config.h"
#include "common/dkim/dkim_record.h"
#include "common/dkim/key.h"

struct ownkey {
	const struct config_dkim *dkim; /* its block */
	const char *selector, *file;    /* of the configuration */
	const struct config_origin *at;
	bool readable;             /* `record` is set; otherwise `why` has the reason, a phrase with "it" */
	struct dkim_record record; /* as DNS should have it */
	char why[DKIM_KEY_WHY_MAX];
};

struct ownkeys {
	struct ownkey *at; /* owned */
	size_t n;
	uid_t owner; /* that of ownkeys_owner */
};

/* Appends the TXT record of KEY: "v=DKIM1; k=rsa; p=...". False: no memory. */
bool ownkeys_text(const struct dkim_key *key, struct str *to);

/*
 * Besides root, a key may belong to this user: the caller or, if root calls, the user of the service, which may run
 * without root.
 */
uid_t ownkeys_owner(const struct config *config);

/* Reads the public half of the private key FILE, which belongs to root or OWNER. False with WHY (DKIM_KEY_WHY_MAX), a
 * phrase with "it". */
bool ownkeys_read(const char *file, uid_t owner, struct dkim_record *out, char *why);

/* Reads the keys of all dkim blocks of CONFIG, which must outlive *OUT. Free it with ownkeys_free. */
void ownkeys_load(const struct config *config, struct ownkeys *out);
void ownkeys_free(struct ownkeys *keys);

#endif
