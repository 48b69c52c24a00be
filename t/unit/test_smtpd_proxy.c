/* The PROXY header: both versions, each length, checks, and what is no header. */
#include <stdlib.h>
#include <string.h>

#include "smtpd/proxy/proxy_header.h"
#include "t/unit/suite.h"

static struct proxy_header header;
static const char *why;

/* Feeds OCTETS as a reader does: never more than was asked for. The length of the header, or 0. */
static size_t parse(struct span octets)
{
	size_t have = 0, need = PROXY_HEADER_FIRST;
	for (;;) {
		if (need > octets.len)
			return 0;
		ck_assert_uint_gt(need, have);
		have = need;
		char *copy = malloc(have);
		memcpy(copy, octets.at, have);
		enum proxy_result result = proxy_header_parse((struct span){copy, have}, &header, &need, &why);
		free(copy);
		if (result == PROXY_WRONG)
			return 0;
		if (result == PROXY_OK) {
			ck_assert_uint_eq(need, have);
			return need;
		}
	}
}

static void expect(const struct ipaddr *ip, uint16_t port, const char *text, uint16_t number)
{
	char shown[IPADDR_TEXT_MAX];
	ipaddr_format(ip, shown);
	ck_assert_str_eq(shown, text);
	ck_assert_uint_eq(port, number);
}

START_TEST(version_1)
{
	struct span v4 = SPAN("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\nEHLO x\r\n");
	ck_assert_uint_eq(parse(v4), v4.len - strlen("EHLO x\r\n"));
	expect(&header.client, header.client_port, "192.0.2.7", 56324);
	expect(&header.server, header.server_port, "198.51.100.1", 25);
	ck_assert(!header.check);
	ck_assert_uint_gt(parse(SPAN("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n")), 0);
	expect(&header.client, header.client_port, "2001:db8::7", 65535);
	ck_assert_uint_gt(parse(SPAN("PROXY UNKNOWN\r\n")), 0);
	ck_assert(header.check);
	struct span longest = SPAN(
		"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
	ck_assert_uint_eq(longest.len, PROXY_HEADER_V1_MAX);
	ck_assert_uint_eq(parse(longest), PROXY_HEADER_V1_MAX);
	ck_assert(header.check);
}
END_TEST

START_TEST(wrong_lines)
{
	static const char *const wrongs[] = {
		"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25 \r\n",
		"PROXY TCP4 192.0.2.7  198.51.100.1 56324 25\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 056 25\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n",
		"PROXY TCP4 192.0.2.256 198.51.100.1 56324 25\r\n",
		"PROXY TCP4 2001:db8::7 ::1 56324 25\r\n",
		"PROXY TCP6 192.0.2.7 198.51.100.1 56324 25\r\n",
		"PROXY UDP4 192.0.2.7 198.51.100.1 56324 25\r\n",
		"PROXY tcp4 192.0.2.7 198.51.100.1 56324 25\r\n",
		"proxy TCP4 192.0.2.7 198.51.100.1 56324 25\r\n",
		"PROXY \r\n      ",
		"PROXY \n      ",
		"EHLO client.example\r\n",
		"\r\n\r\n\r\n\r\n\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		why = NULL;
		ck_assert_msg(!parse(span_of(wrongs[i])), "%s", wrongs[i]);
		ck_assert_msg(why, "%s", wrongs[i]);
	}
	char endless[PROXY_HEADER_V1_MAX + 10];
	memset(endless, 'x', sizeof(endless));
	memcpy(endless, "PROXY UNKNOWN ", strlen("PROXY UNKNOWN "));
	why = NULL;
	ck_assert_uint_eq(parse((struct span){endless, sizeof(endless)}), 0);
	ck_assert_str_eq(why, "its line is longer than 107 octets");
}
END_TEST

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

START_TEST(version_2)
{
	struct span v4 = SPAN(SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"
					"EHLO");
	ck_assert_uint_eq(parse(v4), 28);
	expect(&header.client, header.client_port, "192.0.2.7", 56324);
	expect(&header.server, header.server_port, "198.51.100.1", 25);
	struct span v6 = SPAN(SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
					"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\x02\x4b");
	ck_assert_uint_eq(parse(v6), 52);
	expect(&header.client, header.client_port, "2001:db8::7", 65535);
	expect(&header.server, header.server_port, "::1", 587);
}
END_TEST

START_TEST(checks_of_version_2)
{
	ck_assert_uint_eq(parse(SPAN(SIGNATURE "\x20\0\0\0")), 16);
	ck_assert(header.check);
	ck_assert_uint_eq(parse(SPAN(SIGNATURE "\x20\x11\0\x03"
					       "abcd")),
			  19);
	ck_assert(header.check);
	ck_assert_uint_eq(parse(SPAN(SIGNATURE "\x21\0\0\0")), 16);
	ck_assert(header.check);
}
END_TEST

START_TEST(fields_of_version_2)
{
	/* Unique id, TLS with version and cipher. */
	struct span tls = SPAN(SIGNATURE "\x21\x11\0\x33\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"
					 "\x05\0\x02hi"
					 "\x20\0\x1f\x01\0\0\0\0"
					 "\x21\0\x07TLSv1.3"
					 "\x23\0\x0d"
					 "TLS_AES_\"256\"");
	ck_assert_uint_eq(parse(tls), 16 + 0x33);
	ck_assert_str_eq(header.tls.version, "TLSv1.3");
	ck_assert_ptr_null(strchr(header.tls.cipher, '"'));
	/* The checksum, made by another implementation, counts itself as zeros. */
	struct span summed = SPAN(SIGNATURE "\x21\x11\0\x13\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"
					    "\x03\0\x04"
					    "\x0b\xc9\xf7\x04");
	ck_assert_uint_eq(parse(summed), 16 + 0x13);
	char broken[16 + 0x13];
	for (size_t i = 12; i < sizeof(broken); i++) {
		if (i == 28) /* the type of the field: without it nothing is checked */
			continue;
		memcpy(broken, summed.at, sizeof(broken));
		broken[i] ^= 0x40;
		ck_assert_msg(!parse((struct span){broken, sizeof(broken)}) || header.check, "%zu", i);
	}
}
END_TEST

START_TEST(wrong_octets)
{
	static const struct span wrongs[] = {
		SPAN(SIGNATURE "\x11\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"), /* version 1 */
		SPAN(SIGNATURE "\x22\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"), /* command 2 */
		SPAN(SIGNATURE "\x21\x12\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"), /* UDP */
		SPAN(SIGNATURE "\x21\x11\0\x0b\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0"),     /* cut */
		SPAN(SIGNATURE
		     "\x21\x21\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19"), /* IPv6 that is too short */
		SPAN(SIGNATURE "\x21\x11\0\x0e\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19\x05\0"),
		SPAN(SIGNATURE "\x21\x11\0\x0f\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19\x05\0\x01"),
		SPAN(SIGNATURE "\x21\x11\0\x13\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19\x20\0\x04\x01\0\0\0"),
		SPAN(SIGNATURE "\x21\x11\x04\x01"), /* 1,025 octets */
	};
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		why = NULL;
		ck_assert_msg(!parse(wrongs[i]), "%zu", i);
		ck_assert_msg(why, "%zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_proxy");
	TCase *tc = tcase_create("header");
	tcase_add_test(tc, version_1);
	tcase_add_test(tc, wrong_lines);
	tcase_add_test(tc, version_2);
	tcase_add_test(tc, checks_of_version_2);
	tcase_add_test(tc, fields_of_version_2);
	tcase_add_test(tc, wrong_octets);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
