/* A new key: its file, and what an administrator does with it. */
#ifndef CTL_DKIM_NEWKEY_H
#define CTL_DKIM_NEWKEY_H

#include "common/dkim/key.h"
#include "ctl/dkim/keyplace.h"

struct newkey_type {
	const char *word; /* "rsa2048" */
	enum dkim_algorithm algorithm;
	unsigned bits; /* of RSA */
};

/* The type that WORD names; NULL = none. The first one, with WORD "", is the usual one. */
const struct newkey_type *newkey_type(const char *word);

/*
 * Makes a key of TYPE and writes it to the new file PATH, mode 0600, with the folder if there is none. As root, the
 * file belongs to the owner of its folder. NULL: the reason was printed, and nothing is left. Free with dkim_key_free.
 */
struct dkim_key *newkey_make(const struct newkey_type *type, const char *path);

/* Prints the record of KEY as a zone file and as a form of a DNS provider take it. */
void newkey_print_record(const struct keyplace *place, const char *selector, const struct dkim_key *key);

/* "RSA, 2048 bits", "Ed25519". Valid until the next call. */
const char *newkey_words(const struct dkim_key *key);

#endif
