#include <string.h>

#include "common/mail/header.h"
#include "t/fuzz/must.h"

static void put(void *context, struct span text)
{
	MUST(text.len && str_append(context, text));
}

static struct header pass(struct span text, size_t step, const struct header_sink *sink)
{
	struct header h = {0};
	for (; text.len; text = span_skip(text, step)) {
		struct span piece = {text.at, text.len < step ? text.len : step};
		if (h.done)
			put(sink->context, piece);
		else
			header_pass(&h, piece, sink);
	}
	header_end(&h, sink);
	return h;
}

/* The parts of the whole text according to fields.h: the preamble as fields, the header section, an empty line
 * before text. */
static void expect_same(struct span text, struct span passed)
{
	struct str want;
	size_t at = fields_preamble(text), end = 0;
	struct span rest = span_skip(text, at);
	MUST(fields_end(rest, true, &end));
	str_init(&want, 1 << 24);
	fields_keep_preamble((struct span){text.at, at}, &want);
	str_append(&want, (struct span){rest.at, end});
	rest = span_skip(rest, end);
	if (rest.len && !span_starts(rest, SPAN("\r\n")))
		str_append_text(&want, "\r\n");
	str_append(&want, rest);
	MUST(span_equal(str_span(&want), passed));
	str_free(&want);
}

/* FROM is the fields From of the message. */
static void expect_from(struct span passed, struct span from)
{
	struct field field;
	while (field_next(&passed, &field)) {
		if (!field_is(&field, "from"))
			continue;
		MUST(span_starts(from, field.whole));
		from = span_skip(from, field.whole.len);
	}
	MUST(!from.len);
}

/* A completed header has all required fields, and is not changed again. */
static void check_completed(struct span passed, const struct header_sink *sink)
{
	struct span rest = passed, value;
	struct field field;
	struct str again;
	MUST(field_find(passed, "from", &value) && field_find(passed, "date", &value) &&
	     field_find(passed, "message-id", &value));
	while (field_next(&rest, &field))
		MUST(!field_is(&field, "bcc") && !field_is(&field, "return-path"));
	MUST(!rest.len || span_starts(rest, SPAN("\r\n")));
	str_init(&again, 1 << 24);
	const struct header_sink to_again = {put, &again, sink->complete, sink->room, NULL};
	pass(passed, SIZE_MAX, &to_again);
	MUST(span_equal(str_span(&again), passed));
	str_free(&again);
}

/* The text with CRLF line ends, and one at its end, as dot.h returns it. */
static void make_text(const uint8_t *data, size_t size, struct str *text)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r')
			continue;
		if (data[i] == '\n')
			str_append_c(text, '\r');
		str_append_c(text, (char)data[i]);
	}
	if (text->len && text->at[text->len - 1] != '\n')
		str_append_text(text, "\r\n");
}

/* The first octet chooses the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct completion_values values = {"a@b", "dom.ain", "mail.dom.ain", "ID", "DATE"};
	struct str text, whole, cut, room, from, from_cut;
	size_t step = size ? 1 + data[0] / 4 : 1;
	str_init(&text, 1 << 24);
	str_init(&whole, 1 << 24);
	str_init(&cut, 1 << 24);
	str_init(&room, COMPLETION_MAX);
	str_init(&from, 1 << 24);
	str_init(&from_cut, 1 << 24);
	make_text(data + (size > 0), size - (size > 0), &text);
	for (int complete = 0; complete < 2; complete++) {
		const struct header_sink to_whole = {put, &whole, complete ? &values : NULL, &room, &from};
		const struct header_sink to_cut = {put, &cut, complete ? &values : NULL, &room, &from_cut};
		str_clear(&whole);
		str_clear(&cut);
		str_clear(&from);
		str_clear(&from_cut);
		struct header h = pass(str_span(&text), SIZE_MAX, &to_whole);
		MUST(h.received == pass(str_span(&text), step, &to_cut).received);
		MUST(span_equal(str_span(&whole), str_span(&cut)));
		MUST(span_equal(str_span(&from), str_span(&from_cut)));
		if (complete)
			check_completed(str_span(&whole), &to_whole);
		else
			expect_same(str_span(&text), str_span(&whole));
		if (!complete)
			expect_from(str_span(&whole), str_span(&from));
	}
	str_free(&text);
	str_free(&whole);
	str_free(&cut);
	str_free(&room);
	str_free(&from);
	str_free(&from_cut);
	return 0;
}
