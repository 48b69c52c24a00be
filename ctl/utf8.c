#include "ctl/utf8.h"

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
