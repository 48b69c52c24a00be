/*
 * A borrowed sequence of octets: pointer and length, never owned, not NUL-terminated. Everything here is pure;
 * comparisons ignore ASCII case only where the name says so.
 */
#ifndef COMMON_BASE_SPAN_H
#define COMMON_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *at;
	size_t len;
};

/* For printf("%.*s", SPAN_ARGS(s)). */
#define SPAN_ARGS(s) (int)(s).len, (s).at ? (s).at : ""

/* A span over a string literal. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* A span over a C string; NULL gives the empty span. */
struct span span_of(const char *text);

bool span_equal(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends_nocase(struct span s, struct span suffix);

/* Offset of the first OCTET, or s.len when there is none. */
size_t span_find(struct span s, char octet);

/* Whether it has an octet above 127. */
bool span_eight_bit(struct span s);

/* s without its first N octets (all of them when N is larger). */
struct span span_skip(struct span s, size_t n);

/* s without blanks and tabs at both ends. */
struct span span_trim(struct span s);

/*
 * Takes the text before the first SEPARATOR off the front of *s, and the separator. Without a separator takes all of
 * *s.
 */
struct span span_take(struct span *s, char separator);

/* The same up to the first blank or tab. */
struct span span_take_word(struct span *s);

/* Takes the next line of *s without its LF or CRLF; false at the end. A last line without line end counts. */
bool span_line(struct span *s, struct span *line);

/* Parses decimal digits only, at least one, at most MAX. No sign, no blank, no overflow, nothing behind. */
bool span_to_u64(struct span s, uint64_t max, uint64_t *out);

/* Copies s with a closing NUL to TO of SIZE octets; false (and TO empty) when it does not fit or has a NUL. */
bool span_copy(struct span s, char *to, size_t size);

/*
 * Writes s to TO of SIZE octets, every control character, DEL and 8-bit octet as \xNN, cut to fit (never inside \xNN),
 * with a closing NUL. Returns the length.
 */
size_t span_clean(struct span s, char *to, size_t size);

/* The same with ' for each ", for a value in quotes: untrusted text can't close them. */
size_t span_quotable(struct span s, char *to, size_t size);

#endif
