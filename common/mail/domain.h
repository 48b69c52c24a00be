/* Domain names and the pattern language of the configuration (mailroot.conf(5), "Values"). Pure. */
#ifndef COMMON_MAIL_DOMAIN_H
#define COMMON_MAIL_DOMAIN_H

#include "common/base/str.h"
#include "common/mail/cidr.h"

enum { DOMAIN_MAX = 255, DOMAIN_LABEL_MAX = 63 };

/* Letters, digits, '-' and '_' in labels of 1 to 63, whole name at most 255, no leading or trailing '-' of a label, no
 * final dot. */
bool domain_valid(struct span name);

/* The same: NULL when NAME is valid, else what is wrong with it, as a phrase. */
const char *domain_fault(struct span name);

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
bool domain_is_literal(struct span name);

/* The address in it. False, and *ip as before, when NAME is no literal. */
bool domain_literal(struct span name, struct ipaddr *ip);

/*
 * Appends NAME to TO in lower case with every UTF-8 label as its A-label (RFC 3492 punycode). NAME must be lower case
 * and in composed form already where it is not ASCII: no mapping is done. *why says what is wrong; TO is then as
 * before.
 */
bool domain_to_ascii(struct span name, struct str *to, const char **why);

/* What a pattern may be: "example.com" (only it), "*.example.com" (below it, not itself), "*" (everything). */
bool domain_pattern_valid(struct span pattern, const char **why);
bool domain_pattern_match(struct span pattern, struct span name);

/* How specific a pattern is: longer patterns and exact names are larger; "*" is 0. For "exact, then longest". */
size_t domain_pattern_weight(struct span pattern);

#endif
