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

static bool is_name(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

static enum fields_line tell(struct span start, size_t at)
{
	if (at > FIELD_NAME_MAX)
		return FIELDS_LINE_TEXT;
	if (at == start.len)
		return FIELDS_LINE_MORE;
	return start.at[at] == ':' ? FIELDS_LINE_FIELD : FIELDS_LINE_TEXT;
}

enum fields_line fields_line(struct span start, struct span *name)
{
	size_t len = 0;
	if (span_starts(start, SPAN("\n")) || span_starts(start, SPAN("\r\n")))
		return FIELDS_LINE_EMPTY;
	if (!start.len || (start.len == 1 && start.at[0] == '\r'))
		return FIELDS_LINE_MORE;
	if (is_blank(start.at[0]))
		return FIELDS_LINE_FOLDED;
	while (len < start.len && is_name(start.at[len]))
		len++;
	*name = (struct span){start.at, len};
	if (!len)
		return FIELDS_LINE_TEXT;
	while (len < start.len && is_blank(start.at[len]))
		len++;
	return tell(start, len);
}

bool fields_mailbox_line(struct span line)
{
	while (line.len && line.at[0] == '>')
		line = span_skip(line, 1);
	return span_starts(line, SPAN("From "));
}

/* Takes one mailbox line off *rest. */
static bool take_mailbox_line(struct span *rest, struct span *line)
{
	struct span name;
	bool whole = span_find(*rest, '\n') < rest->len;
	return whole && fields_line(*rest, &name) == FIELDS_LINE_TEXT && fields_mailbox_line(*rest) &&
	       span_line(rest, line);
}

size_t fields_preamble(struct span text)
{
	struct span line, rest = span_skip(text, span_starts(text, FIELDS_BOM) ? FIELDS_BOM.len : 0);
	for (int i = 0; i < FIELDS_MAILBOX_MAX && take_mailbox_line(&rest, &line); i++)
		continue;
	return text.len - rest.len;
}

void fields_keep_preamble(struct span preamble, struct str *to)
{
	struct span line;
	if (span_starts(preamble, FIELDS_BOM))
		preamble = span_skip(preamble, FIELDS_BOM.len);
	while (take_mailbox_line(&preamble, &line)) {
		str_append(to, FIELDS_MAILBOX);
		str_append(to, line);
		str_append_text(to, "\r\n");
	}
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
	if (fields_line(rest, &out->name) != FIELDS_LINE_FIELD)
		return false;
	span_line(&rest, &line);
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

bool field_find(struct span head, const char *name, struct span *value)
{
	struct field field;
	while (field_next(&head, &field)) {
		*value = field.value;
		if (field_is(&field, name))
			return true;
	}
	return false;
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
		enum fields_line kind = fields_line(line, &name);
		if (kind != FIELDS_LINE_FIELD && (kind != FIELDS_LINE_FOLDED || !*at))
			return true;
		*at = text.len - rest.len;
	}
	return whole;
}
