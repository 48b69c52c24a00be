#include "smtpd/milter/milter_wire.h"

#include <string.h>

static uint32_t read_u32(const char *at)
{
	const unsigned char *octets = (const unsigned char *)at;
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static void write_u32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

enum milter_framing milter_unwrap(struct span in, struct milter_packet *out, size_t *taken, uint32_t *length)
{
	*taken = 0;
	if (in.len < 4)
		return MILTER_PARTIAL;
	*length = read_u32(in.at);
	if (!*length || *length > MILTER_LENGTH_MAX)
		return MILTER_BAD_LENGTH;
	if (in.len - 4 < *length)
		return MILTER_PARTIAL;
	*out = (struct milter_packet){in.at[4], {in.at + MILTER_HEAD, *length - 1}};
	*taken = 4 + (size_t)*length;
	return MILTER_WHOLE;
}

size_t milter_wrap(struct str *to, char letter)
{
	size_t at = to->len;
	milter_put_u32(to, 0);
	str_append_c(to, letter);
	return at;
}

void milter_wrap_end(struct str *to, size_t at)
{
	if (!to->failed)
		write_u32(to->at + at, (uint32_t)(to->len - at - 4));
}

void milter_put_string(struct str *to, struct span text)
{
	text.len = span_find(text, '\0');
	str_append(to, text);
	str_append_c(to, '\0');
}

void milter_put_u32(struct str *to, uint32_t value)
{
	char octets[4];
	write_u32(octets, value);
	str_append(to, (struct span){octets, sizeof(octets)});
}

bool milter_get_string(struct span *data, struct span *out)
{
	size_t len = span_find(*data, '\0');
	if (len == data->len)
		return false;
	*out = (struct span){data->at, len};
	*data = span_skip(*data, len + 1);
	return true;
}

bool milter_get_u32(struct span *data, uint32_t *out)
{
	if (data->len < 4)
		return false;
	*out = read_u32(data->at);
	*data = span_skip(*data, 4);
	return true;
}

/* The lists of macros: an unknown stage is ignored, and an empty list is none, as by Postfix. */
static bool parse_lists(struct span data, struct milter_choice *out)
{
	uint32_t stage;
	struct span list;
	while (data.len) {
		if (!milter_get_u32(&data, &stage) || !milter_get_string(&data, &list))
			return false;
		if (stage < MILTER_STAGE_COUNT)
			out->lists[stage] = list.len ? list : (struct span){0};
	}
	return true;
}

bool milter_choice_parse(struct span data, struct milter_choice *out, const char **why)
{
	*out = (struct milter_choice){0};
	*why = "is too short";
	if (!milter_get_u32(&data, &out->version) || !milter_get_u32(&data, &out->actions) ||
	    !milter_get_u32(&data, &out->protocol))
		return false;
	*why = "has a protocol version other than 2 to 6";
	if (out->version < MILTER_VERSION_MIN || out->version > MILTER_VERSION)
		return false;
	*why = "has actions that were not offered";
	if (out->actions & ~(uint32_t)MILTER_ACTIONS)
		return false;
	out->protocol &= MILTER_PROTOCOL; /* others are ignored, as by Postfix: we do none of them */
	*why = "has an incomplete list of macros";
	return parse_lists(data, out);
}

static bool parts_names(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

bool milter_list_next(struct span *list, struct span *name)
{
	size_t len = 0;
	while (list->len && parts_names(list->at[0]))
		*list = span_skip(*list, 1);
	while (len < list->len && !parts_names(list->at[len]))
		len++;
	*name = (struct span){list->at, len};
	*list = span_skip(*list, len);
	return len;
}

static struct span bare_name(struct span name)
{
	bool braces = name.len > 2 && name.at[0] == '{' && name.at[name.len - 1] == '}';
	return braces ? (struct span){name.at + 1, name.len - 2} : name;
}

bool milter_macro_equal(struct span a, struct span b)
{
	return span_equal(bare_name(a), bare_name(b));
}

/* Takes a line off *rest, up to CR LF. False: there is a CR or LF on its own. */
static bool take_line(struct span *rest, struct span *line)
{
	const char *end = rest->len ? memchr(rest->at, '\r', rest->len) : NULL;
	*line = (struct span){rest->at, end ? (size_t)(end - rest->at) : rest->len};
	*rest = span_skip(*rest, line->len);
	if (end && !span_starts(*rest, SPAN("\r\n")))
		return false;
	*rest = span_skip(*rest, 2);
	return true;
}

static bool append_text(struct span text, struct str *to)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c == '%' && ++i == text.len)
			break;
		c = (unsigned char)text.at[i];
		if (c == '\t')
			c = ' ';
		if (c < ' ' || c == 0x7f)
			return false;
		str_append_c(to, c > 0x7f ? '?' : (char)c);
	}
	return true;
}

/* "550-5.7.1 text": the same code in each line, '-' in all but the LAST. */
static bool parse_line(struct span line, bool last, struct milter_reply *out, const char **why)
{
	struct enhanced enhanced = {0};
	uint64_t code;
	struct span text = span_skip(line, 4);
	*why = "has a line that does not begin with a code of 400 to 599";
	if (line.len < 4 || !span_to_u64((struct span){line.at, 3}, 599, &code) || code < 400)
		return false;
	*why = "has lines with different codes";
	if (out->code && out->code != (int)code)
		return false;
	*why = last ? "has no last line" : "has another line after the last one";
	if (line.at[3] != (last ? ' ' : '-'))
		return false;
	*why = "has an enhanced code that does not belong to the code";
	if (enhanced_parse(text, &enhanced, &text) && enhanced.class != code / 100)
		return false;
	*why = "has a line of more than 980 octets";
	if (text.len > MILTER_REPLY_LINE_MAX)
		return false;
	if (!out->code)
		out->enhanced = enhanced;
	else
		str_append_c(&out->text, '\n');
	out->code = (int)code;
	*why = "has a control character";
	return append_text(text, &out->text);
}

bool milter_reply_parse(struct span data, struct milter_reply *out, const char **why)
{
	struct span line;
	int lines = 0;
	out->code = 0;
	out->enhanced = (struct enhanced){0};
	str_clear(&out->text);
	data.len = span_find(data, '\0');
	do {
		*why = "has more than 32 lines";
		if (++lines > MILTER_REPLY_LINES_MAX)
			return false;
		*why = "has a control character";
		if (!take_line(&data, &line) || !parse_line(line, !data.len, out, why))
			return false;
	} while (data.len);
	*why = "finds no memory";
	return !out->text.failed;
}
