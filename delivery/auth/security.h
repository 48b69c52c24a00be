/*
 * The outbound blocks of the configuration, loaded before the jail: TLS contexts with authorities and client
 * certificates, passwords. No other process has them. Access tokens come and go while a process runs, so a block only
 * knows which of the page is its own. A job names its block:
 *
 * "virtual_server" "remote_domain *.example.com" "connector partner"
 */
#ifndef DELIVERY_AUTH_SECURITY_H
#define DELIVERY_AUTH_SECURITY_H

#include <sys/types.h>

#include "common/config/config.h"
#include "delivery/auth/sasl.h"

struct gss_client;
struct ssl_ctx_st;
struct tokens;

enum { SECURITY_TROUBLE_MAX = 480 }; /* octets: the text of a verdict, and some room */

struct security {
	char *name;      /* owned */
	char *user_name; /* the name for texts, with server, user, file and line; owned; NULL = no authentication */
	struct config_outbound outbound; /* points into the loaded configuration */
	struct ssl_ctx_st *tls;          /* NULL when outbound.tls is off */
	char *password;                  /* on a page of its own, wiped when freed; NULL = none */
	struct gss_client *gss;          /* with auth gssapi; NULL = none */
	const struct tokens
		*tokens;   /* with auth xoauth2 and oauthbearer: the page (borrowed) and which of its tokens */
	uint64_t identity; /* config_oauth_identity; 0 = none */
	/* Why mail of the block waits ("can't read /etc/ssl/ca.pem: ... (set in mailroot.conf:12)"); NULL = it does
	 * not. */
	char *trouble;      /* of TLS: all mail of the block waits */
	char *user_trouble; /* of the password: mail waits that needs it */
};

struct securities {
	struct security *at;
	size_t n;
};

/*
 * As root. Files that can't be used give their block `trouble`, and a line in the log. Password files belong to root or
 * to SERVICE_USER. SERVER and TOKENS, the page of access tokens (NULL = there is none), are borrowed for life.
 */
void securities_load(const struct config_server *server, uid_t service_user, const struct tokens *tokens,
		     struct securities *out);
void securities_free(struct securities *all);

/* Appends all trouble, one line each, for child_trouble. */
void securities_trouble(const struct securities *all, struct str *to);

/*
 * Files that authentication must read in the jail: NULL-terminated; free the array, the paths are borrowed. NULL = no
 * memory.
 */
const char **securities_paths(const struct securities *all);

/* Workers fork, to ask Kerberos. */
bool securities_need_agents(const struct securities *all);

/* The user for BLOCK's hosts. False: it has none, or its password can't be used (see user_trouble). Borrowed. */
bool security_user(const struct security *block, struct sasl_user *out);

/*
 * BLOCK authenticates with an access token, and there is none that can be used at NOW_MS (wall clock): WHY says so,
 * with the reason and the line of the configuration.
 */
bool security_lacks_token(const struct security *block, int64_t now_ms, char why[SECURITY_TROUBLE_MAX]);

/* NULL: no such block (the configuration is older or newer than the job's). */
const struct security *securities_find(const struct securities *all, struct span name);

#endif
