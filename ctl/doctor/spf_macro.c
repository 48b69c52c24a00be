#include "ctl/doctor/spf_macro.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"

enum { EXPANDED_MAX = 2048, PARTS_MAX = 128, LABEL_MAX = 63, REVERSED_MAX = 80 };

static const char letters[] = "sloditpvh"; /* c, r and t are for explanations; t and p are replaced by "unknown" */
static const char delimiters[] = ".-+,/_=";

/* A macro: "%{d2r-}". */
struct macro {
	char letter;   /* as written: an upper-case one wants URL escapes */
	uint64_t keep; /* parts on the right; 0 = all */
	bool reversed;
	struct span delimiters; /* empty = "." */
};

/* Takes a macro, or one of "%%", "%_", "%-", off the front of *text. The letter of those is what they mean. */
static bool take_macro(struct span *text, struct macro *out)
{
	struct span s = *text;
	*out = (struct macro){.letter = 0};
	if (s.len < 2 || s.at[1] != '{') {
		if (s.len < 2 || !strchr("%_-", s.at[1]))
			return false;
		out->letter = s.at[1];
		*text = span_skip(s, 2);
		return true;
	}
	size_t end = span_find(s, '}'), at = 3, digits = 0;
	if (end == s.len || end < 3 || !strchr(letters, ascii_lower(s.at[2])))
		return false;
	out->letter = s.at[2];
	while (at + digits < end && s.at[at + digits] >= '0' && s.at[at + digits] <= '9')
		digits++;
	if (digits && (!span_to_u64((struct span){s.at + at, digits}, UINT32_MAX, &out->keep) || !out->keep))
		return false;
	at += digits;
	out->reversed = at < end && ascii_lower(s.at[at]) == 'r';
	at += out->reversed;
	out->delimiters = (struct span){s.at + at, end - at};
	*text = span_skip(s, end + 1);
	for (size_t i = 0; i < out->delimiters.len; i++)
		if (!strchr(delimiters, out->delimiters.at[i]))
			return false;
	return true;
}

static bool all_digits(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return true;
}

bool spf_macro_valid(struct span text)
{
	struct span rest = text;
	struct macro macro;
	while (rest.len) {
		bool is_macro = rest.at[0] == '%';
		if (is_macro ? !take_macro(&rest, &macro) : rest.at[0] <= ' ' || rest.at[0] > '~')
			return false;
		if (!is_macro)
			rest = span_skip(rest, 1);
	}
	/* It ends with a macro, or with a dot and a label that is no number. */
	if (text.len && text.at[text.len - 1] == '}')
		return true;
	if (text.len && text.at[text.len - 1] == '.')
		text.len--;
	const char *dot = text.len ? memrchr(text.at, '.', text.len) : NULL;
	struct span top = dot ? span_skip(text, (size_t)(dot - text.at) + 1) : (struct span){NULL, 0};
	return top.len && !all_digits(top) && top.at[0] != '-' && top.at[top.len - 1] != '-' &&
	       !memchr(top.at, '%', top.len);
}

/* "192.0.2.1", or the nibbles of an IPv6 address with dots. */
static struct span write_ip(const struct ipaddr *ip, char to[REVERSED_MAX])
{
	if (ipaddr_is_v4(ip)) {
		ipaddr_format(ip, to);
		return span_of(to);
	}
	for (size_t i = 0; i < 2 * sizeof(ip->octets); i++)
		snprintf(to + 2 * i, 3, "%x.", i % 2 ? ip->octets[i / 2] & 15 : ip->octets[i / 2] >> 4);
	return (struct span){to, 4 * sizeof(ip->octets) - 1};
}

static struct span value_of(char letter, const struct spf_macros *m, char to[REVERSED_MAX])
{
	struct span domain = m->sender, local = span_take(&domain, '@');
	switch (letter) {
	case 's':
		return m->sender;
	case 'l':
		return local;
	case 'o':
		return domain;
	case 'd':
		return m->domain;
	case 'i':
		return write_ip(&m->ip, to);
	case 'v':
		return ipaddr_is_v4(&m->ip) ? SPAN("in-addr") : SPAN("ip6");
	case 'h':
		return m->helo;
	default:
		return SPAN("unknown");
	}
}

static size_t split(struct span value, struct span at, struct span parts[PARTS_MAX])
{
	size_t n = 0, begin = 0;
	for (size_t i = 0; i <= value.len && n < PARTS_MAX; i++) {
		if (i < value.len && !memchr(at.at, value.at[i], at.len))
			continue;
		parts[n++] = (struct span){value.at + begin, i - begin};
		begin = i + 1;
	}
	return n;
}

static void append_escaped(struct span text, struct str *to)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (isalnum(c) || strchr("-._~", c))
			str_append_c(to, (char)c);
		else
			str_printf(to, "%%%02X", c);
	}
}

static void append_macro(const struct macro *macro, const struct spf_macros *m, struct str *to)
{
	char ip[REVERSED_MAX];
	struct span parts[PARTS_MAX];
	char letter = ascii_lower(macro->letter);
	struct span value = value_of(letter, m, ip);
	size_t n = split(value, macro->delimiters.len ? macro->delimiters : SPAN("."), parts);
	size_t kept = macro->keep && macro->keep < n ? (size_t)macro->keep : n;
	for (size_t i = n - kept; i < n; i++) {
		struct span part = parts[macro->reversed ? n - 1 - i : i];
		if (i > n - kept)
			str_append_c(to, '.');
		if (letter != macro->letter)
			append_escaped(part, to);
		else
			str_append(to, part);
	}
}

static void append_piece(struct span *text, const struct spf_macros *m, struct str *to)
{
	struct macro macro;
	if (text->at[0] != '%' || !take_macro(text, &macro)) {
		str_append_c(to, text->at[0]);
		*text = span_skip(*text, 1);
	} else if (macro.letter == '%') {
		str_append_c(to, '%');
	} else if (macro.letter == '_') {
		str_append_c(to, ' ');
	} else if (macro.letter == '-') {
		str_append_text(to, "%20");
	} else {
		append_macro(&macro, m, to);
	}
}

static bool can_be_asked(struct span name)
{
	struct span rest = name;
	while (rest.len) {
		struct span label = span_take(&rest, '.');
		if (!label.len || label.len > LABEL_MAX)
			return false;
	}
	return name.len;
}

bool spf_macro_expand(struct span text, const struct spf_macros *macros, char *to)
{
	struct str expanded;
	str_init(&expanded, EXPANDED_MAX);
	while (text.len)
		append_piece(&text, macros, &expanded);
	struct span name = str_span(&expanded);
	if (name.len && name.at[name.len - 1] == '.')
		name.len--;
	while (name.len > SPF_NAME_MAX)
		span_take(&name, '.');
	bool good = !expanded.failed && can_be_asked(name) && span_copy(name, to, SPF_NAME_MAX + 1);
	str_free(&expanded);
	return good;
}
