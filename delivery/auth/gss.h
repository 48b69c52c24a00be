/*
 * Authenticates us to a host by Kerberos: AUTH GSSAPI (RFC 4752) with a client key tab instead of a password. Tickets
 * are obtained and renewed as needed. An agent, a child process of the worker, asks the KDC, so a KDC that does not
 * answer takes GSS_CLIENT_DEADLINE_MS at most. The agent also keeps the tickets, in memory.
 *
 * The service is smtp@HOST with the host's name in the configuration (tls_name, else the host's). No name server is
 * asked for a canonical name, and the realm comes from domain_realm in krb5.conf.
 */
#ifndef DELIVERY_AUTH_GSS_H
#define DELIVERY_AUTH_GSS_H

#include "common/base/str.h"
#include "common/gss/words.h"

enum { GSS_CLIENT_DEADLINE_MS = 30000 /* for one step; MIT's library tries each KDC three times */ };

struct gss_client;
struct gss_client_exchange;

/*
 * As root, before the jail: reads the keys of PRINCIPAL from the key tab. On failure NULL and WHY, a line for the log.
 */
struct gss_client *gss_client_load(const char *principal, const char *keytab, char *why, size_t size);
void gss_client_free(struct gss_client *client);

/*
 * Before the jail: the files that the library reads later to find a KDC (krb5.conf and its includes, resolv.conf, ...).
 * The jail must permit reading them. NULL-terminated, existing paths, GSS_PATHS_MAX at most; owned by CLIENT.
 */
const char *const *gss_client_paths(struct gss_client *client);

/* For tests: sets another deadline. */
void gss_client_set_deadline(struct gss_client *client, int64_t ms);

/* Begins one authentication to HOST, a name or an address, with or without brackets. One at a time. NULL: no memory. */
struct gss_client_exchange *gss_client_begin(struct gss_client *client, const char *host);

/*
 * First call with an empty TOKEN: *REPLY is the initial response (up to some ten thousand octets). Then call with each
 * decoded answer of the host. GSS_DONE: the reply is the last one to send, and the host has authenticated itself.
 */
enum gss_step gss_client_step(struct gss_client_exchange *x, struct span token, struct str *reply);

/* After GSS_FAILED: the reason and the remedy. Lives as long as X. */
const char *gss_client_why(const struct gss_client_exchange *x);
void gss_client_end(struct gss_client_exchange *x);

#endif
