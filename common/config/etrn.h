/*
 * Mail that waits until it is asked for: with ETRN (RFC 1985), or with ATRN (RFC 2645) over a connection that is turned
 * round. What smtpd and queue must agree upon. Pure.
 */
#ifndef COMMON_CONFIG_ETRN_H
#define COMMON_CONFIG_ETRN_H

#include "common/config/config.h"

enum {
	ETRN_DOMAINS_MAX = 32, /* of one ATRN: RFC 2645 has a handful in mind */
	ETRN_LIST_MAX = 2000,  /* octets of them; a command line has no more */
	ETRN_ANSWER_MS = 5000  /* how long smtpd waits for the queue's answer */
};

/* What the queue says to a request. */
enum etrn_event {
	ETRN_BEGUN,     /* as much as waits goes out; the count says how much, if it is known */
	ETRN_NOTHING,   /* nothing waits */
	ETRN_UNDER_WAY, /* what waited is on its way already */
	ETRN_LATER,     /* not now */
	ETRN_REFUSED,   /* this mail does not wait for him who asks */
	ETRN_NEEDS_TLS, /* not over a connection in clear */
	ETRN_EVENT_COUNT
};

/* The argument of ETRN. */
struct etrn_node {
	struct span domain; /* in the text */
	bool below;         /* "@": the domain, and all below it */
};
enum etrn_syntax { ETRN_NODE, ETRN_QUEUE_NAME /* "#name" */, ETRN_MALFORMED };

enum etrn_syntax etrn_parse(struct span text, struct etrn_node *out);

/* The rule by which mail for DOMAIN waits; NULL = it does not. */
const struct config_remote_domain *etrn_find(const struct config_server *server, struct span domain);

/* Its mail may be asked for with ETRN. With atrn_accounts and without a route of its own it can only be fetched: the
 * host's address is not known. */
bool etrn_may_ask(const struct config_remote_domain *remote);

/* NODE stands for some domain that may be asked for. */
bool etrn_covers(const struct config_server *server, const struct etrn_node *node);

/* NODE stands for DOMAIN. */
bool etrn_means(const struct etrn_node *node, struct span domain);

/* The mail may be fetched by USER. */
bool etrn_may_fetch(const struct config_remote_domain *remote, struct span user);

/* There is a domain for which ETRN, or ATRN, may be said. */
bool etrn_offered(const struct config_server *server);
bool etrn_fetch_offered(const struct config_server *server);

/* Takes the next domain of LIST, "a.test,b.test" with or without blanks: 1, or 0 at the end, or -1 when it is none. */
int etrn_next(struct span *list, struct span *domain);

#endif
