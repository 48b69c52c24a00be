/*
 * AUTH GSSAPI (RFC 4752): clients authenticate by Kerberos, with bare Kerberos tokens or in SPNEGO, as Windows sends
 * them. Keys, plug-ins and error texts are loaded before the jail. In the jail MIT's library opens no file and contacts
 * no name server and no KDC. Users need no entry in the account file.
 *
 * Of the SASL security layers only "none" is offered: TLS protects the session.
 *
 * A recorded exchange can't be replayed: each has a session key that only the real client knows, and a key that was
 * seen before is refused (all workers of a parent share the cache). MIT's own replay cache, a file, is not used.
 */
#ifndef SMTPD_AUTH_GSS_H
#define SMTPD_AUTH_GSS_H

#include "common/base/str.h"
#include "common/config/config.h"
#include "common/gss/words.h"

struct gss_server;
struct gss_exchange;

/*
 * As root, before the jail and before workers are forked: reads access keytab and principal. On failure NULL and WHY (a
 * line for the log, at most SIZE with its NUL): do not announce GSSAPI.
 */
struct gss_server *gss_server_load(const struct config_access *access, char *why, size_t size);
void gss_server_free(struct gss_server *server);

/*
 * Begins one authentication. REALM is access gssapi_realm now in force; NULL or "" = not set. With a realm only its
 * principals are accepted, and the user is the name without it ("bob"). Without a realm all are accepted, and the user
 * is the full name ("bob@EXAMPLE.COM"). NULL: no memory.
 */
struct gss_exchange *gss_begin(struct gss_server *server, const char *realm);

/*
 * TOKEN: decoded data from the client; empty when AUTH had no initial response (the reply is empty then: "334 "). Sets
 * *REPLY (the caller's, at most GSS_TOKEN_MAX) to the data to send, which may be empty. GSS_MORE: the exchange expects
 * an answer, which may be empty. No more steps after GSS_DONE or GSS_FAILED.
 */
enum gss_step gss_step(struct gss_exchange *x, struct span token, struct str *reply);

/* After GSS_DONE: the user, graphic ASCII, at most ACCOUNT_NAME_MAX. Lives as long as X. */
const char *gss_user(const struct gss_exchange *x);

/* After GSS_FAILED: the reason for the log, with the remedy where one is known; never a token. Lives as long as X. */
const char *gss_why(const struct gss_exchange *x);

/* Wipes and releases; NULL is harmless. */
void gss_end(struct gss_exchange *x);

/*
 * Writes the user name of PRINCIPAL ("bob@EXAMPLE.COM", as Kerberos writes it) to TO of SIZE; see gss_begin. NULL on
 * success; otherwise the reason why it is not accepted. Pure.
 */
const char *gss_user_of(struct span principal, const char *realm, char *to, size_t size);

#endif
