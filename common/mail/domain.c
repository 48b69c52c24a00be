#include "common/mail/domain.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/language.h"

static bool is_label_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static const char *label_fault(struct span label)
{
	if (label.len == 0)
		return N_("the domain has two dots in a row, or one at an end");
	for (size_t i = 0; i < label.len; i++) {
		if (label.at[i] & '\x80')
			return N_("the domain has an 8-bit character: an international domain is written as xn--...");
		if (!is_label_octet(label.at[i]))
			return N_("the domain has a character that is no letter, digit, '-' or '_'");
	}
	if (label.at[0] == '-' || label.at[label.len - 1] == '-')
		return N_("a label of the domain begins or ends with '-'");
	return label.len > DOMAIN_LABEL_MAX ? N_("a label of the domain is longer than 63 characters") : NULL;
}

static bool label_valid(struct span label)
{
	return !label_fault(label);
}

const char *domain_fault(struct span name)
{
	if (name.len == 0)
		return N_("the domain is missing");
	if (name.len > DOMAIN_MAX)
		return N_("the domain is longer than 255 characters");
	if (name.at[name.len - 1] == '.')
		return label_fault((struct span){name.at, 0});
	for (const char *why; name.len;)
		if ((why = label_fault(span_take(&name, '.'))))
			return why;
	return NULL;
}

bool domain_valid(struct span name)
{
	return !domain_fault(name);
}

bool domain_literal(struct span name, struct ipaddr *ip)
{
	if (name.len < 2 || name.at[0] != '[' || name.at[name.len - 1] != ']')
		return false;
	struct span inside = {name.at + 1, name.len - 2};
	bool v6 = span_starts_nocase(inside, SPAN("IPv6:"));
	if (v6)
		inside = span_skip(inside, 5);
	return v6 == (span_find(inside, ':') < inside.len) && ipaddr_parse(inside, ip);
}

bool domain_is_literal(struct span name)
{
	struct ipaddr ip;
	return domain_literal(name, &ip);
}

/* Takes the next character off *text; strict UTF-8 (RFC 3629): shortest form, no surrogates. */
static bool take_utf8(struct span *text, uint32_t *out)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text->at[0];
	size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
	if (len == 0 || len > text->len)
		return false;
	uint32_t c = len == 1 ? first : first & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		unsigned char next = (unsigned char)text->at[i];
		if (next >> 6 != 2)
			return false;
		c = c << 6 | (next & 0x3f);
	}
	if (c < smallest[len] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return false;
	*text = span_skip(*text, len);
	*out = c;
	return true;
}

/* Ranges that no domain may have (RFC 5892), as far as they are likely to occur: the registries check the rest. */
static bool is_refused(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{0x80, 0xb6},        {0xb8, 0xde},
		{0xf7, 0xf7}, /* controls, signs and capitals of Latin-1 */
		{0x300, 0x36f},      {0x386, 0x38f},
		{0x391, 0x3ab},      {0x400, 0x42f}, /* not composed; capitals of Greek and Cyrillic */
		{0x2000, 0x2bff},    {0x3000, 0x3004},
		{0x3008, 0x3020}, /* punctuation, symbols, Roman numerals */
		{0xe000, 0xfaff},    {0xfb00, 0xfb4f},
		{0xfe00, 0xffff}, /* private, compatibility and full-width forms */
		{0xe0000, 0x10ffff},
	};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* RFC 3492 section 5, section 6.1. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;
	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void append_number(struct str *to, uint32_t number, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (number < t)
			break;
		str_append_c(to, digits[t + (number - t) % (BASE - t)]);
		number = (number - t) / (BASE - t);
	}
	str_append_c(to, digits[number]);
}

static uint32_t smallest_from(const uint32_t *points, size_t count, uint32_t from)
{
	uint32_t smallest = UINT32_MAX;
	for (size_t i = 0; i < count; i++)
		if (points[i] >= from && points[i] < smallest)
			smallest = points[i];
	return smallest;
}

/* RFC 3492 section 6.3. At most 63 points below 2^21: nothing here passes 32 bits. */
static void append_punycode(struct str *to, const uint32_t *points, uint32_t count)
{
	uint32_t done = 0;
	for (size_t i = 0; i < count; i++)
		if (points[i] < INITIAL_N && str_append_c(to, (char)points[i]))
			done++;
	uint32_t basic = done;
	if (basic)
		str_append_c(to, '-');

	uint32_t n = INITIAL_N;
	uint32_t delta = 0;
	uint32_t bias = INITIAL_BIAS;
	while (done < count && !to->failed) {
		uint32_t next = smallest_from(points, count, n);
		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < count; i++) {
			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			append_number(to, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
}

/* Decodes a label to its characters; false with *why when it is invalid in a domain. */
static bool decode_label(struct span label, uint32_t *points, uint32_t *count, const char **why)
{
	for (*count = 0; label.len; (*count)++) {
		uint32_t c;
		*why = N_("a label is longer than 63 characters");
		if (*count == DOMAIN_LABEL_MAX)
			return false;
		*why = N_("this is no valid UTF-8");
		if (!take_utf8(&label, &c))
			return false;
		*why = N_("a domain has only letters (small ones, in composed form), digits, '-' and '_'");
		if (c < 0x80 ? !is_label_octet((char)c) : is_refused(c))
			return false;
		points[*count] = c < 0x80 ? (unsigned char)ascii_lower((char)c) : c;
	}
	return true;
}

static bool append_label(struct span label, struct str *to, const char **why)
{
	uint32_t points[DOMAIN_LABEL_MAX];
	uint32_t count;
	size_t before = to->len;
	if (!decode_label(label, points, &count, why))
		return false;
	bool ascii = true;
	for (size_t i = 0; i < count; i++)
		ascii = ascii && points[i] < 0x80;
	if (ascii) {
		for (size_t i = 0; i < count; i++)
			str_append_c(to, (char)points[i]);
	} else {
		str_append_text(to, "xn--");
		append_punycode(to, points, count);
	}
	*why = N_("a label has 1 to 63 characters (an international one after its encoding) and no '-' at its ends");
	bool hyphen = count && (points[0] == '-' || points[count - 1] == '-');
	return !hyphen && label_valid(span_skip(str_span(to), before));
}

static bool append_ascii(struct span name, struct str *to, const char **why)
{
	size_t start = to->len;
	*why = N_("the domain name is empty");
	if (name.len == 0)
		return false;
	*why = N_("a domain name is written without the dot at its end");
	if (name.at[name.len - 1] == '.')
		return false;
	while (name.len) {
		if (to->len > start)
			str_append_c(to, '.');
		if (!append_label(span_take(&name, '.'), to, why))
			return false;
	}
	*why = N_("a domain name has at most 255 characters");
	return !to->failed && to->len - start <= DOMAIN_MAX;
}

bool domain_to_ascii(struct span name, struct str *to, const char **why)
{
	size_t start = to->len;
	if (append_ascii(name, to, why))
		return true;
	to->len = start;
	if (to->at)
		to->at[start] = '\0';
	return false;
}

static bool is_wildcard(struct span pattern)
{
	return span_starts(pattern, SPAN("*."));
}

bool domain_pattern_valid(struct span pattern, const char **why)
{
	if (span_equal(pattern, SPAN("*")))
		return true;
	*why = N_("write *.example.com for every name below example.com");
	if (span_starts(pattern, SPAN(".")))
		return false;
	*why = N_("'*' is permitted alone or as the whole first label, as in *.example.com");
	if (span_find(span_skip(pattern, 1), '*') + 1 < pattern.len ||
	    (span_starts(pattern, SPAN("*")) && !is_wildcard(pattern)))
		return false;
	*why = N_("this is no domain name");
	return domain_valid(is_wildcard(pattern) ? span_skip(pattern, 2) : pattern);
}

bool domain_pattern_match(struct span pattern, struct span name)
{
	if (span_equal(pattern, SPAN("*")))
		return true;
	if (!is_wildcard(pattern))
		return span_equal_nocase(pattern, name);
	struct span suffix = span_skip(pattern, 1);
	return name.len > suffix.len && span_ends_nocase(name, suffix);
}

size_t domain_pattern_weight(struct span pattern)
{
	if (span_equal(pattern, SPAN("*")))
		return 0;
	return is_wildcard(pattern) ? pattern.len : DOMAIN_MAX + 1 + pattern.len;
}
