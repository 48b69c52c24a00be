/*
 * What an administrator should mend for a process that has certificates: these, and what other modules found.
 * Certificates are examined as root at the start; whether they are in force and hold our name is looked at once a day.
 */
#ifndef COMMON_TLS_ATTENTION_H
#define COMMON_TLS_ATTENTION_H

#include "common/config/config.h"
#include "common/process/trouble.h"
#include "common/tls/certificate.h"

/* Who has something to say beside the certificates. */
enum attention_source { ATTENTION_GSSAPI, ATTENTION_USERS, ATTENTION_OUTBOUND, ATTENTION_SOURCE_COUNT };

struct attention {
	struct certificate *at; /* owned */
	size_t n;
	struct str files;                           /* what only other certificates and keys can mend, a line each */
	struct str sources[ATTENTION_SOURCE_COUNT]; /* a line each */
	struct trouble trouble;
	int64_t look_s; /* when to look again, wall clock */
};

void attention_init(struct attention *a);

/*
 * As root: examines PAIRS, each file once. Those that can't be used are not told (whoever loads them does) with
 * CERTIFICATE_CLIENT; with CERTIFICATE_SERVER they end the process with the reason, so that the one before it goes on.
 */
void attention_examine(struct attention *a, const struct config_certificates *pairs, enum certificate_use use);

/* TEXT, a line or more, takes the place of what SOURCE said before; NULL or "" = nothing any more. */
void attention_set(struct attention *a, enum attention_source source, const char *text);

/* Something that attention_tell goes by has changed: the next attention_tend looks. */
void attention_look(struct attention *a);

/* Looks when a day is over or something has changed, and tells what is to be mended (trouble.h). FQDN: a name that
 * one of the certificates must hold, NULL = none. NOW_S: wall clock. */
void attention_tend(struct attention *a, const char *fqdn, int64_t now_s);

/* Everything that is to be mended at NOW_S, a line each. Pure. */
void attention_tell(const struct attention *a, const char *fqdn, int64_t now_s, struct str *to);

void attention_free(struct attention *a);

#endif
