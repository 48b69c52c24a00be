/* Base64 of RFC 4648 4, with padding. Pure. */
#ifndef COMMON_BASE_BASE64_H
#define COMMON_BASE_BASE64_H

#include "common/base/str.h"

/* Appends N octets of DATA as text. */
bool base64_append(struct str *to, const void *data, size_t n);

/*
 * The octets of TEXT at TO, which holds SIZE, *n of them. Only what base64_append makes is taken: no blank, no missing
 * padding, no stray bits, so that a text has one meaning and a meaning one text.
 */
bool base64_decode(struct span text, void *to, size_t size, size_t *n);

#endif
