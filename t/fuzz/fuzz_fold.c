/*
 * Lines that are folded when they are sent. The first octet is the length of the pieces, the second the bound of a
 * line. For any pieces the result is that of a second, simple implementation, dot-stuffed.
 */
#include "common/base/str.h"
#include "common/mail/dot.h"
#include "t/fuzz/must.h"

enum { BOUND = 1 << 20 };

static void write_pieces(struct dot_writer w, struct span in, size_t step, struct str *to)
{
	char end[5];
	while (in.len) {
		struct span piece = {in.at, in.len < step ? in.len : step};
		char *out = malloc(2 * piece.len + 2);
		size_t len = dot_write(&w, piece, out);
		MUST(len <= 2 * piece.len + 2 && str_append(to, (struct span){out, len}));
		free(out);
		in = span_skip(in, piece.len);
	}
	MUST(str_append(to, (struct span){end, dot_write_end(&w, end)}));
}

/* The line at *in without its end; *in moves to the next line. */
static struct span take_line(struct span *in)
{
	struct span line = {in->at, 0};
	while (line.len < in->len && in->at[line.len] != '\r' && in->at[line.len] != '\n')
		line.len++;
	*in = span_skip(*in, line.len);
	*in = span_skip(*in, span_starts(*in, SPAN("\r\n")) ? 2 : 1);
	return line;
}

static void fold_plainly(struct span in, size_t line_max, struct str *to)
{
	while (in.len) {
		struct span line = take_line(&in);
		size_t room = line_max;
		if (span_starts(line, SPAN(".")))
			str_append_c(to, '.');
		for (; line_max && line.len > room; room = line_max - 1) {
			str_append(to, (struct span){line.at, room});
			str_append_text(to, "\r\n ");
			line = span_skip(line, room);
		}
		str_append(to, line);
		str_append_text(to, "\r\n");
	}
	str_append_text(to, ".\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > BOUND / 8)
		return 0;
	struct span in = {(const char *)data + 2, size - 2};
	size_t line_max = data[1] < 8 ? 0 : data[1];
	struct str whole, pieces, plain;
	str_init(&whole, BOUND);
	str_init(&pieces, BOUND);
	str_init(&plain, BOUND);
	write_pieces((struct dot_writer){.line_max = line_max}, in, size, &whole);
	write_pieces((struct dot_writer){.line_max = line_max}, in, 1 + data[0] % 64, &pieces);
	fold_plainly(in, line_max, &plain);
	MUST(!plain.failed && span_equal(str_span(&whole), str_span(&plain)));
	MUST(span_equal(str_span(&pieces), str_span(&plain)));
	str_free(&whole);
	str_free(&pieces);
	str_free(&plain);
	return 0;
}
