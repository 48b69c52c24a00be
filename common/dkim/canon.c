#include "common/dkim/canon.h"

#include "common/base/ascii.h"

static void put(const struct dkim_canon_sink *sink, struct span text)
{
	if (text.len)
		sink->put(sink->context, text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *dkim_canon_word(enum dkim_canon how)
{
	return how == DKIM_SIMPLE ? "simple" : "relaxed";
}

static void put_name(struct span name, const struct dkim_canon_sink *sink)
{
	while (name.len && is_blank(name.at[name.len - 1]))
		name.len--;
	for (size_t i = 0; i < name.len; i++) {
		char lower = ascii_lower(name.at[i]);
		put(sink, (struct span){&lower, 1});
	}
	put(sink, SPAN(":"));
}

/* How many octets at the start of TEXT are white space: blanks, and the line ends of a folded field. */
static size_t space(struct span text)
{
	size_t n = 0;
	while (n < text.len && (is_blank(text.at[n]) || span_starts(span_skip(text, n), SPAN("\r\n"))))
		n += text.at[n] == '\r' ? 2 : 1;
	return n;
}

void dkim_canon_field(enum dkim_canon how, struct span field, const struct dkim_canon_sink *sink)
{
	size_t colon = span_find(field, ':');
	if (field.len >= 2 && span_ends_nocase(field, SPAN("\r\n")))
		field.len -= 2;
	if (how == DKIM_SIMPLE) {
		put(sink, field);
		return;
	}
	put_name((struct span){field.at, colon}, sink);
	struct span rest = span_skip(field, colon + 1);
	rest = span_skip(rest, space(rest));
	while (rest.len) {
		size_t n = 0;
		while (n < rest.len && !space(span_skip(rest, n)))
			n++;
		put(sink, (struct span){rest.at, n});
		rest = span_skip(rest, n);
		rest = span_skip(rest, space(rest));
		if (rest.len)
			put(sink, SPAN(" "));
	}
}

/* Writes what was held back, now that text follows. */
static void put_held(struct dkim_canon_body *body, const struct dkim_canon_sink *sink)
{
	for (; body->lines; body->lines--)
		put(sink, SPAN("\r\n"));
	if (body->blank)
		put(sink, SPAN(" "));
	body->blank = false;
	body->written = true;
}

static bool is_held(const struct dkim_canon_body *body, char c)
{
	return c == '\r' || (body->how == DKIM_RELAXED && is_blank(c));
}

/* The octet of TEXT at AT is a blank between two words, which stays as it is. */
static bool is_between(struct span text, size_t at)
{
	return text.at[at] == ' ' && at + 1 < text.len && !is_blank(text.at[at + 1]) && text.at[at + 1] != '\r';
}

/* Takes text up to the next octet that is held back, at least one octet. Returns its length. */
static size_t take_text(struct dkim_canon_body *body, struct span rest, const struct dkim_canon_sink *sink)
{
	size_t n = 1;
	while (n < rest.len && (!is_held(body, rest.at[n]) || is_between(rest, n)))
		n++;
	put_held(body, sink);
	put(sink, (struct span){rest.at, n});
	return n;
}

void dkim_canon_body(struct dkim_canon_body *body, struct span piece, const struct dkim_canon_sink *sink)
{
	while (piece.len) {
		size_t n = 1;
		char c = piece.at[0];
		if (body->cr && c == '\n') {
			body->cr = body->blank = false;
			body->lines++;
		} else if (body->cr) {
			body->cr = false;
			take_text(body, SPAN("\r"), sink);
			n = 0;
		} else if (c == '\r') {
			body->cr = true;
		} else if (is_held(body, c)) {
			body->blank = true;
		} else {
			n = take_text(body, piece, sink);
		}
		piece = span_skip(piece, n);
	}
}

void dkim_canon_body_end(struct dkim_canon_body *body, const struct dkim_canon_sink *sink)
{
	if (body->cr)
		take_text(body, SPAN("\r"), sink);
	if (body->written || body->how == DKIM_SIMPLE)
		put(sink, SPAN("\r\n"));
	*body = (struct dkim_canon_body){.how = body->how};
}
