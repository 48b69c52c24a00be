/*
 * A key tab copied from its file into memory, where MIT's library finds it after the file is out of reach. Keys of
 * encryption types that krb5.conf does not permit (permitted_enctypes) are left out.
 */
#ifndef COMMON_GSS_KEYTAB_H
#define COMMON_GSS_KEYTAB_H

#include <krb5.h>
#include <stdbool.h>
#include <stddef.h>

enum { KEYTAB_ENTRIES_MAX = 1000 };

struct keytab {
	krb5_context context;
	krb5_keytab handle; /* the keys live as long as this is open */
	char name[64];      /* "MEMORY:..." for credential stores */
};

/*
 * A file that others may read is used, but reported in the log. PRINCIPAL: only its keys, with the default realm of
 * krb5.conf if it has none; NULL or "" = all. False with WHY, a line with the file and the remedy; *OUT then needs no
 * keytab_close.
 */
bool keytab_open(const char *path, const char *principal, struct keytab *out, char *why, size_t size);

/* Wipes the keys. Harmless when all is zero. */
void keytab_close(struct keytab *k);

#endif
