/* Domain names and the pattern language of the configuration (mailroot.conf(5), "Values"). Pure. */
#ifndef COMMON_MAIL_DOMAIN_H
#define COMMON_MAIL_DOMAIN_H

#include "common/base/str.h"
#include "common/mail/cidr.h"

enum { DOMAIN_MAX = 255, DOMAIN_LABEL_MAX = 63 };

/*
 * Whether NAME consists of letters, digits, '-' and '_' in labels of 1 to 63, is at most 255 long, without leading or
 * trailing '-' in a label, without a final dot.
 */
bool domain_valid(struct span name);

/* The same: NULL when NAME is valid, otherwise the fault as a phrase. */
const char *domain_fault(struct span name);

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
bool domain_is_literal(struct span name);

/* The address in it. False, and *ip unchanged, when NAME is no literal. */
bool domain_literal(struct span name, struct ipaddr *ip);

/*
 * Appends NAME to TO in lower case, with every UTF-8 label as its A-label (RFC 3492 punycode). Non-ASCII text must be
 * in lower case and composed form already: no mapping is done. On false *why is the fault, and TO is unchanged.
 */
bool domain_to_ascii(struct span name, struct str *to, const char **why);

/* Whether PATTERN is "example.com" (only it), "*.example.com" (names below it, not itself) or "*" (every name). */
bool domain_pattern_valid(struct span pattern, const char **why);
bool domain_pattern_match(struct span pattern, struct span name);

/*
 * How specific a pattern is: longer patterns and exact names have a larger weight; "*" has 0. For "exact, then
 * longest".
 */
size_t domain_pattern_weight(struct span pattern);

#endif
