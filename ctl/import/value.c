#include "ctl/import/value.h"

#include <stdio.h>
#include <string.h>

const struct value_flag value_auth_flags[] = {{"AuthAnonymous", 1}, {"AuthBasic", 2},     {"AuthNTLM", 4},
					      {"AuthMD5", 16},      {"AuthPassport", 64}, {NULL, 0}};

const struct value_flag value_ssl_flags[] = {
	{"AccessSSL", 8},          {"AccessSSLNegotiateCert", 32}, {"AccessSSLRequireCert", 64},
	{"AccessSSLMapCert", 128}, {"AccessSSL128", 256},          {NULL, 0}};

const struct value_flag value_log_flags[] = {{"LogExtFileDate", 1 << 0},
					     {"LogExtFileTime", 1 << 1},
					     {"LogExtFileClientIp", 1 << 2},
					     {"LogExtFileUserName", 1 << 3},
					     {"LogExtFileSiteName", 1 << 4},
					     {"LogExtFileComputerName", 1 << 5},
					     {"LogExtFileServerIp", 1 << 6},
					     {"LogExtFileMethod", 1 << 7},
					     {"LogExtFileUriStem", 1 << 8},
					     {"LogExtFileUriQuery", 1 << 9},
					     {"LogExtFileHttpStatus", 1 << 10},
					     {"LogExtFileWin32Status", 1 << 11},
					     {"LogExtFileBytesSent", 1 << 12},
					     {"LogExtFileBytesRecv", 1 << 13},
					     {"LogExtFileTimeTaken", 1 << 14},
					     {"LogExtFileServerPort", 1 << 15},
					     {"LogExtFileUserAgent", 1 << 16},
					     {"LogExtFileCookie", 1 << 17},
					     {"LogExtFileReferer", 1 << 18},
					     {"LogExtFileProtocolVersion", 1 << 19},
					     {"LogExtFileHost", 1 << 20},
					     {"LogExtFileHttpSubStatus", 1 << 21},
					     {NULL, 0}};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool starts_hex(struct span text)
{
	return span_starts_nocase(text, SPAN("0x"));
}

static bool hex_number(struct span digits, uint32_t *out)
{
	uint32_t value = 0;
	if (!digits.len || digits.len > 8)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		int digit = hex_digit(digits.at[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*out = value;
	return true;
}

static bool number(struct span text, uint32_t *out)
{
	uint64_t value;
	if (starts_hex(text))
		return hex_number(span_skip(text, 2), out);
	bool negative = span_starts(text, SPAN("-"));
	if (!span_to_u64(span_skip(text, negative), negative ? UINT32_C(1) << 31 : UINT32_MAX, &value))
		return false;
	*out = negative ? (uint32_t)-value : (uint32_t)value;
	return true;
}

bool value_number(const char *text, uint32_t *out)
{
	return number(span_trim(span_of(text)), out);
}

static bool flag(struct span word, const struct value_flag *table, uint32_t *out)
{
	uint32_t bits;
	for (; table->word; table++) {
		if (span_equal_nocase(word, span_of(table->word))) {
			*out |= table->bit;
			return true;
		}
	}
	if (!number(word, &bits))
		return false;
	*out |= bits;
	return true;
}

bool value_flags(const char *text, const struct value_flag *table, uint32_t *out, char *unknown, size_t size)
{
	struct span rest = span_of(text);
	*out = 0;
	while (rest.len) {
		struct span word = span_trim(span_take(&rest, '|'));
		if (word.len && !flag(word, table, out)) {
			span_clean(word, unknown, size);
			return false;
		}
	}
	return true;
}

bool value_yesno(const char *text, bool *out)
{
	struct span word = span_trim(span_of(text));
	uint32_t bits;
	*out = span_equal_nocase(word, SPAN("TRUE"));
	if (*out || span_equal_nocase(word, SPAN("FALSE")))
		return true;
	if (!number(word, &bits))
		return false;
	*out = bits != 0;
	return true;
}

static bool separates(char c, const char *more)
{
	return c && (strchr(" \t\r\n", c) || strchr(more, c));
}

bool value_entry(struct span *rest, const char *more, struct span *entry)
{
	size_t len = 0;
	while (rest->len && separates(rest->at[0], more))
		*rest = span_skip(*rest, 1);
	while (len < rest->len && !separates(rest->at[len], more))
		len++;
	*entry = (struct span){rest->at, len};
	*rest = span_skip(*rest, len);
	return len > 0;
}

bool value_binary(const char *text, struct str *to)
{
	struct span digits = span_trim(span_of(text));
	if (starts_hex(digits))
		digits = span_skip(digits, 2);
	for (size_t i = 0; i + 1 < digits.len; i += 2) {
		int high = hex_digit(digits.at[i]), low = hex_digit(digits.at[i + 1]);
		if (high < 0 || low < 0 || !str_append_c(to, (char)(high << 4 | low)))
			return false;
	}
	return digits.len % 2 == 0;
}
