/* Canonical forms of DKIM by a second, simple implementation: for a whole text in memory. */
#ifndef T_FUZZ_DKIM_PLAIN_H
#define T_FUZZ_DKIM_PLAIN_H

#include <string.h>

#include "common/base/str.h"
#include "common/dkim/canon.h"
#include "t/fuzz/must.h"

/* Appends LINE; relaxed with each run of white space as one blank, and none at its end. */
static inline void plain_line(enum dkim_canon how, struct span line, struct str *to)
{
	while (how == DKIM_RELAXED && line.len && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
		line.len--;
	for (size_t i = 0; i < line.len; i++) {
		bool blank = how == DKIM_RELAXED && (line.at[i] == ' ' || line.at[i] == '\t');
		if (blank && (line.at[i + 1] == ' ' || line.at[i + 1] == '\t'))
			continue;
		str_append_c(to, blank ? ' ' : line.at[i]);
	}
}

/* Appends the form of BODY. */
static inline void plain_body(enum dkim_canon how, struct span body, struct str *to)
{
	size_t start = to->len;
	while (body.len) {
		const char *end = memmem(body.at, body.len, "\r\n", 2);
		struct span line = {body.at, end ? (size_t)(end - body.at) : body.len};
		plain_line(how, line, to);
		str_append_text(to, "\r\n");
		body = span_skip(body, line.len + 2);
	}
	while (to->len - start >= 4 && memcmp(to->at + to->len - 4, "\r\n\r\n", 4) == 0)
		to->len -= 2;
	bool empty = to->len - start == 2;
	if (empty)
		to->len = start;
	if (how == DKIM_SIMPLE && to->len == start)
		str_append_text(to, "\r\n");
	MUST(!to->failed);
}

/* Appends the form of FIELD, which has a colon, without the last CRLF. */
static inline void plain_field(enum dkim_canon how, struct span field, struct str *to)
{
	struct str line;
	str_init(&line, field.len);
	if (span_ends_nocase(field, SPAN("\r\n")))
		field.len -= 2;
	for (size_t i = 0; i < field.len; i++) {
		bool end = how == DKIM_RELAXED && span_starts(span_skip(field, i), SPAN("\r\n"));
		if (end)
			str_append_c(&line, ' ');
		else
			str_append_c(&line, field.at[i]);
		i += end;
	}
	struct span value = str_span(&line), name = {value.at, span_find(value, ':')};
	if (how == DKIM_SIMPLE) {
		str_append(to, value);
		str_free(&line);
		return;
	}
	value = span_trim(span_skip(value, name.len + 1));
	name = span_trim(name);
	for (size_t i = 0; i < name.len; i++)
		str_append_c(to, (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + 32 : name.at[i]));
	str_append_c(to, ':');
	plain_line(how, value, to);
	str_free(&line);
	MUST(!to->failed);
}

/* A dkim_canon_sink. */
static inline void plain_put(void *to, struct span text)
{
	MUST(text.len && str_append(to, text));
}

#endif
