/*
 * Clients that prove themselves by Kerberos: AUTH GSSAPI (RFC 4752), with bare Kerberos tokens or in SPNEGO as Windows
 * sends them. Keys, plugins and error texts are taken up before the jail; in it MIT's library finds no file at all,
 * asks no name server and no KDC. Needs no entry in the account file.
 *
 * Of the security layers of SASL only "none" is offered: TLS is what protects a session.
 *
 * A recorded exchange can't be played again: each has a session key that only the real client knows, and one that was
 * seen before is refused (the cache is shared by all workers of a parent). MIT's own replay cache, a file, is not used.
 */
#ifndef SMTPD_AUTH_GSS_H
#define SMTPD_AUTH_GSS_H

#include "common/base/str.h"
#include "common/config/config.h"
#include "common/gss/words.h"

struct gss_server;
struct gss_exchange;

/*
 * As root, before the jail and before workers are forked: reads access keytab and principal. NULL with WHY (a line for
 * the log, at most SIZE with its NUL): then GSSAPI is not to be announced.
 */
struct gss_server *gss_server_load(const struct config_access *access, char *why, size_t size);
void gss_server_free(struct gss_server *server);

/*
 * One authentication. REALM is access gssapi_realm as it is in force, NULL or "" when not set: with it only its
 * principals are let in, under their name without it ("bob"); without, all, under the full name ("bob@EXAMPLE.COM").
 * NULL: no memory.
 */
struct gss_exchange *gss_begin(struct gss_server *server, const char *realm);

/*
 * TOKEN: what the client sent, decoded; empty when AUTH brought no initial response (the reply is empty then: "334 ").
 * Sets *REPLY (of the caller, at most GSS_TOKEN_MAX) to what is to be sent, perhaps nothing. GSS_MORE: the exchange
 * waits for an answer, which may be empty. After GSS_DONE or GSS_FAILED no more steps.
 */
enum gss_step gss_step(struct gss_exchange *x, struct span token, struct str *reply);

/* After GSS_DONE: who it is, graphic ASCII, at most ACCOUNT_NAME_MAX. Lives as long as X. */
const char *gss_user(const struct gss_exchange *x);

/* After GSS_FAILED: for the log, with the remedy where one is known; never a token. Lives as long as X. */
const char *gss_why(const struct gss_exchange *x);

/* Wipes and releases; NULL is harmless. */
void gss_end(struct gss_exchange *x);

/*
 * The name under which PRINCIPAL ("bob@EXAMPLE.COM", as Kerberos writes it) is known here; see gss_begin. NULL and TO
 * of SIZE filled; otherwise why it may not come in. Pure.
 */
const char *gss_user_of(struct span principal, const char *realm, char *to, size_t size);

#endif
