/*
 * Makes the ordered list of hosts of a next hop from DNS answers, or the reason why there are none (RFC 5321 5.1, RFC
 * 7505), and what DANE requires of each host (dane.h). Pure: the resolver sends the queries and passes the answers on.
 *
 *	answer                          result
 *	MX records                      their hosts by preference, with the addresses of each
 *	only the MX record "."          never 5.1.10: the domain does not accept mail (null MX)
 *	no MX record                    the name itself is the host
 *	NXDOMAIN                        never 5.1.2
 *	SERVFAIL, time-out, others      later 4.4.3
 *	bogus (DNSSEC)                  later 4.7.5
 *	a host that is this server      it and all hosts of the same or a lower preference are omitted; never 5.4.6 if
 *	                                no host is left
 *	a private address               omitted, unless private_ok; never 5.4.4 if no other address is left
 *	no host has an address          later 4.4.3 (4.7.5 if bogus) if a look-up failed, otherwise never 5.4.4 (5.1.2
 *if the only host does not exist)
 */
#ifndef COMMON_DNS_LOOKUP_H
#define COMMON_DNS_LOOKUP_H

#include "common/dns/dane.h"
#include "common/dns/mx.h"
#include "common/dns/self.h"
#include "common/ipc/hosts.h"

enum {
	LOOKUP_HOSTS_MAX = 16,    /* the most preferred hosts, whose addresses are looked up */
	LOOKUP_ADDRESSES_MAX = 8, /* used of one host */
	LOOKUP_LIST_MAX = 16384,  /* octets of the list of hosts, as in `resolved` */
	LOOKUP_TEXT_MAX = 512,    /* octets of the reason, as in `resolved` */
	LOOKUP_TTL_MAX_S = 86400,
	LOOKUP_DOUBT_S = 60 /* the longest TTL of a result if a query had no answer */
};

enum lookup_event { LOOKUP_FOUND, LOOKUP_LATER, LOOKUP_NEVER };

enum { LOOKUP_NOERROR = 0, LOOKUP_NXDOMAIN = 3, LOOKUP_NO_ANSWER = -1, LOOKUP_BOGUS = -2 };

struct lookup_answer {
	int rcode; /* LOOKUP_NO_ANSWER: none in time; LOOKUP_BOGUS: its signatures are not valid, `why` has the reason
		    */
	bool secure;
	struct span why;
	struct span expanded; /* the name that aliases lead to, if there are any */
	uint32_t ttl_s;
	const struct span *rdata;
	size_t n;
};

struct lookup_addresses {
	struct ipaddr at[LOOKUP_ADDRESSES_MAX];
	size_t n;
};

struct lookup {
	char name[DOMAIN_MAX + 1];
	uint16_t port;
	uint64_t seed;           /* for the order of hosts of the same preference */
	const struct self *self; /* NULL = no host is this server */
	bool name_is_host;       /* the name itself is the host: MX was not queried, or there is none */
	bool no_mx;              /* MX was queried, and there is none */
	bool private_ok;         /* addresses of private networks are accepted */
	bool secure;             /* the answers that led to the names of the hosts were signed */
	bool failed;             /* a look-up of addresses had no answer */
	bool bogus;              /* ... or a bogus one */
	bool private;            /* a private address was omitted */
	bool missing;            /* the name does not exist */
	struct mx_list hosts;
	char expanded[DOMAIN_MAX + 1]; /* the name that the domain's aliases lead to; "" = it has none */
	struct lookup_addresses addresses[LOOKUP_HOSTS_MAX];
	struct dane dane[LOOKUP_HOSTS_MAX];
	uint32_t ttl_s;
	/* The result. */
	enum lookup_event event;
	const char *enhanced;
	char text[LOOKUP_TEXT_MAX];
};

/* False, and decided, if NAME is not a domain name. */
bool lookup_begin(struct lookup *l, struct span name, uint16_t port, uint64_t seed);

/* Takes the answer for MX. True: query the addresses of lookup_host_count hosts next. False: decided. */
bool lookup_mx(struct lookup *l, const struct lookup_answer *answer);

/* MX is not queried: the name itself is the host. */
void lookup_plain(struct lookup *l);

size_t lookup_host_count(const struct lookup *l);
const char *lookup_host(const struct lookup *l, size_t host);

/* Takes an answer for A or AAAA of HOST: rdata of 4 or 16 octets. */
void lookup_address(struct lookup *l, size_t host, const struct lookup_answer *answer);

/*
 * After both answers for the addresses of HOST: the next query for DANE (dane_question). lookup_dane takes the answer.
 * Call them in turn until lookup_question returns false.
 */
bool lookup_question(struct lookup *l, size_t host, char to[DANE_QUESTION_MAX], bool *alias);
void lookup_dane(struct lookup *l, size_t host, const struct lookup_answer *answer);

/* Decides when all answers have come, or at the deadline (FAILED). Appends the hosts (hosts.h) if there are any. */
void lookup_finish(struct lookup *l, bool failed, struct str *hosts);

#endif
