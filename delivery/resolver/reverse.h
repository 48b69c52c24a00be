/*
 * The name of a client: one that its address has (PTR) and that leads back to the address (A or AAAA). Pure: the
 * resolver asks and passes the answers on. Of several such names the first in the order of the alphabet is taken, so
 * that the order of an answer, which changes from one to the next, decides nothing.
 *
 *	no PTR record, NXDOMAIN       unconfirmed: its address has no name
 *	SERVFAIL, time-out            unconfirmed: no answer in time
 *	names, none leads back        unconfirmed: NAME does not lead back to it
 */
#ifndef DELIVERY_RESOLVER_REVERSE_H
#define DELIVERY_RESOLVER_REVERSE_H

#include "common/mail/cidr.h"
#include "delivery/resolver/lookup.h"

enum {
	REVERSE_NAMES_MAX = 4,  /* of one address that are looked at; an address should have one */
	REVERSE_ZONE_MAX = 80,  /* 32 nibbles with dots, ip6.arpa, NUL */
	REVERSE_WHY_MAX = 160,  /* with NUL */
	REVERSE_SHOWN_MAX = 100 /* octets of a name in why */
};

struct reverse {
	struct ipaddr client;
	char names[REVERSE_NAMES_MAX][DOMAIN_MAX + 1]; /* sorted, in lower case */
	bool confirmed[REVERSE_NAMES_MAX];
	size_t count;
	bool failed; /* a look-up had no answer */
	/* The result. */
	const char *name; /* NULL = unconfirmed */
	char why[REVERSE_WHY_MAX];
};

void reverse_begin(struct reverse *r, const struct ipaddr *client);

/* The name under which the PTR records stand; TO holds REVERSE_ZONE_MAX. */
void reverse_zone(const struct ipaddr *client, char *to);

/* The answer for PTR. False: there is no name to ask for the addresses of. */
bool reverse_ptr(struct reverse *r, const struct lookup_answer *answer);

/* The answer for the addresses of names[I]: A where the client's is IPv4, else AAAA. */
void reverse_address(struct reverse *r, size_t i, const struct lookup_answer *answer);

/* Decides by what has come; IN_TIME: all of it has. */
void reverse_finish(struct reverse *r, bool in_time);

#endif
