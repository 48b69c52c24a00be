/* Names, answers and texts of DNS lists, and which answers are a listing. */
#include "common/mail/dnsbl.h"

#include <check.h>
#include <string.h>

#include "t/unit/suite.h"

static struct ipaddr address(const char *text)
{
	struct ipaddr ip;
	ck_assert(ipaddr_parse(span_of(text), &ip));
	return ip;
}

START_TEST(names)
{
	static const struct {
		const char *ip, *name;
	} rows[] = {
		{"192.0.2.17", "17.2.0.192.bl.test"},
		{"::ffff:10.0.0.1", "1.0.0.10.bl.test"},
		{"2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test"},
	};
	char name[DOMAIN_MAX + 1], zone[DOMAIN_MAX + 1];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ipaddr ip = address(rows[i].ip);
		ck_assert(dnsbl_name(&ip, SPAN("bl.test"), name));
		ck_assert_str_eq(name, rows[i].name);
	}
	struct ipaddr longest = address("2001:db8::1");
	memset(zone, 'a', sizeof(zone));
	ck_assert(dnsbl_name(&longest, (struct span){zone, DNSBL_ZONE_MAX}, name));
	ck_assert(dnsbl_name(&longest, (struct span){zone, DOMAIN_MAX - 64}, name));
	ck_assert(!dnsbl_name(&longest, (struct span){zone, DOMAIN_MAX - 63}, name));
	ck_assert_str_eq(name, "");
}
END_TEST

START_TEST(senses)
{
	static const struct {
		const char octets[5];
		enum dnsbl_sense sense;
	} rows[] = {
		{"\x7f\0\0\2", DNSBL_LISTING},         {"\x7f\0\0\xff", DNSBL_LISTING},
		{"\x7f\0\0\0", DNSBL_LISTING},         {"\x7f\0\1\1", DNSBL_LISTING},
		{"\x7f\xff\xfe\1", DNSBL_LISTING},     {"\x7f\xfe\xff\1", DNSBL_LISTING},
		{"\x7f\xff\xff\0", DNSBL_REFUSAL},     {"\x7f\xff\xff\xfe", DNSBL_REFUSAL},
		{"\x7f\xff\xff\xff", DNSBL_REFUSAL},   {"\x7f\0\0\1", DNSBL_INVENTION},
		{"\x7e\xff\xff\xff", DNSBL_INVENTION}, {"\x80\0\0\2", DNSBL_INVENTION},
		{"\1\2\3\4", DNSBL_INVENTION},
	};
	struct dnsbl_answer mixed = {.answered = true};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(dnsbl_sense((const unsigned char *)rows[i].octets), rows[i].sense);
	ck_assert_int_eq(dnsbl_answer_sense(&mixed), DNSBL_LISTING);
	dnsbl_answer_add(&mixed, (struct span){"\x7f\0\0\2", 4});
	ck_assert_int_eq(dnsbl_answer_sense(&mixed), DNSBL_LISTING);
	dnsbl_answer_add(&mixed, (struct span){"\x7f\xff\xff\xfe", 4});
	ck_assert_int_eq(dnsbl_answer_sense(&mixed), DNSBL_REFUSAL);
	dnsbl_answer_add(&mixed, (struct span){"\x7f\0\0\2\2", 5});
	ck_assert_uint_eq(mixed.n, 2);
	for (int i = 0; i < 20; i++)
		dnsbl_answer_add(&mixed, (struct span){"\1\2\3\4", 4});
	ck_assert_uint_eq(mixed.n, DNSBL_RECORDS_MAX);
}
END_TEST

START_TEST(answers)
{
	static const char *const wrong[] = {
		"",
		"-",
		"- - - -",
		"- - ",
		"- -  -",
		"- - 127",
		"- - 1.2.3.4,",
		"- - ,1.2.3.4",
		"- - 127.0.0.02",
		"- - ::1",
		"- - 1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1"};
	static const char good[] = "127.0.0.2,127.0.0.4 - ?";
	struct dnsbl_answer found[3];
	struct str again;
	ck_assert(dnsbl_answers_parse(SPAN(good), found, 3));
	ck_assert(found[0].answered && found[1].answered && !found[2].answered);
	ck_assert_uint_eq(found[0].n, 2);
	ck_assert_mem_eq(found[0].at[1], "\x7f\0\0\4", 4);
	str_init(&again, 100);
	for (size_t i = 0; i < 3; i++) {
		if (i)
			str_append_c(&again, ' ');
		dnsbl_answer_append(&found[i], &again);
	}
	ck_assert_str_eq(str_text(&again), good);
	str_free(&again);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!dnsbl_answers_parse(span_of(wrong[i]), found, 3), "%s", wrong[i]);
}
END_TEST

/* The most that a question can have fits into its packet, and the answers into theirs. */
START_TEST(bounds)
{
	struct dnsbl_answer full = {.answered = true, .n = DNSBL_RECORDS_MAX};
	struct str text;
	memset(full.at, 0xff, sizeof(full.at));
	str_init(&text, DNSBL_ANSWERS_MAX);
	for (size_t i = 0; i < DNSBL_LISTS_MAX; i++) {
		if (i)
			str_append_c(&text, ' ');
		dnsbl_answer_append(&full, &text);
	}
	ck_assert(!text.failed);
	str_free(&text);
	ck_assert_int_ge(DNSBL_ZONES_MAX, DNSBL_LISTS_MAX * (DNSBL_ZONE_MAX + 1));
}
END_TEST

#define KEY  "abcdefghij0123456789"
#define ZONE SPAN(KEY ".a.test")

START_TEST(texts)
{
	char text[DNSBL_TEXT_MAX + 1], octets[256 * 2];
	dnsbl_text(SPAN("\5hello\7 world\n"), ZONE, text);
	ck_assert_str_eq(text, "hello world?");
	dnsbl_text(SPAN("\xffshort"), ZONE, text);
	ck_assert_str_eq(text, "short");
	dnsbl_text((struct span){"", 0}, ZONE, text);
	ck_assert_str_eq(text, "");
	memset(octets, 'x', sizeof(octets));
	octets[0] = octets[256] = (char)255;
	dnsbl_text((struct span){octets, sizeof(octets)}, ZONE, text);
	ck_assert_uint_eq(strlen(text), DNSBL_TEXT_MAX);
	dnsbl_text(SPAN("\3\r\n\xe3"), ZONE, text);
	ck_assert_str_eq(text, "???");
}
END_TEST

/* A text with the key, in whatever case, is not used, even if the key is cut. */
START_TEST(texts_with_keys)
{
	static const char *const keys[] = {KEY, "aBcDeFgHiJ0123456789"};
	static const size_t begins[] = {0, 3, DNSBL_TEXT_MAX - 20, DNSBL_TEXT_MAX - 19, DNSBL_TEXT_MAX - 1};
	char text[DNSBL_TEXT_MAX + 1], octets[1 + 230];
	struct span rdata = {octets, sizeof(octets)};
	memset(octets, 'x', sizeof(octets));
	octets[0] = (char)230;
	dnsbl_text(rdata, ZONE, text);
	ck_assert_uint_eq(strlen(text), DNSBL_TEXT_MAX);
	for (size_t i = 0; i < 2 * sizeof(begins) / sizeof(begins[0]); i++) {
		memset(octets + 1, 'x', sizeof(octets) - 1);
		memcpy(octets + 1 + begins[i / 2], keys[i % 2], strlen(KEY));
		dnsbl_text(rdata, ZONE, text);
		ck_assert_msg(!*text, "%zu: %s", begins[i / 2], text);
		dnsbl_text(rdata, SPAN("a.test"), text);
		ck_assert_uint_eq(strlen(text), DNSBL_TEXT_MAX);
	}
	/* In two strings of the record. */
	dnsbl_text(SPAN("\x0ax abcdefgh\x0dij0123456789."), ZONE, text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* The longest label as a key, of which one octet would be left. */
START_TEST(text_with_the_longest_key)
{
	char zone[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk.test";
	char text[DNSBL_TEXT_MAX + 1], octets[1 + 255];
	struct span rdata = {octets, sizeof(octets)};
	ck_assert_uint_eq(dnsbl_key(span_of(zone)).len, DOMAIN_LABEL_MAX);
	memset(octets, 'x', sizeof(octets));
	octets[0] = (char)255;
	dnsbl_text(rdata, span_of(zone), text);
	ck_assert_uint_eq(strlen(text), DNSBL_TEXT_MAX);
	memset(octets + DNSBL_TEXT_MAX, 'k', DOMAIN_LABEL_MAX - 8);
	octets[0] = (char)(DNSBL_TEXT_MAX - 1 + DOMAIN_LABEL_MAX - 8);
	dnsbl_text((struct span){octets, 1U + (unsigned char)octets[0]}, span_of(zone), text);
	ck_assert_uint_eq(strlen(text), DNSBL_TEXT_MAX);
	memset(octets + 1, 'x', sizeof(octets) - 1);
	memset(octets + 1 + 255 - DOMAIN_LABEL_MAX, 'k', DOMAIN_LABEL_MAX);
	octets[0] = (char)255;
	dnsbl_text(rdata, span_of(zone), text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(keys)
{
	static const struct {
		const char *zone, *shown;
	} rows[] = {
		{"zen.spamhaus.org", "zen.spamhaus.org"},
		{"abcdefghij0123456789abcdef.zen.dq.spamhaus.net", "***.zen.dq.spamhaus.net"},
		{"abcdefghij012345.test", "***.test"},
		{"abcdefghij01234.test", "abcdefghij01234.test"},
		{"abcdefghij012345", "abcdefghij012345"},
		{"", ""},
	};
	char shown[DOMAIN_MAX + 1];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dnsbl_shown(span_of(rows[i].zone), shown);
		ck_assert_str_eq(shown, rows[i].shown);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {names, senses, answers, bounds, texts, texts_with_keys, text_with_the_longest_key,
				      keys};
	return run_tests("dnsbl", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
