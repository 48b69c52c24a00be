/*
 * We prove ourselves to a host by Kerberos: AUTH GSSAPI (RFC 4752) with a client key tab instead of a password. Tickets
 * are got and renewed by need. The KDC is asked by a process of its own, a child of the worker, so that one that does
 * not answer costs GSS_CLIENT_DEADLINE_MS and no more; it also keeps the tickets, in memory.
 *
 * The service is smtp@HOST with the name of the host as the configuration has it (tls_name, else the host's): no name
 * server is asked for a canonical one, and the realm is that of krb5.conf's domain_realm.
 */
#ifndef DELIVERY_AUTH_GSS_H
#define DELIVERY_AUTH_GSS_H

#include "common/base/str.h"
#include "common/gss/words.h"

enum {
	GSS_CLIENT_DEADLINE_MS = 30000, /* a step; MIT's library gives three rounds to each KDC */
	GSS_CLIENT_PATHS_MAX = 32
};

struct gss_client;
struct gss_client_exchange;

/* As root, before the jail: reads the keys of PRINCIPAL from the key tab. NULL with WHY, a line for the log. */
struct gss_client *gss_client_load(const char *principal, const char *keytab, char *why, size_t size);
void gss_client_free(struct gss_client *client);

/*
 * Before the jail: what the library still reads in it to find a KDC (krb5.conf and what it includes, resolv.conf, ...),
 * to be allowed for reading. NULL-terminated, existing paths; owned by CLIENT.
 */
const char *const *gss_client_paths(struct gss_client *client);

/* For tests: another deadline. */
void gss_client_set_deadline(struct gss_client *client, int64_t ms);

/* One authentication to HOST, a name or an address, which may stand in brackets; one at a time. NULL: no memory. */
struct gss_client_exchange *gss_client_begin(struct gss_client *client, const char *host);

/*
 * First with an empty TOKEN: *REPLY is the initial response (up to some ten thousand octets). Then with what the host
 * answered, decoded. GSS_DONE: the reply is the last one to be sent, and the host has proved that it is the right one.
 */
enum gss_step gss_client_step(struct gss_client_exchange *x, struct span token, struct str *reply);

/* After GSS_FAILED: what happened and what to do. Lives as long as X. */
const char *gss_client_why(const struct gss_client_exchange *x);
void gss_client_end(struct gss_client_exchange *x);

#endif
