/*
 * What the outbound blocks of the configuration ask for, made ready before the jail: TLS contexts with authorities and
 * client certificates, passwords. No other process has them. A job names the block.
 *
 *	"virtual_server"   "remote_domain *.example.com"   "connector partner"
 */
#ifndef DELIVERY_SECURITY_H
#define DELIVERY_SECURITY_H

#include "common/host/config.h"

struct ssl_ctx_st;

struct security {
	char *name;                      /* owned */
	struct config_outbound outbound; /* leads into the configuration that was loaded */
	struct ssl_ctx_st *tls;          /* NULL when outbound.tls is off */
	char *password;                  /* wiped when freed; NULL = none */
	char *trouble; /* what can't be used ("can't read /etc/mailroot/m365: ..."): mail waits with it; NULL = none */
};

struct securities {
	struct security *at;
	size_t n;
};

/* As root. Files that can't be used leave their block with `trouble`, and a line in the log. SERVER is borrowed for
 * life. */
void securities_load(const struct config_server *server, struct securities *out);
void securities_free(struct securities *all);

/* NULL: there is no such block (the configuration is older or newer than the job's). */
const struct security *securities_find(const struct securities *all, struct span name);

#endif
