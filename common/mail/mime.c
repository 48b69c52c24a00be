#include "common/mail/mime.h"

#include "common/base/base64.h"

enum {
	WORD_OCTETS = 45,   /* 60 of base64: with =?UTF-8?B? and ?= below the 75 of RFC 2047 2 */
	BASE64_OCTETS = 57, /* a line of 76 */
	QUOTED_COLUMNS = 76
};

/* Octets of the character that begins with C; 0 = invalid. */
static size_t utf8_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* The second octet of overlong forms, surrogates and values beyond Unicode is out of these bounds (RFC 3629 4). */
static bool second_fits(unsigned char first, unsigned char second)
{
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	return second >= low && second <= high;
}

static bool is_character(struct span text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text.at;
	if (!len || text.len < len || (len > 1 && !second_fits(c[0], c[1])))
		return false;
	for (size_t i = 2; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t mime_utf8(struct span text, size_t max)
{
	size_t at = 0;
	while (at < text.len) {
		struct span rest = span_skip(text, at);
		size_t len = utf8_length((unsigned char)rest.at[0]);
		if (!is_character(rest, len) || at + len > max)
			break;
		at += len;
	}
	return at;
}

void mime_append_words(struct str *to, struct span text)
{
	for (bool first = true; text.len; first = false) {
		size_t len = mime_utf8(text, WORD_OCTETS);
		if (!len)
			len = 1; /* invalid UTF-8 */
		str_append_text(to, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		base64_append(to, text.at, len);
		str_append_text(to, "?=");
		text = span_skip(text, len);
	}
}

void mime_append_base64(struct str *to, struct span octets)
{
	while (octets.len) {
		size_t len = octets.len < BASE64_OCTETS ? octets.len : BASE64_OCTETS;
		base64_append(to, octets.at, len);
		str_append_text(to, "\r\n");
		octets = span_skip(octets, len);
	}
}

static void append_quoted_line(struct str *to, struct span line)
{
	size_t column = 0;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.at[i];
		bool blank = (c == ' ' || c == '\t') && i + 1 < line.len;
		bool plain = blank || (c > ' ' && c <= '~' && c != '=');
		size_t width = plain ? 1 : 3;
		if (column + width >= QUOTED_COLUMNS) {
			str_append_text(to, "=\r\n");
			column = 0;
		}
		if (plain)
			str_append_c(to, (char)c);
		else
			str_printf(to, "=%02X", c);
		column += width;
	}
	str_append_text(to, "\r\n");
}

void mime_append_quoted(struct str *to, struct span text)
{
	struct span line;
	while (span_line(&text, &line))
		append_quoted_line(to, line);
}

bool mime_plain(struct span text)
{
	size_t column = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool lonely = c == '\r' && (i + 1 == text.len || text.at[i + 1] != '\n');
		bool bare = c == '\n' && (i == 0 || text.at[i - 1] != '\r');
		column = c == '\n' ? 0 : column + (c != '\r');
		if (c == '\0' || c > '~' || lonely || bare || column > MIME_LINE_MAX)
			return false;
	}
	return true;
}

void mime_append_text(struct str *to, struct span text)
{
	if (mime_plain(text))
		str_append(to, text);
	else
		mime_append_words(to, text);
}
