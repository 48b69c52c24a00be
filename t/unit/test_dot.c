#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/mail/dot.h"
#include "t/unit/suite.h"

struct outcome {
	struct str text;
	size_t taken;
	struct dot_reader reader;
};

/* Reads IN in pieces of STEP octets, each into a buffer of exactly the documented size. */
static struct outcome read_in_steps(struct span in, size_t step, bool repair, bool plain)
{
	struct outcome result = {.reader = {.repair = repair, .plain = plain}};
	str_init(&result.text, 1 << 20);
	while (in.len && !result.reader.ended) {
		struct span piece = {in.at, in.len < step ? in.len : step};
		size_t len;
		char *out = malloc(2 * piece.len + DOT_READ_EXTRA);
		size_t taken = dot_read(&result.reader, piece, out, &len);
		ck_assert_uint_le(len, 2 * piece.len + DOT_READ_EXTRA);
		ck_assert(taken == piece.len || result.reader.ended);
		ck_assert(str_append(&result.text, (struct span){out, len}));
		free(out);
		result.taken += taken;
		in = span_skip(in, taken);
	}
	if (plain) {
		char last[DOT_READ_EXTRA];
		size_t len = dot_read_end(&result.reader, last);
		ck_assert_uint_le(len, sizeof(last));
		ck_assert(str_append(&result.text, (struct span){last, len}));
	}
	ck_assert_uint_eq(result.reader.octets, result.text.len);
	return result;
}

struct expectation {
	struct span in;
	struct span out;      /* without repair */
	struct span repaired; /* with it */
	uint64_t bare;
	bool ends; /* after the last octet of `in`, never before */
};

#define SAME(text) SPAN(text), SPAN(text)

static void check_one(const struct expectation *e, size_t step, bool repair)
{
	struct outcome got = read_in_steps(e->in, step, repair, false);
	struct span out = repair ? e->repaired : e->out;
	struct str shown;
	str_init(&shown, 10000);
	str_append_clean(&shown, e->in);
	ck_assert_msg(span_equal(str_span(&got.text), out), "text of '%s', step %zu", str_text(&shown), step);
	ck_assert_msg(got.reader.ended == e->ends, "end of '%s', step %zu", str_text(&shown), step);
	ck_assert_uint_eq(got.taken, e->in.len);
	ck_assert_msg(got.reader.bare == e->bare, "bare ends of '%s', step %zu", str_text(&shown), step);
	str_free(&shown);
	str_free(&got.text);
}

static void check_all(const struct expectation *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t step = 1; step <= cases[i].in.len; step++) {
			check_one(&cases[i], step, false);
			check_one(&cases[i], step, true);
		}
	}
}

START_TEST(only_crlf_dot_crlf_ends)
{
	static const struct expectation cases[] = {
		{SPAN(".\r\n"), SAME(""), 0, true},
		{SPAN("\r\n.\r\n"), SAME("\r\n"), 0, true},
		{SPAN("a\r\n.\r\n"), SAME("a\r\n"), 0, true},
		{SPAN("a\r\nb\r\n.\r\n"), SAME("a\r\nb\r\n"), 0, true},
		{SPAN("a."), SAME("a."), 0, false},
		{SPAN("a.\r\n"), SAME("a.\r\n"), 0, false},
		{SPAN("a\r\n."), SAME("a\r\n"), 0, false},
		{SPAN("a\r\n.\r"), SAME("a\r\n"), 0, false},
		{SPAN("a\r\n. \r\n"), SAME("a\r\n \r\n"), 0, false},
		{SPAN("a\r\n..\r\n"), SAME("a\r\n.\r\n"), 0, false},
		{SPAN("a\r\n...\r\n.\r\n"), SAME("a\r\n..\r\n"), 0, true},
		{SPAN("..\r\n.x\r\nx.y\r\n.\r\n"), SAME(".\r\nx\r\nx.y\r\n"), 0, true},
	};
	check_all(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(no_smuggling_form_ends)
{
	static const struct expectation cases[] = {
		{SPAN("a\n.\nM"), SPAN("a\n.\nM"), SPAN("a\r\n.\r\nM"), 2, false},
		{SPAN("a\n.\r\nM"), SPAN("a\n.\r\nM"), SPAN("a\r\n.\r\nM"), 1, false},
		{SPAN("a\r\n.\nM"), SPAN("a\r\n\nM"), SPAN("a\r\n\r\nM"), 1, false},
		{SPAN("a\r.\r\nM"), SPAN("a\r.\r\nM"), SPAN("a\r\n.\r\nM"), 1, false},
		{SPAN("a\r.\rM"), SPAN("a\r.\rM"), SPAN("a\r\n.\r\nM"), 2, false},
		{SPAN("a\n.\rM"), SPAN("a\n.\rM"), SPAN("a\r\n.\r\nM"), 2, false},
		{SPAN("a\r\n.\rM"), SPAN("a\r\n\rM"), SPAN("a\r\n\r\nM"), 1, false},
		{SPAN("a\r\n\0.\r\nM"), SAME("a\r\n\0.\r\nM"), 0, false},
		{SPAN("a\r\n.\0\r\nM"), SAME("a\r\n\0\r\nM"), 0, false},
		{SPAN("a\r\n\0\r\n.\0\r\n"), SAME("a\r\n\0\r\n\0\r\n"), 0, false},
		{SPAN("a\r\n.\r\r\nM"), SPAN("a\r\n\r\r\nM"), SPAN("a\r\n\r\nM"), 1, false},
		{SPAN("a\r\r\n.\r\r\nM"), SPAN("a\r\r\n\r\r\nM"), SPAN("a\r\n\r\nM"), 2, false},
		{SPAN("a\n\n.\n\nM"), SPAN("a\n\n.\n\nM"), SPAN("a\r\n\r\n.\r\n\r\nM"), 4, false},
		{SPAN("a\r\n.\n.\r\nM"), SPAN("a\r\n\n.\r\nM"), SPAN("a\r\n\r\n.\r\nM"), 1, false},
		{SPAN("a\r\n.\r.\r\nM"), SPAN("a\r\n\r.\r\nM"), SPAN("a\r\n\r\n.\r\nM"), 1, false},
		{SPAN("a\n\r.\n\rM"), SPAN("a\n\r.\n\rM"), SPAN("a\r\n\r\n.\r\n\r\nM"), 4, false},
		{SPAN("a\r\n.\v\nM"), SPAN("a\r\n\v\nM"), SPAN("a\r\n\v\r\nM"), 1, false},
		{SPAN(".\nM"), SPAN("\nM"), SPAN("\r\nM"), 1, false},
		{SPAN("\n.\r\nM"), SPAN("\n.\r\nM"), SPAN("\r\n.\r\nM"), 1, false},
		{SPAN("a\xc2\x85.\xc2\x85M"), SAME("a\xc2\x85.\xc2\x85M"), 0, false},
		{SPAN("a\x8d\x8a.\x8d\x8aM"), SAME("a\x8d\x8a.\x8d\x8aM"), 0, false},
	};
	check_all(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* Text that was written in text mode twice. If no LF follows, each CR is a line end. */
START_TEST(several_cr_before_lf_are_one_line_end)
{
	static const struct expectation cases[] = {
		{SPAN("A: b\r\r\nC: d\r\r\n"), SPAN("A: b\r\r\nC: d\r\r\n"), SPAN("A: b\r\nC: d\r\n"), 2, false},
		{SPAN("a\r\r\r\nM"), SPAN("a\r\r\r\nM"), SPAN("a\r\nM"), 2, false},
		{SPAN("a\r\r\r\r\nM"), SPAN("a\r\r\r\r\nM"), SPAN("a\r\nM"), 3, false},
		{SPAN("a\r\r\r\r\r\nM"), SPAN("a\r\r\r\r\r\nM"), SPAN("a\r\n\r\nM"), 4, false},
		{SPAN("a\r\rM"), SPAN("a\r\rM"), SPAN("a\r\n\r\nM"), 2, false},
		{SPAN("a\r\r\r\r\r\rM"), SPAN("a\r\r\r\r\r\rM"), SPAN("a\r\n\r\n\r\n\r\n\r\n\r\nM"), 6, false},
		{SPAN("a\r\r\n\r\r\nM"), SPAN("a\r\r\n\r\r\nM"), SPAN("a\r\n\r\nM"), 2, false},
		{SPAN("a\r\r\n.\r\n"), SPAN("a\r\r\n"), SPAN("a\r\n"), 1, true},
		{SPAN("a\r\r\n..b\r\r\n"), SPAN("a\r\r\n.b\r\r\n"), SPAN("a\r\n.b\r\n"), 2, false},
	};
	check_all(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(what_follows_the_end_is_not_taken)
{
	struct span in = SPAN("a\r\n.\r\nQUIT\xff\r\n");
	for (size_t step = 1; step <= in.len; step++) {
		struct outcome got = read_in_steps(in, step, false, false);
		ck_assert(got.reader.ended);
		ck_assert_uint_eq(got.taken, 6);
		char out[8];
		size_t len;
		ck_assert_uint_eq(dot_read(&got.reader, SPAN("abc"), out, &len), 0);
		ck_assert_uint_eq(len, 0);
		str_free(&got.text);
	}
}
END_TEST

START_TEST(plain_text_has_no_dots_and_no_end)
{
	static const struct {
		struct span in, out, repaired;
		uint64_t bare;
	} cases[] = {
		{SAME(".\r\n"), SPAN(".\r\n"), 0},
		{SAME("a\r\n.\r\n..\r\n.x"), SPAN("a\r\n.\r\n..\r\n.x"), 0},
		{SAME("a\n.\n"), SPAN("a\r\n.\r\n"), 2},
		{SAME("a\r"), SPAN("a\r\n"), 1},
		{SAME("a\r\r"), SPAN("a\r\n\r\n"), 2},
		{SAME("a\r\r\nb"), SPAN("a\r\nb"), 1},
		{SAME("a\r\n"), SPAN("a\r\n"), 0},
		{SAME("a\r\n.\r"), SPAN("a\r\n.\r\n"), 1},
		{SAME(""), SPAN(""), 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= cases[i].in.len; step++) {
			struct outcome got = read_in_steps(cases[i].in, step, false, true);
			struct outcome repaired = read_in_steps(cases[i].in, step, true, true);
			ck_assert_msg(span_equal(str_span(&got.text), cases[i].out), "case %zu", i);
			ck_assert_msg(span_equal(str_span(&repaired.text), cases[i].repaired), "case %zu", i);
			ck_assert_uint_eq(got.reader.bare, cases[i].bare);
			ck_assert_uint_eq(repaired.reader.bare, cases[i].bare);
			ck_assert(!got.reader.ended && !repaired.reader.ended);
			str_free(&got.text);
			str_free(&repaired.text);
		}
	}
}
END_TEST

static struct str write_in_steps(struct span in, size_t step)
{
	struct dot_writer writer = {0};
	struct str result;
	char end[5];
	str_init(&result, 1 << 20);
	while (in.len) {
		struct span piece = {in.at, in.len < step ? in.len : step};
		char *out = malloc(2 * piece.len + 2);
		ck_assert(str_append(&result, (struct span){out, dot_write(&writer, piece, out)}));
		free(out);
		in = span_skip(in, piece.len);
	}
	ck_assert(str_append(&result, (struct span){end, dot_write_end(&writer, end)}));
	return result;
}

START_TEST(writes_crlf_and_stuffed_dots_whatever_comes)
{
	static const struct {
		struct span in, out;
	} cases[] = {
		{SPAN(""), SPAN(".\r\n")},
		{SPAN("a"), SPAN("a\r\n.\r\n")},
		{SPAN("a\r"), SPAN("a\r\n.\r\n")},
		{SPAN("a\r\n"), SPAN("a\r\n.\r\n")},
		{SPAN("a\n"), SPAN("a\r\n.\r\n")},
		{SPAN("."), SPAN("..\r\n.\r\n")},
		{SPAN(".\r\n..\r\n.x\r\n"), SPAN("..\r\n...\r\n..x\r\n.\r\n")},
		{SPAN("a\n.\nb"), SPAN("a\r\n..\r\nb\r\n.\r\n")},
		{SPAN("a\n.\r\nb"), SPAN("a\r\n..\r\nb\r\n.\r\n")},
		{SPAN("a\r.\rb"), SPAN("a\r\n..\r\nb\r\n.\r\n")},
		{SPAN("a\r\r\n.\r\r\n"), SPAN("a\r\n\r\n..\r\n\r\n.\r\n")},
		{SPAN("\n\r"), SPAN("\r\n\r\n.\r\n")},
		{SPAN("a\r\n\0.\r\n"), SPAN("a\r\n\0.\r\n.\r\n")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= cases[i].in.len + 1; step++) {
			struct str got = write_in_steps(cases[i].in, step);
			ck_assert_msg(span_equal(str_span(&got), cases[i].out), "case %zu, step %zu", i, step);
			str_free(&got);
		}
	}
}
END_TEST

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Lines with many special characters, and long runs. */
static void make_text(struct str *text, uint32_t seed)
{
	static const char *const pieces[] = {
		"\r\n", "\r\n.", ".", "..", "a", "\0", "\xff", "\r\n\r\n", "0123456789abcdefghijkl"};
	str_clear(text);
	for (uint32_t left = next_random(&seed) % 60; left; left--) {
		const char *piece = pieces[next_random(&seed) % 9];
		str_append(text, (struct span){piece, *piece ? strlen(piece) : 1});
	}
	str_append_text(text, "\r\n");
}

START_TEST(reading_gives_back_what_was_written)
{
	struct str text;
	str_init(&text, 10000);
	for (uint32_t seed = 0; seed < 3000; seed++) {
		make_text(&text, seed);
		struct str wire = write_in_steps(str_span(&text), 1 + seed % 37);
		for (int repair = 0; repair < 2; repair++) {
			struct outcome got = read_in_steps(str_span(&wire), 1 + seed % 41, repair, false);
			ck_assert(got.reader.ended);
			ck_assert_uint_eq(got.taken, wire.len);
			ck_assert_uint_eq(got.reader.bare, 0);
			ck_assert(span_equal(str_span(&got.text), str_span(&text)));
			str_free(&got.text);
		}
		str_free(&wire);
	}
	str_free(&text);
}
END_TEST

/* What a signature is made of: what the reader gets. */
START_TEST(plain_writing_is_what_the_reader_gets)
{
	static const struct {
		struct span in, out;
	} cases[] = {
		{SPAN(""), SPAN("")},
		{SPAN(".a\r\n..\r\n.\r\n"), SPAN(".a\r\n..\r\n.\r\n")},
		{SPAN(".a"), SPAN(".a\r\n")},
		{SPAN("a\r"), SPAN("a\r\n")},
		{SPAN("a\n.\rb"), SPAN("a\r\n.\r\nb\r\n")},
		{SPAN("1234567890123456"), SPAN("12345678\r\n 9012345\r\n 6\r\n")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dot_writer writer = {.line_max = 8, .plain = true};
		char out[64];
		size_t len = dot_write(&writer, cases[i].in, out);
		len += dot_write_end(&writer, out + len);
		ck_assert(span_equal((struct span){out, len}, cases[i].out));
	}
}

int main(void)
{
	Suite *suite = suite_create("dot");
	TCase *tests = tcase_create("dot");
	tcase_add_test(tests, only_crlf_dot_crlf_ends);
	tcase_add_test(tests, no_smuggling_form_ends);
	tcase_add_test(tests, several_cr_before_lf_are_one_line_end);
	tcase_add_test(tests, what_follows_the_end_is_not_taken);
	tcase_add_test(tests, plain_text_has_no_dots_and_no_end);
	tcase_add_test(tests, writes_crlf_and_stuffed_dots_whatever_comes);
	tcase_add_test(tests, reading_gives_back_what_was_written);
	tcase_add_test(tests, plain_writing_is_what_the_reader_gets);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
