/* Questions to DNS, one at a time, as the resolver of a virtual server would ask them (common/dns/dns.h). */
#ifndef CTL_DOCTOR_ASK_H
#define CTL_DOCTOR_ASK_H

#include "common/dns/dns.h"
#include "common/dns/self.h"

enum { ASK_MS = 6000 /* for one answer */, ASK_ADDRESSES_MAX = 16 };

struct ask {
	struct ub_ctx *context; /* NULL = can't be set up; there is no answer then */
	int64_t until;          /* clock_mono_ms: the end of all questions */
};

struct ask_answer {
	struct lookup_answer answer; /* points into the rest */
	struct span rdata[DNS_ANSWER_MAX];
	struct ub_result *result; /* owned */
	int err;
	bool arrived;
};

/* The name servers and DNSSEC of SERVER. */
struct dns_settings ask_settings(const struct config *config, const struct config_server *server);

/* Closed by the end of the process. UNTIL: clock_mono_ms. */
void ask_open(struct ask *a, const struct config *config, const struct config_server *server, int64_t until);

/* The same without DNSSEC, as the resolver asks questions about clients. */
void ask_open_unsigned(struct ask *a, const struct config *config, const struct config_server *server, int64_t until);

/* Asks for TYPE of NAME and waits. The caller frees *OUT with ask_free. */
void ask_name(struct ask *a, const char *name, enum dns_type type, struct ask_answer *out);
void ask_free(struct ask_answer *out);

/* The addresses of NAME, A and AAAA. The code of the better answer: LOOKUP_NOERROR (n may be 0), LOOKUP_NXDOMAIN, ...
 */
struct ask_addresses {
	struct ipaddr at[ASK_ADDRESSES_MAX];
	size_t n;
	int rcode;
	char alias_of[DOMAIN_MAX + 1]; /* the name that NAME is an alias of; "" = none */
};
void ask_addresses(struct ask *a, const char *name, struct ask_addresses *out);

#endif
