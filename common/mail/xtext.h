/* xtext (RFC 3461 4): text in a command that may hold any octet. Pure. */
#ifndef COMMON_MAIL_XTEXT_H
#define COMMON_MAIL_XTEXT_H

#include "common/base/span.h"

/* Whether TEXT has at least one octet, and only graphic characters but + and =, or + and two upper case hex digits. */
bool xtext_valid(struct span text);

/* Decodes valid TEXT to TO, of at least text.len + 1 octets (it may be TEXT itself), with a NUL. Returns the length. */
size_t xtext_decode(struct span text, char *to);

#endif
