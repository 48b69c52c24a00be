/*
 * Detects a gateway (NAT, proxy, container bridge) that hides the clients: nearly all sessions come from one address,
 * but their names in HELO differ. Where that address may relay, every host behind it may relay; and the limits of
 * `client` hold for all of them together. Workers count in shared memory, each in a slot of its own; a worker that was
 * taken over may write anything there, and the worst result is a wrong warning, or none.
 */
#ifndef SMTPD_POLICY_GATEWAY_H
#define SMTPD_POLICY_GATEWAY_H

#include "common/config/config.h"

struct gateway;

enum {
	GATEWAY_SESSIONS_MIN = 100, /* before there is a warning */
	GATEWAY_PERCENT = 90,       /* of the sessions come from one address */
	GATEWAY_NAMES_MIN = 8       /* different names in HELO */
};

struct gateway *gateway_new(size_t slots); /* NULL with errno */
void gateway_free(struct gateway *g);      /* NULL is fine */

/* Worker: counts a session of CLIENT that said HELO in its own SLOT. */
void gateway_count(struct gateway *g, size_t slot, const struct ipaddr *client, struct span helo);

/* Parent: appends the warning, if one is due, with the lines that let the gateway relay, or limit it. */
void gateway_warn(const struct gateway *g, const struct config_server *server, struct str *to);

#endif
