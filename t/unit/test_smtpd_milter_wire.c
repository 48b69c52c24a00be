#include <check.h>
#include <string.h>

#include "smtpd/milter/milter_wire.h"
#include "t/unit/suite.h"

static struct str out;

static void setup(void)
{
	str_init(&out, 1 << 20);
}

static void teardown(void)
{
	str_free(&out);
}

START_TEST(packets_are_framed)
{
	struct milter_packet packet;
	size_t taken;
	uint32_t length;
	milter_wrap_end(&out, milter_wrap(&out, 'c'));
	size_t at = milter_wrap(&out, 'h');
	milter_put_u32(&out, 0x01020304);
	milter_put_string(&out, SPAN("name\0cut"));
	milter_wrap_end(&out, at);
	ck_assert(span_equal(str_span(&out), SPAN("\0\0\0\1c\0\0\0\12h\1\2\3\4name\0")));
	for (size_t len = 0; len < 5; len++)
		ck_assert(milter_unwrap((struct span){out.at, len}, &packet, &taken, &length) == MILTER_PARTIAL &&
			  !taken);
	ck_assert(milter_unwrap(str_span(&out), &packet, &taken, &length) == MILTER_WHOLE);
	ck_assert(taken == 5 && packet.letter == 'c' && !packet.data.len);
	struct span rest = span_skip(str_span(&out), taken);
	ck_assert(milter_unwrap((struct span){rest.at, rest.len - 1}, &packet, &taken, &length) == MILTER_PARTIAL);
	ck_assert(milter_unwrap(rest, &packet, &taken, &length) == MILTER_WHOLE && taken == rest.len);
	uint32_t value;
	struct span name;
	ck_assert(milter_get_u32(&packet.data, &value) && value == 0x01020304);
	ck_assert(!milter_get_u32(&(struct span){"abc", 3}, &value));
	ck_assert(milter_get_string(&packet.data, &name) && span_equal(name, SPAN("name")) && !packet.data.len);
	ck_assert(!milter_get_string(&packet.data, &name));
	ck_assert(!milter_get_string(&SPAN("abc"), &name));
}
END_TEST

START_TEST(lengths_are_bounded)
{
	static const struct {
		struct span in;
		enum milter_framing framing;
	} rows[] = {
		{SPAN("\0\0\0\0"), MILTER_BAD_LENGTH},         {SPAN("\0\1\xff\xfe"), MILTER_PARTIAL},
		{SPAN("\0\1\xff\xff"), MILTER_BAD_LENGTH},     {SPAN("\x80\0\0\0"), MILTER_BAD_LENGTH},
		{SPAN("\xff\xff\xff\xff"), MILTER_BAD_LENGTH}, {SPAN("\0\0\0\1"), MILTER_PARTIAL},
	};
	struct milter_packet packet;
	size_t taken;
	uint32_t length;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(milter_unwrap(rows[i].in, &packet, &taken, &length) == rows[i].framing, "row %zu", i);
}
END_TEST

START_TEST(the_choice_of_a_filter)
{
	struct milter_choice choice;
	const char *why;
	static const struct span good = SPAN("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"
					     "\0\0\0\0j, {daemon_name}\0"
					     "\0\0\0\11future\0"
					     "\0\0\0\3\0"),
				 bad[] = {
					 SPAN(""),
					 SPAN("\0\0\0\6\0\0\0\0\0\0\0"),
					 SPAN("\0\0\0\1\0\0\0\0\0\0\0\0"),
					 SPAN("\0\0\0\7\0\0\0\0\0\0\0\0"),
					 SPAN("\0\0\0\6\0\0\2\0\0\0\0\0"),
					 SPAN("\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\1j"),
					 SPAN("\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0"),
				 };
	ck_assert(milter_choice_parse(good, &choice, &why));
	ck_assert(choice.version == 6 && choice.actions == MILTER_ACTIONS && choice.protocol == MILTER_PROTOCOL);
	ck_assert(span_equal(choice.lists[MILTER_AT_CONNECT], SPAN("j, {daemon_name}")));
	ck_assert(!choice.lists[MILTER_AT_RCPT].at && !choice.lists[MILTER_AT_EOM].at);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!milter_choice_parse(bad[i], &choice, &why) && why, "row %zu", i);
	ck_assert(milter_choice_parse(SPAN("\0\0\0\2\0\0\0\0\xf0\x20\0\1"), &choice, &why));
	ck_assert_uint_eq(choice.protocol, MILTER_NO_CONNECT);
}
END_TEST

START_TEST(lists_of_macros)
{
	struct span list = SPAN(" j,{daemon_name}\t ,v "), name;
	ck_assert(milter_list_next(&list, &name) && span_equal(name, SPAN("j")));
	ck_assert(milter_list_next(&list, &name) && span_equal(name, SPAN("{daemon_name}")));
	ck_assert(milter_list_next(&list, &name) && span_equal(name, SPAN("v")));
	ck_assert(!milter_list_next(&list, &name));
	ck_assert(milter_macro_equal(SPAN("i"), SPAN("{i}")) && milter_macro_equal(SPAN("{ab}"), SPAN("{ab}")));
	ck_assert(!milter_macro_equal(SPAN("i"), SPAN("j")) && !milter_macro_equal(SPAN("{}"), SPAN("")));
}
END_TEST

static const struct {
	const char *in;
	int code;
	const char *enhanced, *text;
} replies[] = {
	{"550 5.7.1 No", 550, "5.7.1", "No"},
	{"451 try later", 451, "", "try later"},
	{"421 4.7.0", 421, "4.7.0", ""},
	{"550 ", 550, "", ""},
	{"550-5.7.1 One\r\n550 5.7.1 Two", 550, "5.7.1", "One\nTwo"},
	{"550-5.7.1 One\r\n550-\r\n550 5.7.0 Three\r\n", 550, "5.7.1", "One\n\nThree"},
	{"550 5.7.1 100%% sure, %5 and %", 550, "5.7.1", "100% sure, 5 and "},
	{"550 5.7.1 \xe4rger\tno", 550, "5.7.1", "?rger no"},
	{"550 5.7.1text", 550, "", "5.7.1text"},
	/* Faults. */
	{.in = ""},
	{.in = "550"},
	{.in = "250 2.0.0 fine"},
	{.in = "354 go on"},
	{.in = "600 5.0.0 what"},
	{.in = "55 5.0.0 short"},
	{.in = "5x0 text"},
	{.in = " 550 text"},
	{.in = "550 4.7.1 other class"},
	{.in = "550 2.0.0 other class"},
	{.in = "550-5.7.1 never ends"},
	{.in = "550-5.7.1 never ends\r\n"},
	{.in = "550 5.7.1 ends twice\r\n550 5.7.1 x"},
	{.in = "550-5.7.1 one code\r\n551 5.7.1 another"},
	{.in = "550 5.7.1 bare\nline"},
	{.in = "550 5.7.1 bare\rline"},
	{.in = "550 5.7.1 bare\r"},
	{.in = "550 5.7.1 a\r\n250 ok"},
	{.in = "550 5.7.1 \x1b[31m"},
	{.in = "550_5.7.1 what"},
};

START_TEST(replies_are_parsed_strictly)
{
	struct milter_reply reply;
	str_init(&reply.text, MILTER_REPLY_MAX);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		const char *why = NULL;
		char enhanced[ENHANCED_TEXT_MAX];
		bool ok = milter_reply_parse(span_of(replies[i].in), &reply, &why);
		ck_assert_msg(ok == (replies[i].code != 0), "row %zu: %s", i, why);
		if (!ok) {
			ck_assert_ptr_nonnull(why);
			continue;
		}
		enhanced_format(reply.enhanced, enhanced);
		ck_assert_int_eq(reply.code, replies[i].code);
		ck_assert_str_eq(enhanced, replies[i].enhanced);
		ck_assert_str_eq(str_text(&reply.text), replies[i].text);
	}
	str_free(&reply.text);
}
END_TEST

START_TEST(replies_are_bounded)
{
	struct milter_reply reply;
	const char *why;
	str_init(&reply.text, MILTER_REPLY_MAX);
	for (int lines = MILTER_REPLY_LINES_MAX; lines <= MILTER_REPLY_LINES_MAX + 1; lines++) {
		str_clear(&out);
		for (int i = 1; i <= lines; i++)
			str_printf(&out, "550%c%0*d%s", i < lines ? '-' : ' ', MILTER_REPLY_LINE_MAX, 0,
				   i < lines ? "\r\n" : "");
		ck_assert(milter_reply_parse(str_span(&out), &reply, &why) == (lines == MILTER_REPLY_LINES_MAX));
	}
	str_clear(&out);
	str_printf(&out, "550 %0*d", MILTER_REPLY_LINE_MAX + 1, 0);
	ck_assert(!milter_reply_parse(str_span(&out), &reply, &why));
	str_free(&reply.text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {packets_are_framed, lengths_are_bounded,         the_choice_of_a_filter,
				      lists_of_macros,    replies_are_parsed_strictly, replies_are_bounded};
	return run_tests("smtpd_milter_wire", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
