/* The record of a key as an administrator copies it. Pure. */
#ifndef CTL_DKIM_PUBLISH_H
#define CTL_DKIM_PUBLISH_H

#include "common/base/str.h"

enum { PUBLISH_STRING_MAX = 255 /* octets of one string of a TXT record */ };

/*
 * Appends the record TEXT of SELECTOR._domainkey.DOMAIN as a zone file has it: TEXT, which has neither quotation marks
 * nor backslashes, in strings of at most PUBLISH_STRING_MAX octets, each on its own line.
 */
void publish_zone(const char *selector, const char *domain, struct span text, struct str *to);

#endif
