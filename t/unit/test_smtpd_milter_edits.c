#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/domain.h"
#include "common/mail/envelope.h"
#include "common/mail/fields.h"
#include "smtpd/milter/edits.h"
#include "t/unit/suite.h"

static struct edits edits;

static void setup(void)
{
	edits_init(&edits);
}

static void teardown(void)
{
	edits_free(&edits);
}

#define OURS "Received: by us\r\n\tin two lines\r\n"
#define BODY "\r\nBody: none\r\n"

/* Notes "h NAME:VALUE", "i INDEX NAME:VALUE" or "m INDEX NAME:VALUE"; SPACE as with a filter that leaves it to us. */
static const char *note(const char *line, bool space)
{
	struct span rest = span_of(line + 2);
	uint64_t index = 0;
	if (line[0] != 'h')
		ck_assert(span_to_u64(span_take(&rest, ' '), UINT32_MAX, &index));
	struct span name = span_take(&rest, ':');
	switch (line[0]) {
	case 'h':
		return edits_add(&edits, name, rest, space);
	case 'i':
		return edits_insert(&edits, (uint32_t)index, name, rest, space);
	default:
		return edits_change(&edits, (uint32_t)index, name, rest, space);
	}
}

enum how { PLAIN, BLANK_IS_VALUE, ALL };

static const struct {
	enum how how;
	const char *header, *lines[6], *out; /* of both without OURS and BODY, but with ALL `out` is the whole */
} rows[] = {
	{PLAIN, "A: 1\r\n", {0}, "A: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"h X:y"}, "A: 1\r\nX: y\r\n"},
	{PLAIN, "A: 1\r\n", {"h X:y", "h X:z"}, "A: 1\r\nX: y\r\nX: z\r\n"},
	{PLAIN, "", {"h X:y"}, "X: y\r\n"},
	/* The blank after the colon. */
	{PLAIN, "", {"h X: y", "h Z:"}, "X:  y\r\nZ: \r\n"},
	{BLANK_IS_VALUE, "", {"h X: y", "h X:y", "h Z:"}, "X: y\r\nX:y\r\nZ:\r\n"},
	/* Lines of a value. */
	{PLAIN, "", {"h X:y\n\tz"}, "X: y\r\n\tz\r\n"},
	{PLAIN, "", {"h X:y\r\n z"}, "X: y\r\n z\r\n"},
	{PLAIN, "", {"h X:y\nEvil: z"}, "X: y\r\n\tEvil: z\r\n"},
	{PLAIN, "", {"h X:y\r\n\r\nbody"}, "X: y\r\n\t\r\n\tbody\r\n"},
	{PLAIN, "", {"h X:y\n"}, "X: y\r\n\t\r\n"},
	{PLAIN, "", {"h X:y\rz\r"}, "X: y z \r\n"},
	/* Insertion counts our own Received. */
	{ALL, "A: 1\r\n", {"i 0 X:y"}, "X: y\r\n" OURS "A: 1\r\n" BODY},
	{PLAIN, "A: 1\r\n", {"i 1 X:y"}, "X: y\r\nA: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"i 2 X:y"}, "A: 1\r\nX: y\r\n"},
	{PLAIN, "A: 1\r\n", {"i 99 X:y"}, "A: 1\r\nX: y\r\n"},
	{PLAIN, "A: 1\r\n", {"i 1 X:1", "i 1 X:2", "i 2 X:3"}, "X: 2\r\nX: 3\r\nX: 1\r\nA: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"i 2147483647 X:y", "h Z:y"}, "A: 1\r\nX: y\r\nZ: y\r\n"},
	{PLAIN, "A: 1\r\n folded\r\nB: 2\r\n", {"i 2 X:y"}, "A: 1\r\n folded\r\nX: y\r\nB: 2\r\n"},
	/* A change counts fields of the name, without ours. */
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 1 A:x"}, "A: x\r\nB: 2\r\nA: 3\r\n"},
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 0 A:x"}, "A: x\r\nB: 2\r\nA: 3\r\n"},
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 2 a:x"}, "A: 1\r\nB: 2\r\na: x\r\n"},
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 3 A:x"}, "A: 1\r\nB: 2\r\nA: 3\r\nA: x\r\n"},
	{PLAIN, "A: 1\r\n folded\r\nB: 2\r\n", {"m 1 A:x"}, "A: x\r\nB: 2\r\n"},
	{PLAIN, "A : 1\r\nB: 2\r\n", {"m 1 A:x"}, "A: x\r\nB: 2\r\n"},
	{PLAIN, "Received: other\r\n", {"m 1 Received:x"}, "Received: x\r\n"},
	{PLAIN, "A: 1\r\n", {"m 1 Received:x"}, "A: 1\r\nReceived: x\r\n"},
	{PLAIN, "AB: 1\r\n", {"m 1 A:x"}, "AB: 1\r\nA: x\r\n"},
	/* An empty value deletes. */
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 1 A:"}, "B: 2\r\nA: 3\r\n"},
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 1 A:", "m 1 A:"}, "B: 2\r\n"},
	{PLAIN, "A: 1\r\nB: 2\r\nA: 3\r\n", {"m 2 A:", "h Z:y"}, "A: 1\r\nB: 2\r\nZ: y\r\n"},
	{PLAIN, "A: 1\r\n", {"m 2 A:"}, "A: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"m 1 Received:"}, "A: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"m 1 A: "}, "A:  \r\n"},
	{BLANK_IS_VALUE, "A: 1\r\n", {"m 1 A: "}, "A: \r\n"},
	{BLANK_IS_VALUE, "A: 1\r\n", {"m 1 A:"}, ""},
	/* Later edits see the earlier ones. */
	{PLAIN, "A: 1\r\n", {"h X:y", "m 1 X:z"}, "A: 1\r\nX: z\r\n"},
	{PLAIN, "A: 1\r\n", {"h X:y", "m 1 X:"}, "A: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"h X:y", "i 3 Z:z"}, "A: 1\r\nX: y\r\nZ: z\r\n"},
	{PLAIN, "A: 1\r\n", {"h X:y", "i 2 Z:z", "m 1 A:", "m 1 A:b"}, "Z: z\r\nX: y\r\nA: b\r\n"},
	{PLAIN, "A: 1\r\n", {"m 1 A:b", "m 1 A:c", "m 2 A:d", "m 2 A:"}, "A: c\r\n"},
	/* Ours is not counted, wherever it stands. */
	{ALL, "A: 1\r\n", {"i 0 X:y", "m 1 Received:"}, "X: y\r\n" OURS "A: 1\r\n" BODY},
	{ALL, "A: 1\r\n", {"i 0 X:y", "m 1 X:z"}, "X: z\r\n" OURS "A: 1\r\n" BODY},
	{PLAIN, "A: 1\r\n", {"i 0 X:y", "m 1 X:"}, "A: 1\r\n"},
	{ALL, "A: 1\r\n", {"i 0 X:y", "m 1 Received:r"}, "X: y\r\n" OURS "A: 1\r\nReceived: r\r\n" BODY},
	/* What would be an envelope line never comes first. */
	{PLAIN, "A: 1\r\n", {"i 0 x-receiver:<b@b.example>"}, "x-receiver: <b@b.example>\r\nA: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"i 0 X-Sender:<b@b.example>"}, "X-Sender: <b@b.example>\r\nA: 1\r\n"},
	{PLAIN, "A: 1\r\n", {"i 0 X-Mailroot-Ret:FULL"}, "X-Mailroot-Ret: FULL\r\nA: 1\r\n"},
	{PLAIN, "", {"i 0 X-Sender:<b@b.example>"}, "X-Sender: <b@b.example>\r\n"},
	{ALL,
	 "A: 1\r\n",
	 {"i 0 X-Sender:b", "i 0 X-Sender:c", "i 0 B:2"},
	 "B: 2\r\nX-Sender: c\r\nX-Sender: b\r\n" OURS "A: 1\r\n" BODY},
	{PLAIN, "A: 1\r\n", {"i 0 X-Sender:b", "i 0 B:2", "m 1 B:", "h Z:z"}, "X-Sender: b\r\nA: 1\r\nZ: z\r\n"},
	/* A field with a tab, or nothing, after its colon is not touched. */
	{PLAIN, "A:1\r\nB:\t2\r\nC:\r\n D\r\n", {"h X:y"}, "A:1\r\nB:\t2\r\nC:\r\n D\r\nX: y\r\n"},
};

static size_t number_of_ours(struct span header)
{
	struct field field;
	size_t number = 0;
	while (field_next(&header, &field) && !span_equal(field.whole, SPAN(OURS)))
		number++;
	return number;
}

START_TEST(fields_are_edited_as_by_postfix)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str header, out;
		char expected[500];
		edits_reset(&edits);
		str_init(&header, 1000);
		str_init(&out, 10000);
		str_printf(&header, "%s%s%s", OURS, rows[i].header, BODY);
		snprintf(expected, sizeof(expected), rows[i].how == ALL ? "%s" : OURS "%s" BODY, rows[i].out);
		for (size_t at = 0; at < 6 && rows[i].lines[at]; at++)
			ck_assert_ptr_null(note(rows[i].lines[at], rows[i].how != BLANK_IS_VALUE));
		size_t ours = 0;
		ck_assert(edits_header(&edits, str_span(&header), &ours, &out));
		ck_assert_uint_eq(ours, number_of_ours(str_span(&out)));
		ck_assert_msg(!strcmp(str_text(&out), expected), "row %zu: %s", i, str_text(&out));
		str_free(&header);
		str_free(&out);
	}
}
END_TEST

START_TEST(the_next_filter_does_not_count_ours_either)
{
	struct str once, twice;
	size_t ours = 0;
	str_init(&once, 1000);
	str_init(&twice, 1000);
	note("i 0 Received:inserted", true);
	ck_assert(edits_header(&edits, SPAN(OURS "Received: other\r\n"), &ours, &once));
	ck_assert_uint_eq(ours, 1);
	edits_reset(&edits);
	note("m 2 Received:two", true);
	note("m 1 Received:one", true);
	note("i 0 X:y", true);
	ck_assert(edits_header(&edits, str_span(&once), &ours, &twice));
	ck_assert_uint_eq(ours, 2);
	ck_assert_str_eq(str_text(&twice), "X: y\r\nReceived: one\r\n" OURS "Received: two\r\n");
	str_free(&once);
	str_free(&twice);
}
END_TEST

/* Nor does a field of an earlier filter, or of the client, become an envelope line. */
START_TEST(the_next_filter_does_not_make_envelope_lines_either)
{
	static const char *const names[] = {"X-Receiver: <b@b.example>\r\n", "x-sender:\r\n\ta\r\n",
					    "X-Mailroot-Hold: all\r\n"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str header, out, expected;
		size_t ours = 2;
		edits_reset(&edits);
		str_init(&header, 1000);
		str_init(&out, 1000);
		str_init(&expected, 1000);
		str_printf(&header, "X-Foo: 1\r\n%s" OURS "A: 1\r\n", names[i]);
		str_printf(&expected, OURS "%sA: 1\r\n", names[i]);
		ck_assert_ptr_null(note("m 1 X-Foo:", true));
		ck_assert(edits_header(&edits, str_span(&header), &ours, &out));
		ck_assert_str_eq(str_text(&out), str_text(&expected));
		ck_assert_uint_eq(ours, 0);
		str_free(&header);
		str_free(&out);
		str_free(&expected);
	}
}
END_TEST

START_TEST(names_and_values_that_break_the_header_are_faults)
{
	const char *names[] = {"", "A B", "A ", "A\n", "A\t", "\x7f", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_ptr_nonnull(edits_add(&edits, span_of(names[i]), SPAN("x"), true));
	ck_assert_ptr_nonnull(edits_add(&edits, SPAN("A:"), SPAN("x"), true));
	ck_assert_ptr_nonnull(edits_change(&edits, 1, SPAN("A:B"), SPAN(""), true));
	ck_assert_ptr_nonnull(edits_insert(&edits, 0, SPAN("A"), SPAN("x\0y"), true));
	ck_assert_ptr_nonnull(edits_insert(&edits, UINT32_MAX, SPAN("A"), SPAN("x"), true));
	ck_assert_ptr_nonnull(edits_change(&edits, 0x80000000U, SPAN("A"), SPAN("x"), true));
	ck_assert(edits_none(&edits));
}
END_TEST

START_TEST(edits_of_fields_are_bounded)
{
	struct str long_value;
	for (int i = 0; i < EDITS_FIELDS_MAX; i++)
		ck_assert_ptr_null(edits_add(&edits, SPAN("A"), SPAN("x"), true));
	ck_assert_str_eq(edits_add(&edits, SPAN("A"), SPAN("x"), true), "is beyond 1000 edits of fields");
	edits_reset(&edits);
	str_init(&long_value, 1 << 17);
	for (int i = 0; i < 1 << 17; i++)
		str_append_c(&long_value, 'x');
	for (int i = 0; i < 7; i++)
		ck_assert_ptr_null(edits_add(&edits, SPAN("A"), str_span(&long_value), true));
	long_value.len -= 8;
	ck_assert_ptr_null(edits_add(&edits, SPAN("A"), str_span(&long_value), true));
	ck_assert_str_eq(edits_add(&edits, SPAN("A"), SPAN("x"), true), "is beyond 1 MiB of edits of fields");
	str_free(&long_value);
}
END_TEST

START_TEST(a_header_that_is_too_large_is_refused)
{
	struct str header, out;
	size_t ours = 0;
	str_init(&header, EDITS_HEADER_MAX + 8);
	str_init(&out, 2 * EDITS_HEADER_MAX);
	while (header.len + 6 <= EDITS_HEADER_MAX)
		str_append_text(&header, "A: 1\r\n");
	ck_assert(edits_header(&edits, str_span(&header), &ours, &out));
	ck_assert(span_equal(str_span(&header), str_span(&out)));
	str_append_text(&header, "A: 1\r\n");
	ck_assert(!edits_header(&edits, str_span(&header), &ours, &out));
	header.len = 100 * 6;
	str_free(&out);
	str_init(&out, 100);
	ck_assert(!edits_header(&edits, str_span(&header), &ours, &out));
	str_free(&header);
	str_free(&out);
}
END_TEST

START_TEST(recipients_are_added_and_removed_in_order)
{
	const char *remark = NULL;
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("<new@n.example>"), SPAN(""), &remark));
	ck_assert_ptr_null(edits_remove_rcpt(&edits, SPAN("<b@b.example>")));
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("b@b.example"), SPAN(""), &remark));
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("gone@n.example"), SPAN(""), &remark));
	ck_assert_ptr_null(edits_remove_rcpt(&edits, SPAN("gone@N.example")));
	ck_assert_ptr_null(edits_remove_rcpt(&edits, SPAN("a@a.example")));
	const struct edit_rcpt *removed = edits.removed;
	ck_assert(span_equal(removed->address.text, SPAN("b@b.example")));
	ck_assert(span_equal(removed->next->address.text, SPAN("gone@N.example")));
	ck_assert(span_equal(removed->next->next->address.text, SPAN("a@a.example")) && !removed->next->next->next);
	struct edit_rcpt *added = edits.added;
	ck_assert(span_equal(added->address.text, SPAN("new@n.example")) && !added->cancelled);
	ck_assert(span_equal(added->next->address.text, SPAN("b@b.example")) && !added->next->cancelled);
	ck_assert(added->next->next->cancelled && !added->next->next->next);
	ck_assert_ptr_null(remark);
}
END_TEST

START_TEST(parameters_of_a_recipient)
{
	const char *remark = NULL;
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("<a@a.example>"),
					  SPAN("NOTIFY=SUCCESS,FAILURE  orcpt=rfc822;b@b.example"), &remark));
	ck_assert_ptr_null(remark);
	ck_assert_uint_eq(edits.added->dsn.notify, DSN_SUCCESS | DSN_FAILURE);
	ck_assert(span_equal(edits.added->dsn.orcpt, SPAN("rfc822;b@b.example")));
	const char *without_effect[] = {"NOTIFY=MAYBE", "ORCPT=nothing", "SIZE=100", "NOTIFY=NEVER NOTIFY=DELAY"};
	for (size_t i = 0; i < sizeof(without_effect) / sizeof(without_effect[0]); i++) {
		remark = NULL;
		ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("<a@a.example>"), span_of(without_effect[i]), &remark));
		ck_assert_ptr_nonnull(remark);
	}
}
END_TEST

START_TEST(addresses_are_parsed)
{
	const char *remark = NULL;
	const char *bad[] = {"<a@a.example", "a@a.example b", "<a@a.example> SIZE=1", "a@@a.example", "a@a.example\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_ptr_nonnull(edits_add_rcpt(&edits, span_of(bad[i]), SPAN(""), &remark));
		ck_assert_ptr_nonnull(edits_remove_rcpt(&edits, span_of(bad[i])));
		ck_assert_ptr_nonnull(edits_sender(&edits, span_of(bad[i])));
	}
	edits_reset(&edits);
	ck_assert_ptr_null(remark);
	ck_assert_ptr_null(edits_add_rcpt(&edits, SPAN("<>"), SPAN(""), &remark));
	ck_assert_ptr_nonnull(remark);
	ck_assert_ptr_null(edits.added);
	ck_assert_ptr_null(edits_sender(&edits, SPAN(" <s@s.example> ")));
	ck_assert(edits.sender && span_equal(edits.new_sender.text, SPAN("s@s.example")));
	ck_assert_ptr_null(edits_sender(&edits, SPAN("<>")));
	ck_assert(edits.sender && !edits.new_sender.text.len);
	ck_assert_ptr_null(edits_sender(&edits, SPAN("")));
	ck_assert(edits.sender && !edits.new_sender.text.len);
}
END_TEST

START_TEST(edits_of_recipients_are_bounded)
{
	const char *remark = NULL;
	char address[ADDRESS_LOCAL_MAX + DOMAIN_MAX + 2], orcpt[DSN_ORCPT_MAX + 8] = "ORCPT=rfc822;";
	memset(address, 'a', ADDRESS_LOCAL_MAX);
	snprintf(address + ADDRESS_LOCAL_MAX, sizeof(address) - ADDRESS_LOCAL_MAX, "@%.63s.%.63s.example", address,
		 address);
	memset(orcpt + 13, 'o', DSN_ORCPT_MAX - 7);
	for (int i = 0; i < ENVELOPE_RCPT_MAX; i++) {
		ck_assert_ptr_null(edits_add_rcpt(&edits, span_of(address), span_of(orcpt), &remark));
		ck_assert_ptr_null(remark);
	}
	ck_assert_str_eq(edits_add_rcpt(&edits, span_of(address), SPAN(""), &remark),
			 "is beyond 5000 edits of recipients");
	ck_assert_ptr_nonnull(edits_remove_rcpt(&edits, span_of(address)));
}
END_TEST

START_TEST(the_reason_of_quarantine_is_one_clean_line)
{
	char much[1000];
	memset(much, 'x', sizeof(much));
	ck_assert_ptr_null(edits_quarantine(&edits, SPAN("virus\r\nx-receiver: \xff")));
	ck_assert(edits.quarantine && span_equal(edits.reason, SPAN("virus\\x0d\\x0ax-receiver: \\xff")));
	ck_assert_ptr_null(edits_quarantine(&edits, (struct span){much, sizeof(much)}));
	ck_assert_uint_eq(edits.reason.len, EDITS_REASON_MAX);
	ck_assert(!edits_none(&edits));
	edits_reset(&edits);
	ck_assert(edits_none(&edits));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {fields_are_edited_as_by_postfix,
				      the_next_filter_does_not_count_ours_either,
				      the_next_filter_does_not_make_envelope_lines_either,
				      names_and_values_that_break_the_header_are_faults,
				      edits_of_fields_are_bounded,
				      a_header_that_is_too_large_is_refused,
				      recipients_are_added_and_removed_in_order,
				      parameters_of_a_recipient,
				      addresses_are_parsed,
				      edits_of_recipients_are_bounded,
				      the_reason_of_quarantine_is_one_clean_line};
	return run_tests("smtpd_milter_edits", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
