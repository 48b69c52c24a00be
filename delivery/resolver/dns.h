/*
 * libunbound as the resolver uses it: a context with the name servers of the configuration and, for DNSSEC, with the
 * keys of the root. Files are read here, before the jail; nothing is afterwards.
 */
#ifndef DELIVERY_RESOLVER_DNS_H
#define DELIVERY_RESOLVER_DNS_H

#include <unbound.h>

#include "common/net/nameserver.h"
#include "delivery/resolver/lookup.h"

enum { DNS_ANSWER_MAX = 256 }; /* records of one answer that we look at */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_AAAA = 28, DNS_DNSKEY = 48, DNS_TLSA = 52 };

struct dns_settings {
	const struct config_endpoints *servers; /* none: those of /etc/resolv.conf */
	enum config_tristate dnssec;
	const char *trust_anchor;
};

/* Dies with a reason when libunbound can't be set up. To be freed by ub_ctx_delete. */
struct ub_ctx *dns_context(const struct dns_settings *settings);

/* Signatures are to be checked, and there are keys to begin with. */
bool dns_checks(const struct dns_settings *settings);

/* The servers that will be asked: those of SETTINGS, else of /etc/resolv.conf; none = the DNS from the root on. */
void dns_servers(const struct dns_settings *settings, struct nameservers *out);

/* Every one of them has a private address: what they say of private addresses is theirs to say. Pure. */
bool dns_is_private(const struct nameservers *servers);

/* Asks for TYPE of NAME; false when it can't be asked. */
bool dns_ask(struct ub_ctx *context, const char *name, enum dns_type type, void *data, ub_callback_type callback,
	     int *async_id);

/* What libunbound found; RDATA holds DNS_ANSWER_MAX and leads into RESULT, as OUT does. */
void dns_answer(int err, const struct ub_result *result, struct span *rdata, struct lookup_answer *out);

#endif
