#include "common/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64, CLEAN_CHUNK = 64 };

void str_init(struct str *s, size_t max)
{
	*s = (struct str){.max = max};
}

void str_free(struct str *s)
{
	free(s->at);
	str_init(s, s->max);
}

void str_wipe(struct str *s)
{
	if (s->at)
		explicit_bzero(s->at, s->cap);
	str_free(s);
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->failed = s->no_memory = false;
	if (s->at)
		s->at[0] = '\0';
}

bool str_reserve(struct str *s, size_t more)
{
	if (s->failed || more > s->max || s->len > s->max - more) {
		s->failed = true;
		return false;
	}
	size_t need = s->len + more + 1;
	if (need <= s->cap)
		return true;
	size_t cap = s->cap ? s->cap : FIRST_CAP;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	char *at = realloc(s->at, cap);
	if (!at) {
		s->failed = s->no_memory = true;
		return false;
	}
	s->at = at;
	s->at[s->len] = '\0';
	s->cap = cap;
	return true;
}

bool str_append(struct str *s, struct span text)
{
	if (!str_reserve(s, text.len))
		return false;
	if (text.len)
		memcpy(s->at + s->len, text.at, text.len);
	s->len += text.len;
	s->at[s->len] = '\0';
	return true;
}

bool str_append_c(struct str *s, char octet)
{
	return str_append(s, (struct span){&octet, 1});
}

bool str_append_text(struct str *s, const char *text)
{
	return str_append(s, span_of(text));
}

bool str_printf(struct str *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool ok = str_vprintf(s, format, args);
	va_end(args);
	return ok;
}

bool str_vprintf(struct str *s, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	bool ok = len >= 0 && str_reserve(s, (size_t)len);
	if (ok) {
		vsnprintf(s->at + s->len, (size_t)len + 1, format, again);
		s->len += (size_t)len;
	} else {
		s->failed = true;
	}
	va_end(again);
	return ok;
}

bool str_append_clean(struct str *s, struct span text)
{
	size_t before = s->len;
	while (text.len) {
		char clean[4 * CLEAN_CHUNK + 1];
		struct span piece = {text.at, text.len < CLEAN_CHUNK ? text.len : CLEAN_CHUNK};
		struct span cleaned = {clean, span_clean(piece, clean, sizeof(clean))};
		if (!str_append(s, cleaned)) {
			s->len = before;
			if (s->at)
				s->at[before] = '\0';
			return false;
		}
		text = span_skip(text, piece.len);
	}
	return !s->failed;
}

struct span str_span(const struct str *s)
{
	return (struct span){s->at, s->len};
}

const char *str_text(const struct str *s)
{
	return s->at ? s->at : "";
}
