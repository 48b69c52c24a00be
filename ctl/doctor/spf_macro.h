/* Macros in the domains of SPF records (RFC 7208 7). Pure. */
#ifndef CTL_DOCTOR_SPF_MACRO_H
#define CTL_DOCTOR_SPF_MACRO_H

#include "common/base/str.h"
#include "common/mail/cidr.h"

enum { SPF_NAME_MAX = 253 }; /* octets of a name that is asked for */

struct spf_macros {
	struct ipaddr ip;
	struct span sender; /* local part, '@', domain */
	struct span domain; /* of the record */
	struct span helo;
};

/* Whether TEXT has the syntax of a domain-spec. */
bool spf_macro_valid(struct span text);

/* Writes TEXT with its macros replaced to TO (SPF_NAME_MAX + 1); too many labels are cut on the left. TEXT is valid.
 * False: the result is no name that can be asked for. */
bool spf_macro_expand(struct span text, const struct spf_macros *macros, char *to);

#endif
