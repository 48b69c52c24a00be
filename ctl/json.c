#include "ctl/json.h"

#include <inttypes.h>

#include "common/base/utf8.h"

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
		/* DEL and C0: a terminal must not interpret them. */
		if (octet < 0x20 || octet == 0x7f)
			fprintf(to, "\\u%04x", octet);
		else
			fputc(octet, to);
	}
}

static void write_octets(FILE *to, struct span text)
{
	while (text.len) {
		size_t len = utf8_length(text);
		if (len == 0)
			fputs("\\ufffd", to);
		else if (len == 1)
			write_escaped(to, (unsigned char)text.at[0]);
		else if (len == 2 && utf8_commands(text))
			fprintf(to, "\\u%04x", (unsigned char)text.at[1]); /* C1: U+0080 to U+009F */
		else
			fwrite(text.at, 1, len, to);
		text = span_skip(text, len ? len : 1);
	}
}

static void write_string(FILE *to, struct span text)
{
	fputc('"', to);
	write_octets(to, text);
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

void json_begin_string(struct json *json)
{
	before_value(json);
	fputc('"', json->to);
	json->pieces.len = 0;
}

static void write_piece(void *context, struct span text)
{
	write_octets(context, text);
}

void json_more_string(struct json *json, struct span text)
{
	if (text.len)
		utf8_take(&json->pieces, text, write_piece, json->to);
}

void json_end_string(struct json *json)
{
	utf8_take(&json->pieces, (struct span){0}, write_piece, json->to);
	fputc('"', json->to);
}

void json_number(struct json *json, int64_t value)
{
	before_value(json);
	fprintf(json->to, "%" PRId64, value);
}

void json_key_number(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_number(json, (int64_t)value);
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
	/* JavaScript represents integers up to 2^53 exactly. */
	else if (span_to_u64(text, (1ULL << 53) - 1, &number) && (text.len == 1 || text.at[0] != '0'))
		json_number(json, (int64_t)number);
	else
		json_string(json, text);
}

void json_finish(struct json *json)
{
	fputc('\n', json->to);
}
