/*
 * What DANE asks of one host (RFC 7672), from what DNS says: which names to ask for TLSA records, and which of those
 * records are of use. Pure; the resolver asks.
 *
 *	addresses of the host            asked for next
 *	signed, after an alias           TLSA of the name at its end, then that of the host
 *	signed                           TLSA of the host
 *	unsigned, after an alias         CNAME of the host: signed = TLSA of the host
 *	unsigned                         nothing: the host has no DANE
 *
 *	TLSA                             result
 *	signed, one is of use            match
 *	signed, none is of use           encrypt
 *	none, or unsigned                the next name; none at last
 *	no answer, bogus                 later: who could make a look-up fail must not be able to switch DANE off
 */
#ifndef DELIVERY_RESOLVER_DANE_H
#define DELIVERY_RESOLVER_DANE_H

#include "common/ipc/hosts.h"
#include "common/mail/domain.h"

enum { DANE_QUESTION_MAX = sizeof("_65535._tcp.") + DOMAIN_MAX, DANE_QUESTIONS = 3 /* of one host, at most */ };

enum dane_step { DANE_NOTHING, DANE_ASK_ALIAS, DANE_ASK_EXPANDED, DANE_ASK_HOST, DANE_DECIDED };

struct dane {
	enum dane_step step;
	bool seen, insecure;           /* of its addresses */
	char expanded[DOMAIN_MAX + 1]; /* where its aliases lead; "" = it has none */
	/* The result; where nothing came of a question in time it is HOST_DANE_LATER. */
	enum host_dane result;
	bool by_expanded; /* the records are of that name */
	struct tlsa records[TLSA_MAX];
	size_t count;
};

/* What an answer of DNS was. */
struct dane_answer {
	bool good;            /* there was one: records, or that there are none */
	bool secure;          /* signed, and the signatures check out */
	struct span expanded; /* the name at the end of aliases, if the answer says */
	const struct span *rdata;
	size_t n;
};

/* Notes in TO (DOMAIN_MAX + 1) where the aliases of NAME lead: EXPANDED, which may be empty. */
void dane_name(struct span expanded, const char *name, char *to);

/* One of the two answers (A, AAAA) for the addresses of HOST. */
void dane_address(struct dane *d, const char *host, const struct dane_answer *answer);

/* All addresses have come, or will not. WANTED: we came to the host's name by signed answers. */
void dane_begin(struct dane *d, bool wanted);

/* What is to be asked now, for a connection to PORT; *ALIAS: for CNAME, else for TLSA. False: nothing more. */
bool dane_question(struct dane *d, const char *host, uint16_t port, char to[DANE_QUESTION_MAX], bool *alias);

/* The answer to that. */
void dane_take(struct dane *d, const struct dane_answer *answer);

#endif
