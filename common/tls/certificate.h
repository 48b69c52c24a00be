/*
 * Examines a certificate, its chain and its key for an administrator: whether a process can use them, and what should
 * be corrected. server.h and client.h load them for use. Each finding is one line with the file, the fault and the
 * remedy. No finding reveals any part of a key, and the key is wiped before the return.
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
	CERTIFICATE_SOON_DAYS = 14 /* before its expiry */
};

enum certificate_grade {
	CERTIFICATE_NOTE,    /* could not be examined with the rights of the caller */
	CERTIFICATE_WARNING, /* can be used, but some peer will object */
	CERTIFICATE_ERROR    /* can't be used */
};

enum certificate_use { CERTIFICATE_SERVER, CERTIFICATE_CLIENT };

/* Receives the findings: TEXT is one line of printable ASCII, valid during the call. */
struct certificate_listener {
	void (*say)(void *context, enum certificate_grade grade, const char *text);
	void *context;
	bool guest; /* the caller is not the user of the files: a file that it can't read is a note, not an error */
};

/* What is kept in memory: no key. */
struct certificate {
	char *path;                  /* owned */
	struct stack_st_X509 *chain; /* owned, the server's first; NULL = it could not be read */
};

/* Reads PATH and KEY and reports their faults, except dates and names. False after an error. Free *OUT in any case. */
bool certificate_examine(const char *path, const char *key, enum certificate_use use,
			 const struct certificate_listener *to, struct certificate *out);

/* The same for files in memory: CERTIFICATE and KEY are their contents. Pure. */
bool certificate_judge(const char *path, struct span certificate, const char *key_path, struct span key,
		       enum certificate_use use, const struct certificate_listener *to, struct certificate *out);

/* Reports the dates at NOW_S, seconds of the wall clock: not valid yet, expired, expires soon; of the chain, too. */
void certificate_dates(const struct certificate *c, int64_t now_s, const struct certificate_listener *to);

/* When the first certificate of its chain expires, seconds of the wall clock; 0 = not known. */
int64_t certificate_until(const struct certificate *c);

/* Whether it has the host NAME, itself or by a wildcard (RFC 6125). */
bool certificate_covers(const struct certificate *c, const char *name);

/* Reports when there are certificates, but none of the N has our NAME. */
void certificate_name_missing(const struct certificate *all, size_t n, const char *name,
			      const struct certificate_listener *to);

/* Appends its host names, as many as make a readable line: "mail.example.com, *.example.net". */
void certificate_names(const struct certificate *c, struct str *to);

/* Appends the subject of one certificate, cut to a readable length: "CN = mail.example.com". */
void certificate_subject(const struct x509_st *certificate, struct str *to);

void certificate_free(struct certificate *c);

/* Checks the file PATH of authorities, which the setting WHAT names: readable, and in PEM. False after an error. */
bool certificate_authorities(const char *what, const char *path, const struct certificate_listener *to);

#endif
