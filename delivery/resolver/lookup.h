/*
 * From DNS answers to the ordered hosts of a next hop, or to the reason why there are none (RFC 5321 5.1, RFC 7505),
 * and what DANE asks of each (dane.h). Pure: the resolver asks and passes the answers on.
 *
 *	answer                          result
 *	MX records                      their hosts by preference, addresses of each
 *	one MX record "."               never 5.1.10: the domain takes no mail
 *	no MX record                    the name itself is the host
 *	NXDOMAIN                        never 5.1.2
 *	SERVFAIL, time-out, nonsense    later 4.4.3
 *	bogus (DNSSEC)                  later 4.7.5
 *	a host that is we ourselves     it, its equals and what is less preferred are left out; never 5.4.6 when
 *	                                no host is left
 *	a private address               left out, unless private_ok; never 5.4.4 when nothing else is left
 *	addresses of no host            later 4.4.3 (4.7.5) when a look-up failed, else never 5.4.4 (5.1.2: the only
 *	                                host does not exist)
 */
#ifndef DELIVERY_RESOLVER_LOOKUP_H
#define DELIVERY_RESOLVER_LOOKUP_H

#include "common/ipc/hosts.h"
#include "delivery/resolver/dane.h"
#include "delivery/resolver/mx.h"
#include "delivery/resolver/self.h"

enum {
	LOOKUP_HOSTS_MAX = 16,    /* of which we look up addresses: the most preferred ones */
	LOOKUP_ADDRESSES_MAX = 8, /* of one host */
	LOOKUP_LIST_MAX = 16384,  /* octets of the list of hosts: bound of `resolved` */
	LOOKUP_TEXT_MAX = 512,    /* of the reason, and its bound in `resolved` */
	LOOKUP_TTL_MAX_S = 86400,
	LOOKUP_DOUBT_S = 60 /* what was found holds no longer when something had no answer */
};

enum lookup_event { LOOKUP_FOUND, LOOKUP_LATER, LOOKUP_NEVER };

enum { LOOKUP_NOERROR = 0, LOOKUP_NXDOMAIN = 3, LOOKUP_NO_ANSWER = -1, LOOKUP_BOGUS = -2 };

struct lookup_answer {
	int rcode; /* LOOKUP_NO_ANSWER: none in time; LOOKUP_BOGUS: its signatures do not check out, WHY */
	bool secure;
	struct span why;
	struct span expanded; /* the name at the end of aliases, if there are any */
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
	uint64_t seed;           /* for the order among equals */
	const struct self *self; /* NULL = nobody is */
	bool nothing_else;       /* the name itself is the host: there is no MX, or none was asked for */
	bool no_mx;              /* one was asked for */
	bool private_ok;         /* addresses of private networks will do */
	bool secure;             /* how we came to the names of the hosts is signed */
	bool failed;             /* a look-up of addresses had no answer */
	bool bogus;              /* ... or one that is not believed */
	bool refused;            /* an address was left out for being private */
	bool missing;            /* the name does not exist at all */
	struct mx_list hosts;
	char expanded[DOMAIN_MAX + 1]; /* where the domain's aliases lead; "" = it has none */
	struct lookup_addresses addresses[LOOKUP_HOSTS_MAX];
	struct dane dane[LOOKUP_HOSTS_MAX];
	uint32_t ttl_s;
	/* The result. */
	enum lookup_event event;
	const char *enhanced;
	char text[LOOKUP_TEXT_MAX];
};

/* False, and decided, when NAME is no domain name. */
bool lookup_begin(struct lookup *l, struct span name, uint16_t port, uint64_t seed);

/* The answer for MX. True: addresses of lookup_host_count hosts are to be asked for; false: decided. */
bool lookup_mx(struct lookup *l, const struct lookup_answer *answer);

/* No MX is asked for: the name itself is the host. */
void lookup_plain(struct lookup *l);

size_t lookup_host_count(const struct lookup *l);
const char *lookup_host(const struct lookup *l, size_t host);

/* An answer for A or AAAA of HOST: rdata of 4 or 16 octets. */
void lookup_address(struct lookup *l, size_t host, const struct lookup_answer *answer);

/*
 * After both answers for the addresses of HOST: what to ask for DANE's sake, once after the other until it is false.
 * lookup_dane takes the answer.
 */
bool lookup_question(struct lookup *l, size_t host, char to[DANE_QUESTION_MAX], bool *alias);
void lookup_dane(struct lookup *l, size_t host, const struct lookup_answer *answer);

/* All answers are there, or time is over (FAILED): decides, and appends the hosts (hosts.h) when there are any. */
void lookup_finish(struct lookup *l, bool failed, struct str *hosts);

#endif
