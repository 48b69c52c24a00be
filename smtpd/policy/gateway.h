/*
 * Notices when nearly all sessions come from one address although they are of many clients, as their names in HELO
 * tell: a gateway (NAT, proxy, container bridge) stands in front and hides them. Where its address may relay, so may
 * everybody behind it. Workers count in shared memory, each in its own place of a fixed size; a worker that was taken
 * over may write there what it likes, and the worst that comes of it is a wrong warning, or none.
 */
#ifndef SMTPD_POLICY_GATEWAY_H
#define SMTPD_POLICY_GATEWAY_H

#include "common/config/config.h"

struct gateway;

enum {
	GATEWAY_SESSIONS_MIN = 100, /* before anything is said */
	GATEWAY_PERCENT = 90,       /* of the sessions, from one address */
	GATEWAY_NAMES_MIN = 8       /* different names in HELO */
};

struct gateway *gateway_new(size_t slots); /* NULL with errno */
void gateway_free(struct gateway *g);      /* NULL is fine */

/* Worker: a session of CLIENT in SLOT, its own, that said HELO. */
void gateway_count(struct gateway *g, size_t slot, const struct ipaddr *client, struct span helo);

/* Parent: appends the warning if there is one to give, with the line that lets the gateway relay. */
void gateway_warn(const struct gateway *g, const struct config_server *server, struct str *to);

#endif
