/*
 * JSON that comes from outside, read strictly (libjansson): one object, whose members have different names, and text
 * in it that is printable. Pure.
 */
#ifndef DELIVERY_WEB_OBJECT_H
#define DELIVERY_WEB_OBJECT_H

#include <jansson.h>

#include "common/base/span.h"

/* NULL: TEXT is no such object. Free it with json_decref. */
json_t *object_parse(struct span text);

enum object_got { OBJECT_ABSENT, OBJECT_GOT, OBJECT_BAD };

/*
 * Copies the member NAME to TO, which holds SIZE octets. OBJECT_BAD: it is no string, or empty, or does not fit, or has
 * an octet that is no VSCHAR (RFC 6749 appendix A: printable ASCII with the blank). Other than OBJECT_GOT leaves TO
 * empty.
 */
enum object_got object_text(const json_t *object, const char *name, char *to, size_t size);

/* The same for a token, in which a blank is bad, too. */
enum object_got object_token(const json_t *object, const char *name, char *to, size_t size);

/* A number, or a text that is one (some issuers quote it), of MIN to MAX; fractions are dropped. */
enum object_got object_number(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *to);

#endif
