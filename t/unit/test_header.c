#include <check.h>
#include <string.h>

#include "common/mail/header.h"
#include "t/unit/suite.h"

static struct str passed, room;

static void setup(void)
{
	str_init(&passed, 1 << 20);
	str_init(&room, COMPLETION_MAX);
}

static void teardown(void)
{
	str_free(&passed);
	str_free(&room);
}

static void put(void *context, struct span text)
{
	ck_assert_uint_gt(text.len, 0);
	str_append(context, text);
}

static const struct completion_values values = {"a@b", "dom.ain", "mail.dom.ain", "ID", "DATE"};
static const struct header_sink plain = {.put = put, .context = &passed};
static const struct header_sink completing = {put, &passed, &values, &room, NULL};

/* Passes TEXT in pieces of STEP octets, as a caller does. */
static struct header pass(struct span text, size_t step, const struct header_sink *sink)
{
	struct header h = {0};
	str_clear(&passed);
	for (struct span rest = text; rest.len; rest = span_skip(rest, step)) {
		struct span piece = {rest.at, rest.len < step ? rest.len : step};
		if (h.done)
			put(&passed, piece);
		else
			header_pass(&h, piece, sink);
	}
	header_end(&h, sink);
	ck_assert(h.done);
	return h;
}

static void expect(struct span in, struct span out, const struct header_sink *sink)
{
	for (size_t step = 1; step <= in.len + 1; step++) {
		pass(in, step, sink);
		ck_assert_msg(span_equal(str_span(&passed), out), "step %zu of\n%s\ngave\n%s", step, in.at,
			      str_text(&passed));
	}
}

#define SAME(text) SPAN(text), SPAN(text)

START_TEST(text_begins_where_the_header_ends)
{
	static const struct {
		struct span in, out;
	} cases[] = {
		/* unchanged */
		{SAME("A: b\r\n\r\ntext\r\n")},
		{SAME("A: b\r\n\tc\r\n \r\nD : e\r\n\r\n\r\ntext\r\n")},
		{SAME("\r\ntext: x\r\n")},
		{SAME("\r\n")},
		{SAME("Alarm: disk\r\nhttp://x: y\r\n\r\n")},
		{SAME("From : a@b\r\nA: b\r\n\r\n")},
		{SAME("A: b\r\n\r\nFrom x Mon Jan  1\r\n")},
		/* no header, or one that ends in text */
		{SPAN("Temperature alarm in rack 4\r\n"), SPAN("\r\nTemperature alarm in rack 4\r\n")},
		{SPAN("A: b\r\nno field\r\nC: d\r\n\r\n"), SPAN("A: b\r\n\r\nno field\r\nC: d\r\n\r\n")},
		{SPAN(" folded\r\nA: b\r\n"), SPAN("\r\n folded\r\nA: b\r\n")},
		{SPAN(": no name\r\n"), SPAN("\r\n: no name\r\n")},
		{SPAN("\xc3\xa4: b\r\n"), SPAN("\r\n\xc3\xa4: b\r\n")},
		{SPAN("two words: b\r\n"), SPAN("\r\ntwo words: b\r\n")},
		{SPAN("\rA: b\r\n\r\n"), SPAN("\r\n\rA: b\r\n\r\n")},
		{SPAN("A: b\r\nlast"), SPAN("A: b\r\n\r\nlast")},
		/* nothing but a header */
		{SAME("")},
		{SAME("A: b\r\n")},
		{SPAN("A: b"), SPAN("A: b\r\n")},
		/* a preamble */
		{SPAN("\xEF\xBB\xBF"
		      "A: b\r\n\r\n"),
		 SPAN("A: b\r\n\r\n")},
		{SPAN("\xEF\xBB\xBFno field\r\n"), SPAN("\r\nno field\r\n")},
		{SPAN("\xEF\xBBx\r\n"), SPAN("\r\n\xEF\xBBx\r\n")},
		{SPAN("\xEF\xBB\xBF\xEF\xBB\xBFx\r\n"), SPAN("\r\n\xEF\xBB\xBFx\r\n")},
		{SPAN("From x Mon Jan  1\r\nA: b\r\n\r\n"), SPAN("X-Mailbox-Line: From x Mon Jan  1\r\nA: b\r\n\r\n")},
		{SPAN("\xEF\xBB\xBF>>From x\r\n>From y\r\nA: b\r\n\r\n"),
		 SPAN("X-Mailbox-Line: >>From x\r\nX-Mailbox-Line: >From y\r\nA: b\r\n\r\n")},
		{SPAN("From x\r\n folded\r\n"), SPAN("X-Mailbox-Line: From x\r\n\r\n folded\r\n")},
		{SPAN("A: b\r\nFrom x Mon Jan  1\r\n"), SPAN("A: b\r\n\r\nFrom x Mon Jan  1\r\n")},
		{SPAN("From\r\nA: b\r\n"), SPAN("\r\nFrom\r\nA: b\r\n")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].in, cases[i].out, &plain);
}
END_TEST

#define WHOLE "From: x@y\r\nDATE: D\r\nMessage-id: <i@d>\r\n"
#define ADDED "From: a@b\r\nDate: DATE\r\nMessage-ID: <ID@mail.dom.ain>\r\n"

START_TEST(headers_of_our_clients_are_completed)
{
	static const struct {
		struct span in, out;
	} cases[] = {
		{SAME(WHOLE "\r\ntext\r\n")},
		{SPAN("\r\ntext\r\n"), SPAN(ADDED "\r\ntext\r\n")},
		{SPAN("text\r\n"), SPAN(ADDED "\r\ntext\r\n")},
		{SPAN(""), SPAN(ADDED)},
		{SPAN("Subject: x"), SPAN("Subject: x\r\n" ADDED)},
		{SPAN("Date: D\r\nFrom: x@y\r\n\r\ntext\r\n"),
		 SPAN("Date: D\r\nFrom: x@y\r\nMessage-ID: <ID@mail.dom.ain>\r\n\r\ntext\r\n")},
		{SPAN("X-From: x\r\nResent-Date: y\r\n\r\nDate: text\r\n"),
		 SPAN("X-From: x\r\nResent-Date: y\r\n" ADDED "\r\nDate: text\r\n")},
		{SPAN("Bcc: one,\r\n\ttwo\r\n" WHOLE "BCC : three\r\n\r\nBcc: text\r\n"),
		 SPAN(WHOLE "\r\nBcc: text\r\n")},
		{SPAN(WHOLE "Return-Path: <x@y>\r\nContent-Length: 9\r\nResent-Bcc: b\r\nX: y\r\ntext\r\n"),
		 SPAN(WHOLE "X: y\r\n\r\ntext\r\n")},
		{SPAN(WHOLE "Bcc: b"), SPAN(WHOLE)},
		{SPAN("\xEF\xBB\xBF"
		      "From x\r\n" WHOLE),
		 SPAN("X-Mailbox-Line: From x\r\n" WHOLE)},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].in, cases[i].out, &completing);
}
END_TEST

/* The header of a client that may not relay stays unchanged. */
START_TEST(other_headers_stay_unchanged)
{
	expect(SAME("Bcc: x\r\nReturn-Path: <y>\r\nSubject: z\r\n\r\ntext\r\n"), &plain);
}
END_TEST

START_TEST(the_null_sender_is_mailer_daemon)
{
	static const struct completion_values nobody = {"", "dom.ain", "mail.dom.ain", "ID", "DATE"};
	const struct header_sink sink = {put, &passed, &nobody, &room, NULL};
	expect(SPAN("Date: D\r\nMessage-ID: <i@d>\r\n\r\n"),
	       SPAN("Date: D\r\nMessage-ID: <i@d>\r\nFrom: MAILER-DAEMON@dom.ain\r\n\r\n"), &sink);
}
END_TEST

START_TEST(a_sender_with_odd_dots_is_quoted)
{
	static const struct completion_values odd = {"a..b@c", "dom.ain", "mail.dom.ain", "ID", "DATE"};
	const struct header_sink sink = {put, &passed, &odd, &room, NULL};
	expect(SPAN("Date: D\r\nMessage-ID: <i@d>\r\n\r\n"),
	       SPAN("Date: D\r\nMessage-ID: <i@d>\r\nFrom: \"a..b\"@c\r\n\r\n"), &sink);
}
END_TEST

/* A field name has at most FIELD_NAME_MAX octets; a line with a longer one is text, in pieces of any size. */
START_TEST(names_have_a_bound)
{
	for (size_t extra = 0; extra < 2; extra++) {
		struct str text;
		str_init(&text, 1 << 20);
		for (size_t i = 0; i < FIELD_NAME_MAX + extra; i++)
			str_append_c(&text, 'n');
		str_append_text(&text, ": value\r\n\r\ntext\r\n");
		for (size_t step = 1; step <= text.len; step += step < 4 ? 1 : 331) {
			pass(str_span(&text), step, &plain);
			ck_assert_uint_eq(passed.len, text.len + 2 * extra);
			ck_assert(span_starts(str_span(&passed), extra ? SPAN("\r\nnnn") : SPAN("nnn")));
		}
		str_free(&text);
	}
}
END_TEST

/* A line that becomes a field grows, so only the first few become fields; the rest stays unchanged as text. */
START_TEST(mailbox_lines_have_a_bound)
{
	struct str text, want;
	str_init(&text, 1 << 20);
	str_init(&want, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		str_append_text(&text, "From \r\n");
		if (i == FIELDS_MAILBOX_MAX)
			str_append_text(&want, "\r\n");
		str_append_text(&want, i < FIELDS_MAILBOX_MAX ? "X-Mailbox-Line: From \r\n" : "From \r\n");
	}
	for (size_t step = 1; step <= text.len; step += step < 9 ? 1 : 331) {
		pass(str_span(&text), step, &plain);
		ck_assert(span_equal(str_span(&passed), str_span(&want)));
	}
	str_free(&text);
	str_free(&want);
}
END_TEST

START_TEST(counts_received_in_pieces_of_any_size)
{
	static const struct {
		struct span text;
		unsigned received;
	} cases[] = {
		{SPAN("Received: a\r\n\tb\r\nRECEIVED : c\r\n\r\nReceived: body\r\n"), 2},
		{SPAN("Subject: x\r\n Received: folded\r\n\tReceived: folded\r\nreceived:\r\n\r\n"), 1},
		{SPAN("\r\nReceived: body\r\n"), 0},
		{SPAN("\nReceived: body\n"), 0},
		{SPAN("Received: a\nReceived: b\n\n"), 2},
		{SPAN("Received: a\r\n"), 1},
		{SPAN("X-Received: a\r\nReceived-SPF: b\r\nReceive: c\r\n"), 0},
		{SPAN("Received"), 0},
		{SPAN("Received\r\n: x\r\n"), 0},
		{SPAN("no field\r\nReceived: x\r\n"), 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step <= cases[i].text.len; step++)
			ck_assert_msg(pass(cases[i].text, step, &plain).received == cases[i].received, "%s",
				      cases[i].text.at);
}
END_TEST

START_TEST(from_is_kept_in_pieces_of_any_size)
{
	static const struct {
		struct span text, from;
	} cases[] = {
		{SPAN("To: x\r\nFrom: a@b\r\nTo: y\r\n\r\nFrom: body\r\n"), SPAN("From: a@b\r\n")},
		{SPAN("FROM : a\r\n\t<a@b>,\r\n c@d\r\nSubject: z\r\n\r\n"), SPAN("FROM : a\r\n\t<a@b>,\r\n c@d\r\n")},
		{SPAN("From: a@b\r\nTo: x\r\n folded\r\nfrom: c@d\r\n\r\n"), SPAN("From: a@b\r\nfrom: c@d\r\n")},
		{SPAN("From: a@b"), SPAN("From: a@b\r\n")},
		{SPAN("From: a@b\r\n"), SPAN("From: a@b\r\n")},
		{SPAN("From: a@b\r\nTo: c"), SPAN("From: a@b\r\n")},
		{SPAN("Subject: x\r\n From: a@b\r\n\r\n"), SPAN("")},
		{SPAN("X-From: a@b\r\nFromage: c\r\n\r\nFrom: d@e\r\n"), SPAN("")},
		{SPAN("From a@b Mon Jan 1\r\nFrom: c@d\r\n\r\n"), SPAN("From: c@d\r\n")},
		{SPAN("no field\r\nFrom: a@b\r\n"), SPAN("")},
	};
	struct str from;
	str_init(&from, 100);
	for (int complete = 0; complete < 2; complete++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			for (size_t step = 1; step <= cases[i].text.len; step++) {
				const struct header_sink sink = {put, &passed, complete ? &values : NULL, &room, &from};
				str_clear(&from);
				pass(cases[i].text, step, &sink);
				ck_assert_msg(span_equal(str_span(&from), cases[i].from), "%s: %s", cases[i].text.at,
					      str_text(&from));
			}
	str_free(&from);
}
END_TEST

START_TEST(a_long_from_is_cut)
{
	struct str text, from;
	str_init(&text, 10000);
	str_init(&from, 100);
	const struct header_sink sink = {put, &passed, NULL, &room, &from};
	str_append_text(&text, "From: a@b");
	for (int i = 0; i < 50; i++)
		str_append_text(&text, ",\r\n c@d");
	str_append_text(&text, "\r\n\r\n");
	pass(str_span(&text), 7, &sink);
	ck_assert(from.failed && !from.no_memory && from.len <= 100);
	ck_assert(span_equal(str_span(&passed), str_span(&text)));
	str_free(&text);
	str_free(&from);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("header");
	TCase *tests = tcase_create("header");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, text_begins_where_the_header_ends);
	tcase_add_test(tests, headers_of_our_clients_are_completed);
	tcase_add_test(tests, other_headers_stay_unchanged);
	tcase_add_test(tests, the_null_sender_is_mailer_daemon);
	tcase_add_test(tests, names_have_a_bound);
	tcase_add_test(tests, mailbox_lines_have_a_bound);
	tcase_add_test(tests, a_sender_with_odd_dots_is_quoted);
	tcase_add_test(tests, from_is_kept_in_pieces_of_any_size);
	tcase_add_test(tests, a_long_from_is_cut);
	tcase_add_test(tests, counts_received_in_pieces_of_any_size);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
