/*
 * DNS lists of addresses (RFC 5782): the name to ask for, the answers, and which of them are a listing. Pure.
 *
 *	127.0.0.0/8 but the next two    the list has the address; the octets say why
 *	127.255.255.0/24                the list refuses the name server that asks: it belongs to a large provider, or
 *	                                asks too often
 *	127.0.0.1, all other addresses  no answer of a list: a name server invented it, or the list has ended
 */
#ifndef COMMON_MAIL_DNSBL_H
#define COMMON_MAIL_DNSBL_H

#include "common/base/str.h"
#include "common/mail/cidr.h"
#include "common/mail/domain.h"

enum {
	DNSBL_LISTS_MAX = 32,    /* asked about one address */
	DNSBL_ZONE_MAX = 190,    /* octets: with an IPv6 address before it, the name fits into DNS */
	DNSBL_RECORDS_MAX = 8,   /* used of one answer */
	DNSBL_TEXT_MAX = 200,    /* octets used of the text of a list */
	DNSBL_WAIT_MS = 5000,    /* for all answers about one address */
	DNSBL_ZONES_MAX = 6144,  /* octets of the names of all lists, as in `listed_of` */
	DNSBL_ANSWERS_MAX = 4400 /* octets of all answers, as in `listed` */
};

enum dnsbl_sense { DNSBL_LISTING, DNSBL_REFUSAL, DNSBL_INVENTION };

/* The answer of one list about an address. */
struct dnsbl_answer {
	bool answered; /* false: none in time; otherwise no record means that the address is not listed */
	size_t n;
	unsigned char at[DNSBL_RECORDS_MAX][4];
};

/* The name to ask ZONE for: "1.2.0.192.zen.example". False, and TO empty, if it is too long. */
bool dnsbl_name(const struct ipaddr *ip, struct span zone, char to[DOMAIN_MAX + 1]);

enum dnsbl_sense dnsbl_sense(const unsigned char octets[4]);

/* That of the whole answer: one record that is no listing spoils the others. LISTING also if there is no record. */
enum dnsbl_sense dnsbl_answer_sense(const struct dnsbl_answer *answer);

/* Adds a record of type A; one that is none, or too many, is left out. */
void dnsbl_answer_add(struct dnsbl_answer *answer, struct span rdata);

/* Answers as text: "127.0.0.2,127.0.0.4 - ?", where "-" means not listed, and "?" no answer. */
void dnsbl_answer_append(const struct dnsbl_answer *answer, struct str *to);

/* Parses exactly N of them; a text that dnsbl_answer_append did not write is false. */
bool dnsbl_answers_parse(struct span text, struct dnsbl_answer *out, size_t n);

/*
 * The key of the customer in ZONE, a first label of 16 octets or more as in KEY.zen.dq.spamhaus.net; otherwise empty.
 * No log and no reply may show it. dnsbl_shown replaces it.
 */
struct span dnsbl_key(struct span zone);
void dnsbl_shown(struct span zone, char to[DOMAIN_MAX + 1]);

/* The text of a TXT record of ZONE, printable, cut to DNSBL_TEXT_MAX; empty if it has the key. */
void dnsbl_text(struct span rdata, struct span zone, char to[DNSBL_TEXT_MAX + 1]);

#endif
