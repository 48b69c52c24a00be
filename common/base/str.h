/*
 * A growing octet buffer with a fixed limit. An append beyond the limit, or without memory, changes nothing but
 * `failed`, which stays set until str_clear: a writer may append many times and check once.
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdarg.h>

#include "common/base/span.h"

struct str {
	char *at; /* NUL-terminated when not NULL; owned */
	size_t len;
	size_t cap;
	size_t max; /* octets, without the NUL */
	bool failed;
	bool no_memory; /* the reason was memory, not the limit */
};

/* An empty buffer of at most MAX octets; allocates nothing yet. */
void str_init(struct str *s, size_t max);

/* Frees the memory; the buffer is empty and usable again. */
void str_free(struct str *s);

/* The same after overwriting the content, which was a secret. */
void str_wipe(struct str *s);

/* Clears content and failure, keeps the memory. */
void str_clear(struct str *s);

/*
 * Makes room for MORE octets at once: content that is a secret is then not left behind in memory that became too small.
 */
bool str_reserve(struct str *s, size_t more);

bool str_append(struct str *s, struct span text);
bool str_append_c(struct str *s, char octet);
bool str_append_text(struct str *s, const char *text);
bool str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool str_vprintf(struct str *s, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Appends TEXT with every control character, DEL and 8-bit octet as \xNN: for logs, notices and replies. */
bool str_append_clean(struct str *s, struct span text);

/* The content as a span; valid until the next change. */
struct span str_span(const struct str *s);

/* The content as a C string, "" when empty; valid until the next change. */
const char *str_text(const struct str *s);

#endif
