/* Expected lines of each format, and values that try to break a line. */
#include "common/base/installed.h"
#include "queue/log/log_format.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BITS(...) bits((const enum config_log_field[]){__VA_ARGS__, LOG_FIELD_COUNT})

enum { ALL_FIELDS = (1 << LOG_FIELD_COUNT) - 1 };

static struct str out;
static struct wire_record mail;

static unsigned bits(const enum config_log_field *fields)
{
	unsigned set = 0;
	for (; *fields != LOG_FIELD_COUNT; fields++)
		set |= 1U << *fields;
	return set;
}

static void setup(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	str_init(&out, LOG_FORMAT_LINE_MAX);
	mail = (struct wire_record){
		.time_ms = 1155907057123, /* 2006-08-18T13:17:37Z */
		.session = 77,
		.peer = SPAN("10.3.5.1"),
		.peer_port = 40000,
		.ours = SPAN("10.200.200.1"),
		.our_port = 25,
		.name = SPAN("host"),
		.verb = SPAN("MAIL"),
		.argument = SPAN("FROM:<a@b> SIZE=9"),
		.code = 250,
		.text = SPAN("2.1.0 a@b....Sender OK"),
		.octets_in = 42,
		.octets_out = 33,
		.took_ms = 90,
	};
}

static void teardown(void)
{
	str_free(&out);
}

static const char *line_of(enum config_log_format format, unsigned fields)
{
	const struct log_format f = {format, fields, "SMTPSVC1", "MAIL01"};
	str_clear(&out);
	log_format_record(&f, &mail, &out);
	return str_text(&out);
}

/* The samples in the help of the Windows service, which administrators know. */
START_TEST(lines_are_those_of_windows)
{
	mail.verb = SPAN("MAIL FROM");
	mail.argument = SPAN("FROM:<a@b>");
	mail.octets_out = 0;
	mail.octets_in = 42;
	ck_assert_str_eq(line_of(CONFIG_LOG_IIS, 0),
			 "10.3.5.1, host, 8/18/06, 13:17:37, SMTPSVC1, MAIL01, 10.200.200.1, 90, 42, 0, 250, 0, "
			 "MAIL FROM, -, FROM:<a@b>,\n");
	mail.verb = SPAN("MAIL");
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, BITS(LOG_FIELD_TIME, LOG_FIELD_C_IP, LOG_FIELD_METHOD,
						      LOG_FIELD_URI_STEM, LOG_FIELD_STATUS)),
			 "13:17:37 10.3.5.1 MAIL - 250\n");
}
END_TEST

START_TEST(w3c_with_every_field)
{
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, ALL_FIELDS),
			 "2006-08-18 13:17:37 10.3.5.1 host SMTPSVC1 MAIL01 10.200.200.1 25 MAIL - FROM:<a@b>+SIZE=9 "
			 "250 0 33 42 90 SMTP - - - - 77 2.1.0+a@b....Sender+OK\n");
}
END_TEST

START_TEST(w3c_with_one_field)
{
	static const char *const values[LOG_FIELD_COUNT] = {
		[LOG_FIELD_DATE] = "2006-08-18",
		[LOG_FIELD_TIME] = "13:17:37",
		[LOG_FIELD_C_IP] = "10.3.5.1",
		[LOG_FIELD_S_PORT] = "25",
		[LOG_FIELD_STATUS] = "250",
		[LOG_FIELD_SC_BYTES] = "33",
		[LOG_FIELD_CS_BYTES] = "42",
		[LOG_FIELD_TIME_TAKEN] = "90",
		[LOG_FIELD_WIN32_STATUS] = "0",
		[LOG_FIELD_USERNAME] = "host",
		[LOG_FIELD_SESSION] = "77",
		[LOG_FIELD_METHOD] = "MAIL",
		[LOG_FIELD_HOST] = "-",
		[LOG_FIELD_USER_AGENT] = "-",
		[LOG_FIELD_COOKIE] = "-",
		[LOG_FIELD_REFERER] = "-",
		[LOG_FIELD_VERSION] = "SMTP",
		[LOG_FIELD_URI_STEM] = "-",
		[LOG_FIELD_S_IP] = "10.200.200.1",
	};
	for (enum config_log_field field = 0; field < LOG_FIELD_COUNT; field++) {
		const char *line = line_of(CONFIG_LOG_W3C, 1U << field);
		if (values[field])
			ck_assert_msg(strncmp(line, values[field], strlen(line) - 1) == 0, "%s: %s",
				      config_log_field_name(field), line);
		ck_assert_ptr_null(strchr(line, ' '));
	}
}
END_TEST

START_TEST(ncsa_uses_local_time)
{
	ck_assert_str_eq(line_of(CONFIG_LOG_NCSA, 0), "10.3.5.1 - host [18/Aug/2006:13:17:37 +0000] "
						      "\"MAIL FROM:<a@b> SIZE=9 SMTP\" 250 33\n");
	setenv("TZ", "ABC-9", 1);
	tzset();
	ck_assert_str_eq(line_of(CONFIG_LOG_NCSA, 0), "10.3.5.1 - host [18/Aug/2006:22:17:37 +0900] "
						      "\"MAIL FROM:<a@b> SIZE=9 SMTP\" 250 33\n");
	ck_assert_ptr_nonnull(strstr(line_of(CONFIG_LOG_IIS, 0), ", 8/18/06, 22:17:37, "));
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, 1U << LOG_FIELD_TIME), "13:17:37\n");
	setenv("TZ", "ABC3:30", 1);
	tzset();
	ck_assert_ptr_nonnull(strstr(line_of(CONFIG_LOG_NCSA, 0), "[18/Aug/2006:09:47:37 -0330]"));
}
END_TEST

START_TEST(json_has_everything)
{
	ck_assert_str_eq(
		line_of(CONFIG_LOG_JSON, 0),
		"{\"time\":\"2006-08-18T13:17:37.123Z\",\"server\":\"SMTPSVC1\",\"direction\":\"in\",\"session\":77,"
		"\"peer\":\"10.3.5.1\",\"peer_port\":40000,\"ours\":\"10.200.200.1\",\"our_port\":25,\"name\":\"host\","
		"\"verb\":\"MAIL\",\"argument\":\"FROM:<a@b> SIZE=9\",\"code\":250,"
		"\"text\":\"2.1.0 a@b....Sender OK\",\"octets_in\":42,\"octets_out\":33,\"ms\":90}\n");
}
END_TEST

START_TEST(outbound_has_the_names_of_windows)
{
	const unsigned fields = BITS(LOG_FIELD_USERNAME, LOG_FIELD_S_PORT, LOG_FIELD_METHOD, LOG_FIELD_URI_QUERY);
	mail.outbound = true;
	mail.peer_port = 25;
	mail.our_port = 40000;
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, fields), "OutboundConnectionCommand 25 MAIL FROM:<a@b>+SIZE=9\n");
	mail.verb.len = 0;
	mail.argument = SPAN("250 2.1.0 ok");
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, fields), "OutboundConnectionResponse 25 - 250+2.1.0+ok\n");
	ck_assert_ptr_nonnull(strstr(line_of(CONFIG_LOG_JSON, 0), "\"direction\":\"out\""));
}
END_TEST

START_TEST(an_empty_value_is_a_dash)
{
	mail = (struct wire_record){0};
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, ALL_FIELDS),
			 "1970-01-01 00:00:00 - - SMTPSVC1 MAIL01 - 0 - - - 0 0 0 0 0 SMTP - - - - 0 -\n");
	ck_assert_str_eq(line_of(CONFIG_LOG_IIS, 0),
			 "-, -, 1/1/70, 00:00:00, SMTPSVC1, MAIL01, -, 0, 0, 0, 0, 0, -, -, -,\n");
	ck_assert_str_eq(line_of(CONFIG_LOG_NCSA, 0), "- - - [01/Jan/1970:00:00:00 +0000] \"- - SMTP\" 0 0\n");
}
END_TEST

START_TEST(no_value_can_forge_a_line_or_a_field)
{
	mail.argument = SPAN("a\r\nb\t\"c, d\\\x7f\xe6 \0e");
	ck_assert_str_eq(line_of(CONFIG_LOG_W3C, 1U << LOG_FIELD_URI_QUERY),
			 "a\\x0d\\x0ab\\x09\"c,+d\\\\x7f\\xe6+\\x00e\n");
	ck_assert_ptr_nonnull(
		strstr(line_of(CONFIG_LOG_IIS, 0), ", a\\x0d\\x0ab\\x09\"c\\x2c d\\\\x7f\\xe6 \\x00e,\n"));
	ck_assert_ptr_nonnull(
		strstr(line_of(CONFIG_LOG_NCSA, 0), "\"MAIL a\\x0d\\x0ab\\x09\\x22c, d\\\\x7f\\xe6 \\x00e SMTP\""));
	ck_assert_ptr_nonnull(
		strstr(line_of(CONFIG_LOG_JSON, 0), "\"a\\u000d\\u000ab\\u0009\\\"c, d\\\\\\u007f\\u00e6 \\u0000e\""));
}
END_TEST

START_TEST(header_names_the_fields)
{
	const struct log_format f = {CONFIG_LOG_W3C, BITS(LOG_FIELD_TIME, LOG_FIELD_C_IP, LOG_FIELD_USER_AGENT), "s",
				     "c"};
	const struct log_format json = {CONFIG_LOG_JSON, 0, "s", "c"};
	log_format_header(&f, 1155907057123, &out);
	ck_assert_str_eq(str_text(&out),
			 "#Software: Mailroot " MAILROOT_VERSION "\n#Version: 1.0\n#Date: 2006-08-18 13:17:37\n"
			 "#Fields: time c-ip cs(User-Agent)\n");
	str_clear(&out);
	log_format_header(&json, 1155907057123, &out);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(lost_records_are_reported)
{
	const struct log_format w3c = {CONFIG_LOG_W3C, ALL_FIELDS, "s", "c"};
	const struct log_format iis = {CONFIG_LOG_IIS, 0, "s", "c"};
	log_format_lost(&w3c, 12, 1155907057123, &out);
	ck_assert_str_eq(str_text(&out), "#Remark: 12 records were lost before 2006-08-18 13:17:37\n");
	str_clear(&out);
	log_format_lost(&iis, 12, 1155907057123, &out);
	ck_assert_ptr_nonnull(strstr(str_text(&out), ", LOST, -, 12,\n"));
}
END_TEST

/* The longest values of the worst octets fit the bound of a line. */
START_TEST(longest_record_fits)
{
	static char octets[4096];
	memset(octets, 1, sizeof(octets));
	mail.peer = mail.ours = (struct span){octets, 46};
	mail.name = (struct span){octets, 255};
	mail.verb = (struct span){octets, 16};
	mail.argument = (struct span){octets, 2048};
	mail.text = (struct span){octets, 512};
	mail.session = mail.octets_in = mail.octets_out = UINT64_MAX;
	for (enum config_log_format format = CONFIG_LOG_W3C; format < CONFIG_LOG_FORMAT_COUNT; format++) {
		const char *line = line_of(format, ALL_FIELDS);
		ck_assert(!out.failed);
		ck_assert_ptr_eq(strchr(line, '\n'), line + out.len - 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_format");
	TCase *tc = tcase_create("lines");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_are_those_of_windows);
	tcase_add_test(tc, w3c_with_every_field);
	tcase_add_test(tc, w3c_with_one_field);
	tcase_add_test(tc, ncsa_uses_local_time);
	tcase_add_test(tc, json_has_everything);
	tcase_add_test(tc, outbound_has_the_names_of_windows);
	tcase_add_test(tc, an_empty_value_is_a_dash);
	tcase_add_test(tc, no_value_can_forge_a_line_or_a_field);
	tcase_add_test(tc, header_names_the_fields);
	tcase_add_test(tc, lost_records_are_reported);
	tcase_add_test(tc, longest_record_fits);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
