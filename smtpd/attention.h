/*
 * What an administrator should mend for this smtpd, told to master for `mailrootctl status`: its certificates, and what
 * other modules found. Certificates are examined as root at the start, and one that can't be used ends the process with
 * the reason, so that the smtpd before it goes on; whether they are in force and hold our name is looked at once a day.
 */
#ifndef SMTPD_ATTENTION_H
#define SMTPD_ATTENTION_H

#include "common/host/config.h"
#include "common/tls/certificate.h"

/* Who has something to say beside the certificates. */
enum attention_source { ATTENTION_GSSAPI, ATTENTION_USERS, ATTENTION_SOURCE_COUNT };

struct attention {
	struct certificate *at; /* owned, like those of the configuration at the start */
	size_t n;
	struct str files;                           /* what only other certificates and keys can mend, a line each */
	struct str sources[ATTENTION_SOURCE_COUNT]; /* a line each */
	struct str said;                            /* to master, last */
	int64_t look_s;                             /* when to look again, wall clock */
};

/* As root, before the jail. Doesn't return when a certificate or key can't be used. */
void attention_load(struct attention *a, const struct config_server *server);

/* TEXT, a line or more, takes the place of what SOURCE said before; NULL or "" = nothing any more. */
void attention_set(struct attention *a, enum attention_source source, const char *text);

/* Something that attention_tell goes by has changed: the next attention_tend looks. */
void attention_look(struct attention *a);

/* Looks when a day is over or something has changed, and tells master what is another than before. NOW_S: wall clock.
 */
void attention_tend(struct attention *a, const struct config_server *server, int64_t now_s);

/* Everything that is to be mended at NOW_S, a line each. Pure. */
void attention_tell(const struct attention *a, const struct config_server *server, int64_t now_s, struct str *to);

void attention_free(struct attention *a);

#endif
