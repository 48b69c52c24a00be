#include "common/base/span.h"

#include <string.h>

#include "common/base/ascii.h"

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t';
}

static bool same_octets(const char *a, const char *b, size_t len)
{
	return len == 0 || memcmp(a, b, len) == 0;
}

static bool same_octets_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

struct span span_of(const char *text)
{
	return (struct span){text, text ? strlen(text) : 0};
}

bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && same_octets(a.at, b.at, a.len);
}

bool span_equal_nocase(struct span a, struct span b)
{
	return a.len == b.len && same_octets_nocase(a.at, b.at, a.len);
}

bool span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len && same_octets(s.at, prefix.at, prefix.len);
}

bool span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len && same_octets_nocase(s.at, prefix.at, prefix.len);
}

bool span_ends_nocase(struct span s, struct span suffix)
{
	return s.len >= suffix.len && span_equal_nocase(span_skip(s, s.len - suffix.len), suffix);
}

size_t span_find(struct span s, char octet)
{
	const char *found = s.len ? memchr(s.at, octet, s.len) : NULL;
	return found ? (size_t)(found - s.at) : s.len;
}

bool span_eight_bit(struct span s)
{
	uint64_t seen = 0, word;
	size_t i = 0;
	for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.at + i, sizeof(word));
		seen |= word;
	}
	for (; i < s.len; i++)
		seen |= (unsigned char)s.at[i];
	return (seen & 0x8080808080808080) != 0;
}

struct span span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct span){n ? s.at + n : s.at, s.len - n};
}

struct span span_trim(struct span s)
{
	while (s.len && is_blank(s.at[0]))
		s = span_skip(s, 1);
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

struct span span_take(struct span *s, char separator)
{
	struct span taken = {s->at, span_find(*s, separator)};
	*s = span_skip(*s, taken.len + 1);
	return taken;
}

struct span span_take_word(struct span *s)
{
	size_t blank = span_find(*s, ' '), tab = span_find((struct span){s->at, blank}, '\t');
	return span_take(s, tab < blank ? '\t' : ' ');
}

bool span_line(struct span *s, struct span *line)
{
	if (s->len == 0)
		return false;
	bool ended = span_find(*s, '\n') < s->len;
	*line = span_take(s, '\n');
	if (ended && line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool span_to_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.at[i] - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool span_copy(struct span s, char *to, size_t size)
{
	if (size == 0)
		return false;
	to[0] = '\0';
	if (s.len >= size || span_find(s, '\0') < s.len)
		return false;
	if (s.len)
		memcpy(to, s.at, s.len);
	to[s.len] = '\0';
	return true;
}

size_t span_clean(struct span s, char *to, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		bool plain = c >= ' ' && c < 0x7f;
		if (len + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			to[len++] = (char)c;
			continue;
		}
		to[len++] = '\\';
		to[len++] = 'x';
		to[len++] = hex[c >> 4];
		to[len++] = hex[c & 15];
	}
	if (size)
		to[len] = '\0';
	return len;
}

size_t span_quotable(struct span s, char *to, size_t size)
{
	size_t len = span_clean(s, to, size);
	for (size_t i = 0; i < len; i++)
		if (to[i] == '"')
			to[i] = '\'';
	return len;
}
