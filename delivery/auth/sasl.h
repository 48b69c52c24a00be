/*
 * One authentication to a host, as the dialogue sees it: lines in, lines out, all base64. sasl_open makes one
 * of our mechanisms, tests of the dialogue have one of their own.
 */
#ifndef DELIVERY_AUTH_SASL_H
#define DELIVERY_AUTH_SASL_H

#include "common/config/config.h"

enum {
	SASL_LINE_MAX = 12288,            /* RFC 4954 4 */
	SASL_ROUNDS_MAX = 10,             /* SCRAM needs 3, Kerberos 4 */
	SASL_ITERATIONS_MAX = 1000 * 1000 /* of SCRAM, about a second: a host can't make us work for longer */
};

struct sasl {
	void *context;
	/* Appends what follows AUTH and a blank: "PLAIN AGEAYg==", or the name alone. MECHANISMS: what the host offers,
	 * words separated by blanks. False with *why: none of it is the one wanted (nothing appended), or we can't
	 * begin with it (its name appended): there is no ticket. */
	bool (*begin)(void *context, struct span mechanisms, struct str *to, const char **why);
	/* The host said 334 CHALLENGE: appends the answer. False: cancel, for the host is wrong or not who it says. */
	bool (*answer)(void *context, struct span challenge, struct str *to, const char **why);
	/* The host said 235. False with *why: it has not proved that it knows us. */
	bool (*finish)(void *context, const char **why);
};

struct gss_client;
struct tls_channel;

/* Who we are. */
struct sasl_user {
	enum config_auth auth; /* not off */
	const char *username;
	const char *password;   /* of all but gssapi */
	struct gss_client *gss; /* of gssapi */
};

/*
 * USER authenticates to a host, once, by the one mechanism that it has. HOST is the name that gssapi asks Kerberos for;
 * scram-sha-256 is bound to the TLS that CHANNEL has when the exchange begins, where the host offers that. All is
 * borrowed until sasl_close. NULL without memory.
 */
const struct sasl *sasl_open(const struct sasl_user *user, const struct tls_channel *channel, const char *host);

/* Wipes what it held. Harmless with NULL. */
void sasl_close(const struct sasl *sasl);

/* The iterations that a SCRAM server asks for in its first message "r=...,s=...,i=4096"; 0 = none, or more than
 * SASL_ITERATIONS_MAX. Pure. */
unsigned sasl_scram_iterations(struct span message);

#endif
