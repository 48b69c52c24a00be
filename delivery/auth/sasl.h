/*
 * One authentication to a host, as the dialogue sees it: lines in, lines out, all base64. sasl_open makes one of the
 * real mechanisms; tests of the dialogue have their own.
 */
#ifndef DELIVERY_AUTH_SASL_H
#define DELIVERY_AUTH_SASL_H

#include "common/config/config.h"
#include "delivery/auth/bearer.h"

enum {
	SASL_LINE_MAX = 12288, /* RFC 4954 4 */
	SASL_ROUNDS_MAX = 10   /* SCRAM needs 3, Kerberos 4 */
};

struct sasl {
	void *context;
	/* Appends what follows AUTH and a blank: "PLAIN AGEAYg==", or the name alone. MECHANISMS: the host's offer,
	 * words separated by blanks. False with *why: the offer has not the configured mechanism (nothing is appended),
	 * or the mechanism can't begin, for instance without a ticket (its name is appended). */
	bool (*begin)(void *context, struct span mechanisms, struct str *to, const char **why);
	/* The host sent 334 CHALLENGE: appends the answer. False: cancel, because the challenge is wrong or the host
	 * failed to authenticate itself. */
	bool (*answer)(void *context, struct span challenge, struct str *to, const char **why);
	/* The host sent 235. False with *why: it has not proved that it knows our password. */
	bool (*finish)(void *context, const char **why);
	uint64_t token; /* serial of the access token that `begin` said (tokens.h); 0 = none, but a password or a key */
	char said[BEARER_SAID_MAX + 1]; /* what the host said when it refused that token, beside its reply */
};

struct gss_client;
struct tls_channel;
struct tokens;

/* The user and its credentials. */
struct sasl_user {
	enum config_auth auth; /* not off */
	const char *username;
	const char *password;        /* of all but gssapi, xoauth2 and oauthbearer */
	struct gss_client *gss;      /* of gssapi */
	const struct tokens *tokens; /* of xoauth2 and oauthbearer: the page, and which of its tokens */
	uint64_t identity;
};

/*
 * Makes one authentication of USER by its one mechanism. HOST is the name for which gssapi asks Kerberos; oauthbearer
 * tells HOST and PORT to the host. scram-sha-256 is bound to the TLS that CHANNEL has when the exchange begins, if the
 * host offers that. The access token is read from the page when the exchange begins, and wiped. All is borrowed until
 * sasl_close. NULL: no memory.
 */
const struct sasl *sasl_open(const struct sasl_user *user, const struct tls_channel *channel, const char *host,
			     uint16_t port);

/* Wipes and frees; NULL is permitted. */
void sasl_close(const struct sasl *sasl);

#endif
