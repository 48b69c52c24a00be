/*
 * A certificate, its chain and its key as an administrator needs to know them: can a process use them, and what should
 * be mended. Nothing here serves anybody; server.h and client.h load what is used. Each finding is one line with the
 * file, what is wrong with it, and the remedy. No finding shows anything of a key, and the key is wiped before the
 * return.
 */
#ifndef COMMON_TLS_CERTIFICATE_H
#define COMMON_TLS_CERTIFICATE_H

#include "common/base/str.h"

struct x509_st;
struct stack_st_X509;

enum {
	CERTIFICATE_FILE_MAX = 1 << 20,         /* octets; a chain is some 10,000 */
	CERTIFICATE_AUTHORITIES_MAX = 16 << 20, /* octets; all authorities of a system are some 250,000 */
	CERTIFICATE_CHAIN_MAX = 16,
	CERTIFICATE_SOON_DAYS = 14 /* before its end */
};

enum certificate_grade {
	CERTIFICATE_NOTE,    /* could not be looked at with the rights of who asks */
	CERTIFICATE_WARNING, /* can be used, but somebody will complain */
	CERTIFICATE_ERROR    /* can't be used */
};

enum certificate_use { CERTIFICATE_SERVER, CERTIFICATE_CLIENT };

/* Who is told: TEXT is one line of printable ASCII, valid during the call. */
struct certificate_listener {
	void (*say)(void *context, enum certificate_grade grade, const char *text);
	void *context;
	bool guest; /* is not the one who will use the files: what he may not read is a note, no error */
};

/* What stays in memory: no key. */
struct certificate {
	char *path;                  /* owned */
	struct stack_st_X509 *chain; /* owned, ours first; NULL = it could not be read */
};

/*
 * Reads PATH and KEY and tells what is wrong with them, but for dates and names. False when one is told that is an
 * error. *OUT is to be freed in any case.
 */
bool certificate_examine(const char *path, const char *key, enum certificate_use use,
			 const struct certificate_listener *to, struct certificate *out);

/* The same for files that were read already: CERTIFICATE and KEY are their octets. Pure. */
bool certificate_judge(const char *path, struct span certificate, const char *key_path, struct span key,
		       enum certificate_use use, const struct certificate_listener *to, struct certificate *out);

/* What is to be said at NOW_S, seconds of the wall clock: not in force yet, expired, expires soon; its chain too. */
void certificate_dates(const struct certificate *c, int64_t now_s, const struct certificate_listener *to);

/* It holds NAME of a host, by itself or by a wildcard (RFC 6125). */
bool certificate_covers(const struct certificate *c, const char *name);

/* Tells when there are certificates, and none of these N holds NAME, ours. */
void certificate_name_missing(const struct certificate *all, size_t n, const char *name,
			      const struct certificate_listener *to);

/* The names of hosts that it holds, as many as make a readable line: "mail.example.com, *.example.net". */
void certificate_names(const struct certificate *c, struct str *to);

/* Appends the subject of one certificate, cut to a readable length: "CN = mail.example.com". */
void certificate_subject(const struct x509_st *certificate, struct str *to);

void certificate_free(struct certificate *c);

/* The file PATH of authorities: can be read, holds some, in PEM. False when an error is told. */
bool certificate_authorities(const char *path, const struct certificate_listener *to);

#endif
