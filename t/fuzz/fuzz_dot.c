#include <string.h>

#include "common/base/str.h"
#include "common/mail/dot.h"
#include "t/fuzz/must.h"

enum { BOUND = 1 << 20 };

/* Reads IN in pieces of STEP octets, each into a buffer of exactly the documented size. Returns the octets that were
 * taken. */
static size_t read_all(struct dot_reader *r, struct span in, size_t step, struct str *text)
{
	size_t taken = 0;
	while (taken < in.len && !r->ended) {
		struct span piece = span_skip(in, taken);
		piece.len = piece.len < step ? piece.len : step;
		size_t len;
		char *out = malloc(2 * piece.len + DOT_READ_EXTRA);
		taken += dot_read(r, piece, out, &len);
		MUST(len <= 2 * piece.len + DOT_READ_EXTRA && str_append(text, (struct span){out, len}));
		free(out);
	}
	return taken;
}

static bool has_bare(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '\n' && (i == 0 || s.at[i - 1] != '\r'))
			return true;
		if (s.at[i] == '\r' && i + 1 < s.len && s.at[i + 1] != '\n')
			return true;
	}
	return false;
}

/* Written data ends at its last octet, not before, and is read unchanged except for line ends. */
static void check_round_trip(struct span in)
{
	struct dot_writer writer = {0};
	struct dot_reader reader = {0};
	struct str text;
	str_init(&text, BOUND);
	char *wire = malloc(2 * in.len + 2 + 5);
	size_t len = dot_write(&writer, in, wire);
	MUST(len <= 2 * in.len + 2);
	len += dot_write_end(&writer, wire + len);
	MUST(read_all(&reader, (struct span){wire, len}, len, &text) == len);
	MUST(reader.ended && reader.bare == 0 && !has_bare(str_span(&text)));
	if (!has_bare(in) && in.len && in.at[in.len - 1] == '\n')
		MUST(span_equal(str_span(&text), in));
	free(wire);
	str_free(&text);
}

/* Where the data ends: after CRLF . CRLF or, if LF ends a line, after LF . LF with or without CR before each LF. */
static size_t end_of(struct span in, bool lf)
{
	for (size_t at = 0; at < in.len; at++) {
		struct span rest = span_skip(in, at);
		bool crlf = at >= 2 && in.at[at - 2] == '\r' && in.at[at - 1] == '\n';
		if (at && !crlf && !(lf && in.at[at - 1] == '\n'))
			continue;
		if (span_starts(rest, SPAN(".\r\n")))
			return at + 3;
		if (lf && span_starts(rest, SPAN(".\n")))
			return at + 2;
	}
	return in.len;
}

/* The first octet chooses the pieces, whether to repair, and whether LF ends a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = size ? data[0] : 0;
	struct span in = span_skip((struct span){(const char *)data, size}, 1);
	struct dot_reader whole = {.repair = how & 1, .plain = how & 2, .lf = (how & 0x81) == 0x81};
	struct dot_reader cut = whole;
	struct str text;
	struct str again;
	str_init(&text, BOUND);
	str_init(&again, BOUND);
	size_t taken = read_all(&whole, in, SIZE_MAX, &text);
	MUST(read_all(&cut, in, 1 + how / 4, &again) == taken);
	MUST(span_equal(str_span(&text), str_span(&again)) && whole.bare == cut.bare && whole.ended == cut.ended);
	MUST(whole.octets == cut.octets && whole.octets == text.len);

	MUST(taken == (whole.plain ? in.len : end_of(in, whole.lf)));
	MUST(!whole.repair || !has_bare(str_span(&text)));
	check_round_trip(in);
	str_free(&text);
	str_free(&again);
	return 0;
}
