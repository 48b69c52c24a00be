/*
 * What a receiver finds out by SPF: whether an address may send mail of a domain (RFC 7208, check_host). Pure: the
 * caller answers the questions to DNS. The answers are untrusted.
 */
#ifndef CTL_DOCTOR_SPF_H
#define CTL_DOCTOR_SPF_H

#include "common/dns/dns.h"
#include "ctl/doctor/spf_record.h"

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR };

enum {
	SPF_LOOKUPS_MAX = 10, /* terms that need DNS, over all records */
	SPF_VOIDS_MAX = 2,    /* of their questions without an answer */
	SPF_HOSTS_MAX = 10,   /* of one mx or ptr */
	SPF_TERM_MAX = 100
};

/*
 * Asks for TYPE of NAME, and calls TAKE with the data of each record in wire form, valid during the call. Returns
 * LOOKUP_NOERROR, LOOKUP_NXDOMAIN, or anything else: no answer.
 */
struct spf_dns {
	int (*ask)(void *context, const char *name, enum dns_type type, void (*take)(void *to, struct span rdata),
		   void *to);
	void *context;
};

struct spf_query {
	struct ipaddr ip;
	const char *domain;
	const char *sender; /* local part, '@', domain */
	const char *helo;
};

struct spf_verdict {
	enum spf_result result;
	char term[SPF_TERM_MAX]; /* the term that decided, of which record: "-all of example.com"; "" = none */
	char why[SPF_TERM_MAX + 2 + SPF_WHY_MAX]; /* of SPF_TEMPERROR and SPF_PERMERROR: the name, and what is wrong */
	unsigned lookups;                         /* terms that needed DNS so far */
	bool open;                                /* the term that decided permits every address */
};

void spf_evaluate(const struct spf_dns *dns, const struct spf_query *query, struct spf_verdict *out);

/* "pass", "softfail". */
const char *spf_word(enum spf_result result);

#endif
