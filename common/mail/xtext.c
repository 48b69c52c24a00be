#include "common/mail/xtext.h"

enum { CODED_LEN = 3 /* "+2B" */ };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_valid(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c < '!' || c > '~' || c == '=')
			return false;
		if (c != '+')
			continue;
		if (text.len - i < CODED_LEN || hex_digit(text.at[i + 1]) < 0 || hex_digit(text.at[i + 2]) < 0)
			return false;
		i += CODED_LEN - 1;
	}
	return text.len > 0;
}

size_t xtext_decode(struct span text, char *to)
{
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		bool coded = text.at[i] == '+' && text.len - i >= CODED_LEN;
		to[len++] = coded ? (char)(hex_digit(text.at[i + 1]) * 16 + hex_digit(text.at[i + 2])) : text.at[i];
		i += coded ? CODED_LEN - 1 : 0;
	}
	to[len] = '\0';
	return len;
}
