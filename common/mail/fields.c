#include "common/mail/fields.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* The name in front of the first colon of LINE: printable ASCII, and maybe blanks behind it (RFC 5322 4.5). */
static bool take_name(struct span line, struct span *name)
{
	size_t len = 0;
	while (len < line.len && line.at[len] > ' ' && line.at[len] < 0x7f && line.at[len] != ':')
		len++;
	*name = (struct span){line.at, len};
	while (len < line.len && is_blank(line.at[len]))
		len++;
	return name->len && len < line.len && line.at[len] == ':';
}

static struct span trim(struct span s)
{
	while (s.len && is_space(s.at[s.len - 1]))
		s.len--;
	while (s.len && is_space(s.at[0]))
		s = span_skip(s, 1);
	return s;
}

bool field_next(struct span *head, struct field *out)
{
	struct span rest = *head, line;
	if (!span_line(&rest, &line) || !take_name(line, &out->name))
		return false;
	while (rest.len && is_blank(rest.at[0]))
		span_line(&rest, &line);
	out->whole = (struct span){head->at, head->len - rest.len};
	out->value = trim(span_skip(out->whole, span_find(out->whole, ':') + 1));
	*head = rest;
	return true;
}

const char *fields_fault(struct span text, size_t end)
{
	if (span_starts(text, SPAN("\xFF\xFE")) || span_starts(text, SPAN("\xFE\xFF")))
		return "it is UTF-16: write it as ASCII or UTF-8";
	return end && memchr(text.at, '\0', end) ? "its header has octets of value 0: it is no text" : NULL;
}

bool field_is(const struct field *field, const char *name)
{
	return span_equal_nocase(field->name, span_of(name));
}

bool fields_end(struct span text, bool whole, size_t *at)
{
	struct span name, line, rest = span_skip(text, *at);
	while (rest.len) {
		bool ends = span_find(rest, '\n') < rest.len;
		if (!ends && !whole)
			break;
		*at = text.len - rest.len;
		span_line(&rest, &line);
		bool folded = *at && line.len && is_blank(line.at[0]);
		if (!folded && !take_name(line, &name))
			return true;
		*at = text.len - rest.len;
	}
	return whole;
}
