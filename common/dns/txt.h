/* TXT records as DNS has them: strings of up to 255 octets. Pure; the record is untrusted. */
#ifndef COMMON_DNS_TXT_H
#define COMMON_DNS_TXT_H

#include "common/base/str.h"

/* Appends the strings of the record RDATA in wire form, joined. False: it is malformed, or longer than TO may be. */
bool txt_join(struct span rdata, struct str *to);

#endif
