#include "common/ipc/tlsa.h"

#include <string.h>

static const char hex[] = "0123456789abcdef";

size_t tlsa_len(const struct tlsa *t)
{
	return t->matching == TLSA_SHA512 ? 64 : 32;
}

void tlsa_append(struct str *to, const struct tlsa *t)
{
	if (to->len)
		str_append_c(to, ',');
	str_printf(to, "%d%d%d", (int)t->usage, (int)t->selector, (int)t->matching);
	for (size_t i = 0; i < tlsa_len(t); i++) {
		str_append_c(to, hex[t->digest[i] >> 4]);
		str_append_c(to, hex[t->digest[i] & 15]);
	}
}

/* -1: no digit of ours. */
static int digit(char c)
{
	const char *at = c ? strchr(hex, c) : NULL;
	return at ? (int)(at - hex) : -1;
}

static bool parse(struct span text, struct tlsa *out)
{
	if (text.len < 3 || (text.at[0] != '2' && text.at[0] != '3') || (text.at[1] != '0' && text.at[1] != '1') ||
	    (text.at[2] != '1' && text.at[2] != '2'))
		return false;
	*out = (struct tlsa){.usage = text.at[0] == '2' ? TLSA_AUTHORITY : TLSA_HOST,
			     .selector = text.at[1] == '0' ? TLSA_CERTIFICATE : TLSA_KEY,
			     .matching = text.at[2] == '1' ? TLSA_SHA256 : TLSA_SHA512};
	text = span_skip(text, 3);
	if (text.len != 2 * tlsa_len(out))
		return false;
	for (size_t i = 0; i < tlsa_len(out); i++) {
		int high = digit(text.at[2 * i]), low = digit(text.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out->digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int tlsa_next(struct span *list, struct tlsa *out)
{
	struct span rest = *list;
	if (!rest.len)
		return 0;
	bool more = span_find(rest, ',') < rest.len;
	struct span text = span_take(&rest, ',');
	if (!parse(text, out) || (more && !rest.len))
		return -1;
	*list = rest;
	return 1;
}
