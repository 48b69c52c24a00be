/*
 * The macros of the milter protocol: what filters are told of a session beside the commands, under the names and with
 * the values that Postfix gives. Pure.
 */
#ifndef SMTPD_MILTER_MACROS_H
#define SMTPD_MILTER_MACROS_H

#include "common/config/config.h"
#include "common/mail/address.h"
#include "smtpd/milter/milter.h"
#include "smtpd/policy/policy.h"

/* What is known of a session at a moment. All is borrowed; NULL = there is none, and so no such macro. */
struct macros_facts {
	const struct config_server *config;
	const struct policy_client *client; /* a name that is not confirmed is "unknown" for filters */
	const char *client_text;            /* its address, without "IPv6:" */
	uint16_t client_port;               /* 0 = not known */
	const char *helo;                   /* "" = none given */
	const char *daemon;                 /* the address to which the client has connected */
	uint16_t daemon_port;
	const char *tls_version; /* "TLSv1.3" */
	const char *tls_cipher;
	int tls_bits;
	const char *auth_type; /* "SCRAM-SHA-256", when the client has authenticated */
	const char *id;        /* of the message */
	const struct address *sender, *rcpt;
	struct span refusal; /* of rcpt: the reply to it, without its line end; empty = it is accepted */
};

enum { MACROS_MAX = 32, MACROS_TEXT_MAX = 1024 };

struct macros {
	struct milter_macro list[MACROS_MAX];
	size_t count;
	char text[MACROS_TEXT_MAX]; /* values that are put together */
	size_t used;
};

/* All macros that FACTS have. They point into FACTS and into *m. */
void macros_make(struct macros *m, const struct macros_facts *facts);

#endif
