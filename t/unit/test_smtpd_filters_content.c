/* Large messages, those in chunks, and filters that want little of the content. */
#include "t/unit/filter_session_fixture.h"

#include "smtpd/milter/content.h"

START_TEST(test_too_large_for_it)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\n");
	for (unsigned i = 0; i < 200; i++)
		str_append_text(&text, "0123456789 0123456789\r\n");
	str_append_text(&text, ".\r\n" QUIT);
	run(FILTER "max_size 2K }", str_text(&text));
	str_free(&text);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTAQ");
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

START_TEST(test_large)
{
	struct str text;
	str_init(&text, 4 << 20);
	one->protocol = MILTER_MUTE_HEADER | MILTER_MUTE_BODY;
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\n");
	for (unsigned i = 0; i < 9000; i++)
		str_append_text(&text, "0123456789 0123456789\r\n");
	str_append_text(&text, ".\r\n" QUIT);
	run(FILTER "}", str_text(&text));
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLNBBBBEQ");
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_uint_eq(strlen(own_header()), sizeof("Subject: x\r\nX-New: it is\r\n\r\n") - 1 + 9000 * 23);
	str_free(&text);
}
END_TEST

START_TEST(test_huge_header)
{
	struct str text;
	str_init(&text, 4 << 20);
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i < 50000; i++)
		str_append_text(&text, "X-Long: 0123456789 0123456789\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	run(FILTER "when_down accept }", str_text(&text));
	str_free(&text);
	ck_assert_int_eq(code(5), 552);
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* Each field may cost the filter some time. */
START_TEST(test_many_fields)
{
	const unsigned fields = CONTENT_FIELDS_MAX - 1 + (unsigned)_i; /* and our own Received */
	struct str text;
	str_init(&text, 1 << 20);
	one->protocol = MILTER_MUTE_HEADER;
	str_append_text(&text, HELLO MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i < fields; i++)
		str_append_text(&text, "a:\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	run(FILTER "when_down accept }", str_text(&text));
	str_free(&text);
	ck_assert_int_eq(code(5), _i ? 552 : 250);
	ck_assert_uint_eq(memory.stored, !_i);
}
END_TEST

static unsigned reads;
static int (*usual_read)(void *context, uint64_t at, char *to, size_t size, size_t *got);

static int count_read(void *context, uint64_t at, char *to, size_t size, size_t *got)
{
	reads++;
	return usual_read(context, at, to, size, got);
}

/* A filter that wants nothing of the content does not limit it either, unless it changes the message. */
START_TEST(test_content_unwanted)
{
	struct str text;
	str_init(&text, 4 << 20);
	one->protocol = MILTER_NO_HEADER | MILTER_NO_EOH | MILTER_NO_BODY;
	if (_i)
		FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	str_append_text(&text, HELLO MAIL RCPT DATA MAIL RCPT "DATA\r\n");
	for (unsigned i = 0; i <= CONTENT_FIELDS_MAX; i++)
		str_append_text(&text, "a:\r\n");
	str_append_text(&text, "\r\ntext\r\n.\r\n" QUIT);
	begin(FILTER "}");
	reads = 0;
	usual_read = store.read;
	store.read = count_read;
	say(str_text(&text));
	finish();
	str_free(&text);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTEMRTEQ");
	ck_assert_int_eq(code(5), 250);
	ck_assert_int_eq(code(9), _i ? 552 : 250);
	ck_assert(_i ? reads > 0 : !reads);
}
END_TEST

START_TEST(test_chunks)
{
	FAKE_ANSWER(one, 'E', 'h', "X-New\0it is\0");
	FAKE_ANSWER(one, 'E', 'c', "");
	run(FILTER "}", HELLO MAIL RCPT "BDAT 14\r\nSubject: x\r\n\r\nBDAT 7 LAST\r\nhello\r\n" QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLNBEQ");
	ck_assert_str_eq(own_header(), "Subject: x\r\nX-New: it is\r\n\r\nhello\r\n");
}
END_TEST

START_TEST(test_refuses_chunk)
{
	FAKE_ANSWER(one, 'T', 'y', "451 4.7.9 not now\0");
	run(FILTER "}", HELLO MAIL RCPT "BDAT 14\r\nSubject: x\r\n\r\nNOOP\r\n" QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\r\n451 4.7.9 not now\r\n250 2.0.0 OK\r\n"));
}
END_TEST

int main(void)
{
	static const struct filter_test tests[] = {
		{&test_too_large_for_it, 0}, {&test_large, 0},  {&test_huge_header, 0},   {&test_many_fields, 2},
		{&test_content_unwanted, 2}, {&test_chunks, 0}, {&test_refuses_chunk, 0},
	};
	return run_filter_tests("smtpd_filters_content", tests, sizeof(tests) / sizeof(tests[0]));
}
