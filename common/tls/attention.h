/*
 * Problems that a process with certificates reports to the administrator: those of the certificates, and those of other
 * modules. Certificates are examined as root at the start; their dates and names are checked once a day.
 */
#ifndef COMMON_TLS_ATTENTION_H
#define COMMON_TLS_ATTENTION_H

#include "common/config/config.h"
#include "common/process/trouble.h"
#include "common/tls/certificate.h"

/* The modules that report problems beside the certificates. */
enum attention_source {
	ATTENTION_GSSAPI,
	ATTENTION_USERS,
	ATTENTION_RECIPIENTS,
	ATTENTION_OUTBOUND,
	ATTENTION_SANDBOX,
	ATTENTION_SOURCE_COUNT
};

struct attention {
	struct certificate *at; /* owned */
	size_t n;
	struct str files;                           /* problems of the files that only new files solve, one line each */
	struct str sources[ATTENTION_SOURCE_COUNT]; /* one line each */
	struct trouble trouble;
	int64_t look_s; /* time of the next check, wall clock */
};

void attention_init(struct attention *a);

/*
 * As root: examines PAIRS, each file once. With CERTIFICATE_CLIENT, files that can't be used are not reported (their
 * loader does it). With CERTIFICATE_SERVER they end the process with the reason, so that the previous process goes on.
 */
void attention_examine(struct attention *a, const struct config_certificates *pairs, enum certificate_use use);

/* Replaces the problems of SOURCE by TEXT, one line or more; NULL or "" = none. */
void attention_set(struct attention *a, enum attention_source source, const char *text);

/* The input of attention_tell has changed: the next attention_tend checks again. */
void attention_look(struct attention *a);

/*
 * Checks once a day or after a change, and reports the problems (trouble.h). FQDN: a name that one of the certificates
 * must have, NULL = none. NOW_S: wall clock.
 */
void attention_tend(struct attention *a, const char *fqdn, int64_t now_s);

/* Appends all problems at NOW_S, one line each. Pure. */
void attention_tell(const struct attention *a, const char *fqdn, int64_t now_s, struct str *to);

void attention_free(struct attention *a);

#endif
