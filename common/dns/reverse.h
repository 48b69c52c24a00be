/*
 * The confirmed name of a client: a PTR record of its address has the name, and the name resolves to the address (A or
 * AAAA). Pure: the resolver sends the queries and passes the answers on. Of several such names the first in
 *alphabetical order is used, because the order of records changes from one answer to the next.
 *
 *	no PTR record, NXDOMAIN       unconfirmed: the address has no name
 *	SERVFAIL, time-out            unconfirmed: no answer in time
 *	no name resolves to it        unconfirmed: NAME does not resolve to the address
 */
#ifndef COMMON_DNS_REVERSE_H
#define COMMON_DNS_REVERSE_H

#include "common/dns/lookup.h"
#include "common/mail/cidr.h"

enum {
	REVERSE_NAMES_MAX = 4,  /* used of one address; an address should have one */
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

/* The name that has the PTR records of CLIENT. TO has room for REVERSE_ZONE_MAX octets. */
void reverse_zone(const struct ipaddr *client, char *to);

/* Takes the answer for PTR. False: there are no names whose addresses to query. */
bool reverse_ptr(struct reverse *r, const struct lookup_answer *answer);

/* Takes the answer for the addresses of names[I]: A if the client's address is IPv4, otherwise AAAA. */
void reverse_address(struct reverse *r, size_t i, const struct lookup_answer *answer);

/* Decides by the answers so far. IN_TIME: all answers have come. */
void reverse_finish(struct reverse *r, bool in_time);

#endif
