#include "common/mail/reply.h"

#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The reply code at the front of LINE, or 0. */
static int parse_code(struct span line)
{
	if (line.len < 3 || !is_digit(line.at[0]) || !is_digit(line.at[1]) || !is_digit(line.at[2]))
		return 0;
	int code = (line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + (line.at[2] - '0');
	return code >= 200 && code <= 599 ? code : 0;
}

static void append_text(struct reply *r, struct span text)
{
	if (r->text_len && text.len && r->text_len < REPLY_TEXT_MAX)
		r->text[r->text_len++] = ' ';
	for (size_t i = 0; i < text.len && r->text_len < REPLY_TEXT_MAX; i++) {
		bool printable = text.at[i] >= ' ' && text.at[i] <= '~';
		r->text[r->text_len++] = printable ? text.at[i] : '?';
	}
	r->text[r->text_len] = '\0';
}

static bool is_full(const struct reply *r)
{
	return r->lines + r->strange >= REPLY_LINES_MAX;
}

bool reply_add_line(struct reply *r, struct span line)
{
	int code = parse_code(line);
	if (!code || line.len > REPLY_LINE_MAX || r->complete || is_full(r))
		return false;
	char separator = line.len > 3 ? line.at[3] : ' ';
	if (separator != ' ' && separator != '-')
		return false;

	struct enhanced enhanced;
	struct span text = span_skip(line, 4);
	struct span rest;
	if (enhanced_parse(text, &enhanced, &rest) && enhanced.class == code / 100) {
		r->enhanced = enhanced;
		text = rest;
	}
	if (r->enhanced.class != code / 100)
		r->enhanced = (struct enhanced){0};
	r->code = code;
	r->lines++;
	r->complete = separator == ' ';
	append_text(r, text);
	return true;
}

bool reply_add_strange(struct reply *r, struct span line)
{
	if (r->complete || is_full(r))
		return false;
	r->strange++;
	append_text(r, line);
	return true;
}

bool reply_says(struct span text, const char *words)
{
	struct span wanted = span_of(words);
	while (text.len && !span_starts_nocase(text, wanted))
		text = span_skip(text, 1);
	return text.len > 0 || !wanted.len;
}

bool reply_begun(const struct reply *r)
{
	return r->lines || r->strange;
}

/* Takes one to three digits without a leading zero off *text. */
static bool take_number(struct span *text, uint16_t *out)
{
	unsigned value = 0;
	size_t len = 0;
	while (len < text->len && len < 4 && is_digit(text->at[len]))
		value = value * 10 + (unsigned)(text->at[len++] - '0');
	if (len == 0 || len > 3 || (len > 1 && text->at[0] == '0'))
		return false;
	*text = span_skip(*text, len);
	*out = (uint16_t)value;
	return true;
}

static bool take_dot(struct span *text)
{
	bool dot = text->len && text->at[0] == '.';
	*text = span_skip(*text, dot);
	return dot;
}

bool enhanced_parse(struct span text, struct enhanced *out, struct span *rest)
{
	uint16_t class;
	uint16_t subject;
	uint16_t detail;
	if (!take_number(&text, &class) || (class != 2 && class != 4 && class != 5))
		return false;
	if (!take_dot(&text) || !take_number(&text, &subject) || !take_dot(&text) || !take_number(&text, &detail))
		return false;
	if (text.len && text.at[0] != ' ')
		return false;
	*out = (struct enhanced){(uint8_t) class, subject, detail};
	*rest = span_skip(text, 1);
	return true;
}

void enhanced_format(struct enhanced e, char *to)
{
	to[0] = '\0';
	if (e.class)
		snprintf(to, ENHANCED_TEXT_MAX, "%u.%u.%u", e.class % 10U, e.subject % 1000U, e.detail % 1000U);
}
