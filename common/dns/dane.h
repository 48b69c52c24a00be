/*
 * What DANE requires of one host (RFC 7672), according to DNS: which names to query for TLSA records, and which of
 *those records are usable. Pure: the resolver sends the queries.
 *
 *	addresses of the host            next query
 *	signed, after an alias           TLSA of the expanded name (where the alias leads), then TLSA of the host
 *	signed                           TLSA of the host
 *	unsigned, after an alias         CNAME of the host: if it is signed, TLSA of the host
 *	unsigned                         none: the host has no DANE
 *
 *	TLSA                             result
 *	signed, one is usable            match
 *	signed, none is usable           encrypt
 *	none, or unsigned                the next name; after the last name: none
 *	no answer, bogus                 later: an attacker that can make look-ups fail must not disable DANE
 */
#ifndef COMMON_DNS_DANE_H
#define COMMON_DNS_DANE_H

#include "common/ipc/hosts.h"
#include "common/mail/domain.h"

enum { DANE_QUESTION_MAX = sizeof("_65535._tcp.") + DOMAIN_MAX, DANE_QUESTIONS = 3 /* at most, for one host */ };

enum dane_step { DANE_NOTHING, DANE_ASK_ALIAS, DANE_ASK_EXPANDED, DANE_ASK_HOST, DANE_DECIDED };

struct dane {
	enum dane_step step;
	bool seen, insecure;           /* addresses were found; an answer with addresses was unsigned */
	char expanded[DOMAIN_MAX + 1]; /* the name that its aliases lead to; "" = it has none */
	/* The result; HOST_DANE_LATER while a query has no answer. */
	enum host_dane result;
	bool by_expanded; /* the records are those of the expanded name */
	struct tlsa records[TLSA_MAX];
	size_t count;
};

/* An answer of DNS. */
struct dane_answer {
	bool good;            /* DNS answered: with records, or that there are none */
	bool secure;          /* signed, and the signatures are valid */
	struct span expanded; /* the name that aliases lead to, if the answer has it */
	const struct span *rdata;
	size_t n;
};

/* Copies EXPANDED to TO (DOMAIN_MAX + 1 octets) if it is a valid name and not NAME. EXPANDED may be empty. */
void dane_name(struct span expanded, const char *name, char *to);

/* Takes one of the two answers (A, AAAA) for the addresses of HOST. */
void dane_address(struct dane *d, const char *host, const struct dane_answer *answer);

/* Call it when no more answers for addresses will come. WANTED: the answers that led to the host's name were signed. */
void dane_begin(struct dane *d, bool wanted);

/* The name of the next query, for a connection to PORT. *alias: query CNAME, otherwise TLSA. False: no more queries. */
bool dane_question(struct dane *d, const char *host, uint16_t port, char to[DANE_QUESTION_MAX], bool *alias);

/* Takes the answer to this query. */
void dane_take(struct dane *d, const struct dane_answer *answer);

#endif
