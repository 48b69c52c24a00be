/*
 * libunbound as the resolver uses it: a context with the name servers of the configuration and, for DNSSEC, with the
 * root keys. dns_context reads all files before the jail; none is read later.
 */
#ifndef COMMON_DNS_DNS_H
#define COMMON_DNS_DNS_H

#include <unbound.h>

#include "common/dns/lookup.h"
#include "common/net/nameserver.h"

enum { DNS_ANSWER_MAX = 256 }; /* records of one answer that are used */

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_DNSKEY = 48,
	DNS_TLSA = 52
};

struct dns_settings {
	const struct config_endpoints *servers; /* empty = those of /etc/resolv.conf */
	enum config_tristate dnssec;
	const char *trust_anchor;
};

/* Ends the process with a message if libunbound can't be set up. The caller frees it with ub_ctx_delete. */
struct ub_ctx *dns_context(const struct dns_settings *settings);

/* True if signatures are validated: DNSSEC is on or auto, and the trust anchor is readable. */
bool dns_checks(const struct dns_settings *settings);

/* The name servers: those of SETTINGS, or of /etc/resolv.conf. None = look-ups start at the DNS root. */
void dns_servers(const struct dns_settings *settings, struct nameservers *out);

/* True if every server has a private address. Then answers with private addresses are trusted. Pure. */
bool dns_is_private(const struct nameservers *servers);

/* Queries TYPE of NAME. False if the query can't be sent; then CALLBACK is not called. */
bool dns_ask(struct ub_ctx *context, const char *name, enum dns_type type, void *data, ub_callback_type callback,
	     int *async_id);

/* Ends the query ASYNC_ID, whose answer nobody waits for any more: it counts as failed. */
void dns_cancel(struct ub_ctx *context, int async_id);

/* Converts a result of libunbound. RDATA has room for DNS_ANSWER_MAX; RDATA and OUT point into RESULT. */
void dns_answer(int err, const struct ub_result *result, struct span *rdata, struct lookup_answer *out);

#endif
