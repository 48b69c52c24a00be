/*
 * Mail that waits until a host requests it: with ETRN (RFC 1985), or with ATRN (RFC 2645) over a connection whose roles
 * are exchanged. These are the rules that smtpd and queue share. Pure.
 */
#ifndef COMMON_CONFIG_ETRN_H
#define COMMON_CONFIG_ETRN_H

#include "common/config/config.h"

enum {
	ETRN_DOMAINS_MAX = 32, /* domains in one ATRN; RFC 2645 expects only a few */
	ETRN_LIST_MAX = 2000,  /* octets of the list of domains; a command line has no more */
	ETRN_ANSWER_MS = 5000  /* how long smtpd waits for the answer of the queue */
};

/* The answer of the queue to a request. */
enum etrn_event {
	ETRN_BEGUN,     /* waiting mail is sent now; the count of messages, if it is known */
	ETRN_NOTHING,   /* nothing waits */
	ETRN_UNDER_WAY, /* the waiting mail is already being sent */
	ETRN_LATER,     /* not possible now */
	ETRN_REFUSED,   /* this mail does not wait for the host that requests it */
	ETRN_NEEDS_TLS, /* not without TLS */
	ETRN_EVENT_COUNT
};

/* The argument of ETRN. */
struct etrn_node {
	struct span domain; /* points into the text */
	bool below;         /* "@": the domain and all domains below it */
};
enum etrn_syntax { ETRN_NODE, ETRN_QUEUE_NAME /* "#name" */, ETRN_MALFORMED };

enum etrn_syntax etrn_parse(struct span text, struct etrn_node *out);

/* The remote domain with etrn yes that has DOMAIN; NULL = mail for DOMAIN does not wait. */
const struct config_remote_domain *etrn_find(const struct config_server *server, struct span domain);

/* True if its mail may be requested with ETRN. With atrn_accounts and without a route it can only be fetched with ATRN,
 * because the address of the host is unknown. */
bool etrn_may_ask(const struct config_remote_domain *remote);

/* True if NODE matches a domain whose mail may be requested with ETRN. */
bool etrn_covers(const struct config_server *server, const struct etrn_node *node);

/* True if NODE matches DOMAIN. */
bool etrn_means(const struct etrn_node *node, struct span domain);

/* True if USER may fetch the mail with ATRN. */
bool etrn_may_fetch(const struct config_remote_domain *remote, struct span user);

/* True if there is a domain for which ETRN, or ATRN, is possible. */
bool etrn_offered(const struct config_server *server);
bool etrn_fetch_offered(const struct config_server *server);

/* Takes the next domain of LIST, "a.test,b.test" with or without spaces. 1, 0 at the end, -1 if it is not a domain. */
int etrn_next(struct span *list, struct span *domain);

#endif
