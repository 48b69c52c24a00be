/* The attributes of XCLIENT: each of them, its faults, and how long they may be. */
#include "smtpd/protocol/xclient.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/suite.h"

static struct xclient out;
static struct span culprit;

static const char *parse(const char *args)
{
	return xclient_parse(span_of(args), &out, &culprit);
}

static void expect_address(const char *args, const char *address)
{
	char shown[IPADDR_TEXT_MAX];
	const char *fault = parse(args);
	ck_assert_msg(!fault && out.said[XCLIENT_ADDR], "%s: %s", args, fault);
	ipaddr_format(&out.address, shown);
	ck_assert_str_eq(shown, address);
}

START_TEST(all_attributes)
{
	ck_assert_ptr_null(parse(" \tname=Spike.Example.org addr=192.0.2.7\tPORT=50000 PROTO=esmtp HELO=a+2Bb+20c"
				 " LOGIN=ann+40example.com DESTADDR=IPV6:2001:db8::1 DESTPORT=587 "));
	for (size_t i = 0; i < XCLIENT_COUNT; i++)
		ck_assert(out.said[i]);
	ck_assert_str_eq(out.name, "spike.example.org");
	ck_assert_uint_eq(out.port, 50000);
	ck_assert(out.esmtp);
	ck_assert_str_eq(out.helo, "a+b c");
	ck_assert_str_eq(out.login, "ann@example.com");
	ck_assert_str_eq(out.server, "2001:db8::1");
	ck_assert_uint_eq(out.server_port, 587);
	ck_assert_ptr_null(parse("PROTO=SMTP"));
	ck_assert(out.said[XCLIENT_PROTO] && !out.esmtp && !out.said[XCLIENT_ADDR]);
}
END_TEST

START_TEST(addresses)
{
	expect_address("ADDR=192.0.2.7", "192.0.2.7");
	expect_address("ADDR=ipv6:2001:DB8::7", "2001:db8::7");
	expect_address("ADDR=IPv6:::ffff:192.0.2.7", "192.0.2.7");
	expect_address("ADDR=[unavailable]", "0.0.0.0");
	expect_address("ADDR=+31+39+32.0.2.7", "192.0.2.7");
}
END_TEST

START_TEST(what_is_unavailable)
{
	ck_assert_ptr_null(parse("NAME=[TempUnavail] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=[UNAVAILABLE]"
				 " LOGIN=[UNAVAILABLE] DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE]"));
	ck_assert(out.said[XCLIENT_NAME] && out.said[XCLIENT_LOGIN] && out.said[XCLIENT_DESTADDR]);
	ck_assert_str_eq(out.name, "");
	ck_assert_str_eq(out.helo, "");
	ck_assert_str_eq(out.login, "");
	ck_assert_str_eq(out.server, "");
	ck_assert_uint_eq(out.port + out.server_port, 0);
	ck_assert_ptr_null(parse("NAME=[UNAVAILABLE]"));
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *args, *culprit, *fault;
	} rows[] = {
		{"", "", "needs attribute=value"},
		{" \t", "", "needs attribute=value"},
		{"ADDR", "ADDR", "is no attribute=value"},
		{"ADDR=192.0.2.7 x", "x", "is no attribute=value"},
		{"=192.0.2.7", "=192.0.2.7", "is unknown"},
		{"SOURCE=a", "SOURCE=a", "is unknown"},
		{"ADDRE=192.0.2.7", "ADDRE=192.0.2.7", "is unknown"},
		{"ADDR=192.0.2.7 addr=192.0.2.8", "addr=192.0.2.8", "comes twice"},
		{"ADDR=", "ADDR=", "is not encoded as xtext (RFC 3461 4)"},
		{"ADDR=192.0.2.7=1", "ADDR=192.0.2.7=1", "is not encoded as xtext (RFC 3461 4)"},
		{"HELO=a+4", "HELO=a+4", "is not encoded as xtext (RFC 3461 4)"},
		{"HELO=a+4g", "HELO=a+4g", "is not encoded as xtext (RFC 3461 4)"},
		{"HELO=a+00b", "HELO=a+00b", "has an octet 0"},
		{"NAME=a..test", "NAME=a..test", "is no host name, [UNAVAILABLE] or [TEMPUNAVAIL]"},
		{"NAME=192.0.2.7+0D+0A", "NAME=192.0.2.7+0D+0A", "is no host name, [UNAVAILABLE] or [TEMPUNAVAIL]"},
		{"ADDR=2001:db8::7", "ADDR=2001:db8::7", "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
		{"ADDR=IPV6:192.0.2.7", "ADDR=IPV6:192.0.2.7", "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
		{"ADDR=[192.0.2.7]", "ADDR=[192.0.2.7]", "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
		{"ADDR=[TEMPUNAVAIL]", "ADDR=[TEMPUNAVAIL]", "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
		{"DESTADDR=x", "DESTADDR=x", "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
		{"PORT=65536", "PORT=65536", "is no port or [UNAVAILABLE]"},
		{"DESTPORT=-1", "DESTPORT=-1", "is no port or [UNAVAILABLE]"},
		{"PROTO=LMTP", "PROTO=LMTP", "is not SMTP or ESMTP"},
		{"PROTO=[UNAVAILABLE]", "PROTO=[UNAVAILABLE]", "is not SMTP or ESMTP"},
		{"LOGIN=a+20b", "LOGIN=a+20b", "is no name of a user or [UNAVAILABLE]"},
		{"LOGIN=a+3Ab", "LOGIN=a+3Ab", "is no name of a user or [UNAVAILABLE]"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *fault = parse(rows[i].args);
		ck_assert_msg(fault && strcmp(fault, rows[i].fault) == 0, "%s: %s", rows[i].args, fault);
		ck_assert_msg(span_equal(culprit, span_of(rows[i].culprit)), "%s", rows[i].args);
	}
}
END_TEST

START_TEST(lengths)
{
	char args[512];
	snprintf(args, sizeof(args), "HELO=%0*d", XCLIENT_VALUE_MAX, 0);
	ck_assert_ptr_null(parse(args));
	ck_assert_uint_eq(strlen(out.helo), XCLIENT_VALUE_MAX);
	snprintf(args, sizeof(args), "HELO=%0*d", XCLIENT_VALUE_MAX + 1, 0);
	ck_assert_str_eq(parse(args), "is longer than 255 octets");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_xclient");
	TCase *tc = tcase_create("xclient");
	tcase_add_test(tc, all_attributes);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, what_is_unavailable);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, lengths);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
