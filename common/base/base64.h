/* Base64 of RFC 4648 4, with padding. Pure. */
#ifndef COMMON_BASE_BASE64_H
#define COMMON_BASE_BASE64_H

#include "common/base/str.h"

/* Appends N octets of DATA as text. */
bool base64_append(struct str *to, const void *data, size_t n);

/*
 * Decodes TEXT to TO, which holds SIZE; *n is the length. Accepts only what base64_append writes: no blanks, no missing
 * padding, no stray bits, so that each value has exactly one encoding.
 */
bool base64_decode(struct span text, void *to, size_t size, size_t *n);

#endif
