#include "common/base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_length(struct span text)
{
	unsigned char first = (unsigned char)text.at[0];
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	if (len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)text.at[i] & 0xc0) != 0x80)
			return 0;
	}
	unsigned char second = len > 1 ? (unsigned char)text.at[1] : 0;
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
	    (first == 0xf4 && second > 0x8f))
		return 0;
	return len;
}

static size_t promised(unsigned char first)
{
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}

/* How many octets at the end of TEXT may be an incomplete sequence. */
static size_t torn(struct span text)
{
	for (size_t n = 1; n < UTF8_MAX && n <= text.len; n++) {
		unsigned char octet = (unsigned char)text.at[text.len - n];
		if ((octet & 0xc0) == 0x80)
			continue;
		return promised(octet) > n ? n : 0;
	}
	return 0;
}

void utf8_take(struct utf8_pieces *pieces, struct span piece, void (*write)(void *context, struct span text),
	       void *context)
{
	if (!piece.len && pieces->len)
		write(context, (struct span){pieces->torn, pieces->len});
	if (!piece.len)
		pieces->len = 0;
	while (pieces->len && piece.len) {
		pieces->torn[pieces->len++] = piece.at[0];
		size_t rest = torn((struct span){pieces->torn, pieces->len});
		size_t whole = pieces->len - rest;
		if (whole)
			write(context, (struct span){pieces->torn, whole});
		memmove(pieces->torn, pieces->torn + whole, rest);
		pieces->len = rest;
		piece = span_skip(piece, 1);
	}
	size_t rest = pieces->len ? 0 : torn(piece);
	piece.len -= rest;
	if (piece.len)
		write(context, piece);
	if (rest)
		memcpy(pieces->torn, piece.at + piece.len, rest);
	pieces->len += rest;
}

bool utf8_commands(struct span text)
{
	static const struct span reorder[] = {
		SPAN("\xe2\x80\xaa"), SPAN("\xe2\x80\xab"), SPAN("\xe2\x80\xac"),
		SPAN("\xe2\x80\xad"), SPAN("\xe2\x80\xae"), SPAN("\xe2\x81\xa6"),
		SPAN("\xe2\x81\xa7"), SPAN("\xe2\x81\xa8"), SPAN("\xe2\x81\xa9"),
	};
	if (text.len > 1 && (unsigned char)text.at[0] == 0xc2 && (unsigned char)text.at[1] < 0xa0)
		return true;
	for (size_t i = 0; i < sizeof(reorder) / sizeof(reorder[0]); i++)
		if (span_starts(text, reorder[i]))
			return true;
	return false;
}

/* Ranges of code points, in their order, that take two columns (East Asian Width W and F) or none (combining marks). */
static const struct range {
	uint32_t first, last;
	unsigned columns;
} ranges[] = {
	{0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x20d0, 0x20ff, 0},   {0x2e80, 0x303e, 2},
	{0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},   {0x4e00, 0xa4cf, 2},   {0xa960, 0xa97f, 2},   {0xac00, 0xd7a3, 2},
	{0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
	{0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
};

/* The code point of the valid sequence TEXT. */
static uint32_t code_point(struct span text)
{
	uint32_t code = (unsigned char)text.at[0];
	if (text.len > 1)
		code &= 0x7fU >> text.len;
	for (size_t i = 1; i < text.len; i++)
		code = code << 6 | ((unsigned char)text.at[i] & 0x3f);
	return code;
}

static unsigned columns_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code <= ranges[i].last)
			return code >= ranges[i].first ? ranges[i].columns : 1;
	return 1;
}

size_t utf8_columns(struct span text)
{
	size_t columns = 0;
	while (text.len) {
		size_t len = utf8_length(text);
		columns += len ? columns_of(code_point((struct span){text.at, len})) : 1;
		text = span_skip(text, len ? len : 1);
	}
	return columns;
}

struct span utf8_piece(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		struct span rest = span_skip(text, i), comma = SPAN("、"), stop = SPAN("。");
		if (text.at[i] == ' ')
			return (struct span){text.at, i};
		if (span_starts(rest, comma) || span_starts(rest, stop))
			return (struct span){text.at, i + comma.len};
	}
	return text;
}

size_t utf8_clean(struct span text, char *to, size_t size)
{
	size_t used = 0;
	while (text.len) {
		size_t len = utf8_length(text);
		bool shown = len > 1 && !utf8_commands(text);
		struct span octets = {text.at, shown ? len : 1};
		if (!shown || used + len >= size) {
			size_t more = shown ? 0 : span_clean(octets, to + used, size - used);
			if (!more)
				break;
			used += more;
		} else {
			memcpy(to + used, octets.at, len);
			used += len;
		}
		text = span_skip(text, octets.len);
	}
	to[used] = '\0';
	return used;
}
