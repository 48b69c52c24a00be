/*
 * Canonical forms of DKIM. The first octet is the form, the second one makes the sizes of the pieces. The form of a
 * body in pieces is that of the whole, and both are those of a second, simple implementation; so is that of each field.
 */
#include "common/dkim/canon.h"

#include "common/mail/fields.h"
#include "t/fuzz/dkim_plain.h"

enum { BOUND = 1 << 22 };

static void in_pieces(enum dkim_canon how, struct span body, uint32_t seed, struct str *to)
{
	struct dkim_canon_body b = {.how = how};
	const struct dkim_canon_sink sink = {plain_put, to};
	while (body.len) {
		seed = seed * 1664525 + 1013904223;
		size_t step = 1 + (seed >> 16) % (seed >> 31 ? 3 : 40);
		char *piece = malloc(step); /* a piece alone: a read beyond it is noticed */
		size_t len = body.len < step ? body.len : step;
		memcpy(piece, body.at, len);
		dkim_canon_body(&b, (struct span){piece, len}, &sink);
		free(piece);
		body = span_skip(body, len);
	}
	dkim_canon_body_end(&b, &sink);
}

static void check_body(enum dkim_canon how, struct span body, uint32_t seed)
{
	struct str whole, pieces, plain;
	struct dkim_canon_body b = {.how = how};
	str_init(&whole, BOUND);
	str_init(&pieces, BOUND);
	str_init(&plain, BOUND);
	dkim_canon_body(&b, body, &(struct dkim_canon_sink){plain_put, &whole});
	dkim_canon_body_end(&b, &(struct dkim_canon_sink){plain_put, &whole});
	in_pieces(how, body, seed, &pieces);
	plain_body(how, body, &plain);
	MUST(span_equal(str_span(&whole), str_span(&plain)));
	MUST(span_equal(str_span(&pieces), str_span(&plain)));
	str_free(&whole);
	str_free(&pieces);
	str_free(&plain);
}

static void check_fields(enum dkim_canon how, struct span head)
{
	struct field field;
	struct str ours, plain;
	str_init(&ours, BOUND);
	str_init(&plain, BOUND);
	while (field_next(&head, &field)) {
		str_clear(&ours);
		str_clear(&plain);
		dkim_canon_field(how, field.whole, &(struct dkim_canon_sink){plain_put, &ours});
		plain_field(how, field.whole, &plain);
		MUST(span_equal(str_span(&ours), str_span(&plain)));
	}
	str_free(&ours);
	str_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > BOUND / 4)
		return 0;
	enum dkim_canon how = data[0] & 1 ? DKIM_SIMPLE : DKIM_RELAXED;
	struct span text = {(const char *)data + 2, size - 2};
	check_body(how, text, data[1]);
	check_fields(how, text);
	return 0;
}
