#include "common/base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_append(struct str *to, const void *data, size_t n)
{
	const unsigned char *at = data;
	bool good = str_reserve(to, (n + 2) / 3 * 4);
	for (; n && good; at += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		unsigned word = (unsigned)at[0] << 16 | (n > 1 ? (unsigned)at[1] << 8 : 0) | (n > 2 ? at[2] : 0U);
		char group[4] = {digits[word >> 18], digits[word >> 12 & 63], digits[word >> 6 & 63],
				 digits[word & 63]};
		if (n < 3)
			group[3] = '=';
		if (n < 2)
			group[2] = '=';
		good = str_append(to, (struct span){group, sizeof(group)});
	}
	return good;
}

/* 0..63, or -1. */
static int value_of(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Decodes the four characters at GROUP to OCTETS octets; false also when unused bits are set. */
static bool decode_group(const char *group, size_t octets, unsigned char out[3])
{
	unsigned word = 0;
	for (size_t i = 0; i < 4; i++) {
		int value = i <= octets ? value_of(group[i]) : 0;
		if (value < 0)
			return false;
		word = word << 6 | (unsigned)value;
	}
	if (word & ((1U << (8 * (3 - octets))) - 1))
		return false;
	for (size_t i = 0; i < 3; i++)
		out[i] = (unsigned char)(word >> (16 - 8 * i));
	return true;
}

bool base64_decode(struct span text, void *to, size_t size, size_t *n)
{
	unsigned char *out = to, octets[3];
	*n = 0;
	if (text.len % 4)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t count = 3;
		if (i + 4 == text.len && text.at[i + 3] == '=')
			count = text.at[i + 2] == '=' ? 1 : 2;
		if (!decode_group(text.at + i, count, octets) || size - *n < count)
			return false;
		for (size_t k = 0; k < count; k++)
			out[(*n)++] = octets[k];
	}
	return true;
}
