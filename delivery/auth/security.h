/*
 * What the outbound blocks of the configuration ask for, made ready before the jail: TLS contexts with authorities and
 * client certificates, passwords. No other process has them. A job names the block.
 *
 *	"virtual_server"   "remote_domain *.example.com"   "connector partner"
 */
#ifndef DELIVERY_AUTH_SECURITY_H
#define DELIVERY_AUTH_SECURITY_H

#include <sys/types.h>

#include "common/config/config.h"
#include "delivery/auth/sasl.h"

struct gss_client;
struct ssl_ctx_st;

enum { SECURITY_TROUBLE_MAX = 480 }; /* octets: the text of a verdict, with a little room */

struct security {
	char *name;      /* owned */
	char *user_name; /* the same for texts, with server, user, file and line; owned; NULL = nobody authenticates */
	struct config_outbound outbound; /* leads into the configuration that was loaded */
	struct ssl_ctx_st *tls;          /* NULL when outbound.tls is off */
	char *password;                  /* on a page of its own, wiped when freed; NULL = none */
	struct gss_client *gss;          /* with auth gssapi; NULL = none */
	/* What can't be used ("can't read /etc/ssl/ca.pem: ... (set in mailroot.conf:12)"): mail waits with it; NULL =
	 * none. */
	char *trouble;      /* of TLS: all mail whose security this is */
	char *user_trouble; /* of the password: mail that needs it */
};

struct securities {
	struct security *at;
	size_t n;
};

/*
 * As root. Files that can't be used leave their block with `trouble`, and a line in the log. Password files belong to
 * root or to SERVICE_USER. SERVER is borrowed for life.
 */
void securities_load(const struct config_server *server, uid_t service_user, struct securities *out);
void securities_free(struct securities *all);

/* All trouble, a line each, for child_trouble. */
void securities_trouble(const struct securities *all, struct str *to);

/* What must be readable in the jail to authenticate: NULL-terminated; to be freed by free, the paths are borrowed. NULL
 * = no memory. */
const char **securities_paths(const struct securities *all);

/* A worker will fork, to ask Kerberos. */
bool securities_need_agents(const struct securities *all);

/* The user that BLOCK's hosts may see; false: it has none, or it can't be used (user_trouble says why). Borrowed. */
bool security_user(const struct security *block, struct sasl_user *out);

/* NULL: there is no such block (the configuration is older or newer than the job's). */
const struct security *securities_find(const struct securities *all, struct span name);

#endif
