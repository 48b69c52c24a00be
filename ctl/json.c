#include "ctl/json.h"

#include <inttypes.h>

void json_init(struct json *json, FILE *to)
{
	*json = (struct json){.to = to};
}

static void before_value(struct json *json)
{
	if (!json->after_key && json->filled[json->depth])
		fputc(',', json->to);
	json->filled[json->depth] = true;
	json->after_key = false;
}

static void open_level(struct json *json, char bracket)
{
	before_value(json);
	fputc(bracket, json->to);
	if (json->depth + 1 < JSON_DEPTH_MAX)
		json->depth++;
	json->filled[json->depth] = false;
}

static void close_level(struct json *json, char bracket)
{
	if (json->depth)
		json->depth--;
	fputc(bracket, json->to);
}

/* Octets of the UTF-8 sequence at the start of TEXT, 0 = none: no overlong form, no surrogate, nothing above 10FFFF. */
static size_t utf8_length(struct span text)
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

static void write_escaped(FILE *to, unsigned char octet)
{
	switch (octet) {
	case '"':
	case '\\':
		fprintf(to, "\\%c", octet);
		break;
	case '\n':
		fputs("\\n", to);
		break;
	case '\r':
		fputs("\\r", to);
		break;
	case '\t':
		fputs("\\t", to);
		break;
	default:
		/* DEL and C0: a terminal that shows the text must not act on it. */
		if (octet < 0x20 || octet == 0x7f)
			fprintf(to, "\\u%04x", octet);
		else
			fputc(octet, to);
	}
}

static void write_string(FILE *to, struct span text)
{
	fputc('"', to);
	while (text.len) {
		size_t len = utf8_length(text);
		if (len == 0)
			fputs("\\ufffd", to);
		else if (len == 1)
			write_escaped(to, (unsigned char)text.at[0]);
		else
			fwrite(text.at, 1, len, to);
		text = span_skip(text, len ? len : 1);
	}
	fputc('"', to);
}

void json_key(struct json *json, const char *key)
{
	before_value(json);
	write_string(json->to, span_of(key));
	fputc(':', json->to);
	json->after_key = true;
}

void json_object(struct json *json)
{
	open_level(json, '{');
}

void json_array(struct json *json)
{
	open_level(json, '[');
}

void json_end_object(struct json *json)
{
	close_level(json, '}');
}

void json_end_array(struct json *json)
{
	close_level(json, ']');
}

void json_string(struct json *json, struct span text)
{
	before_value(json);
	write_string(json->to, text);
}

void json_number(struct json *json, int64_t value)
{
	before_value(json);
	fprintf(json->to, "%" PRId64, value);
}

void json_bool(struct json *json, bool value)
{
	before_value(json);
	fputs(value ? "true" : "false", json->to);
}

void json_null(struct json *json)
{
	before_value(json);
	fputs("null", json->to);
}

void json_cell(struct json *json, struct span text)
{
	uint64_t number;

	if (!text.len)
		json_null(json);
	/* JavaScript keeps whole numbers up to 2^53. */
	else if (span_to_u64(text, (1ULL << 53) - 1, &number) && (text.len == 1 || text.at[0] != '0'))
		json_number(json, (int64_t)number);
	else
		json_string(json, text);
}

void json_finish(struct json *json)
{
	fputc('\n', json->to);
}
