/* Lines of logs in each format, as IIS and Mailroot write them, and damaged ones. */
#include <string.h>

#include "ctl/replay/logfile.h"
#include "ctl/replay/moment.h"
#include "t/unit/suite.h"

static struct logfile file;
static struct row row;
static const char *why;

static void begin(const char *name)
{
	logfile_init(&file, name);
}

static enum logfile_line take(const char *line)
{
	why = NULL;
	return logfile_take(&file, span_of(line), &row, &why);
}

static void is_bad(const char *line, const char *phrase)
{
	ck_assert_msg(take(line) == LOGFILE_BAD, "%s", line);
	ck_assert_str_eq(why, phrase);
}

static void is_row(const char *line, const char *client, const char *verb, const char *address, unsigned status,
		   const char *time)
{
	char text[IPADDR_TEXT_MAX], moment[MOMENT_TEXT_MAX];
	struct address found;
	ck_assert_msg(take(line) == LOGFILE_ROW, "%s: %s", line, why ? why : "nothing");
	ipaddr_format(&row.client, text);
	ck_assert_str_eq(text, client);
	ck_assert_msg(row_is(&row, verb), "%s", line);
	ck_assert_uint_eq(row.status, status);
	moment_format(row.time_s, moment);
	ck_assert_str_eq(moment, time);
	if (!address)
		return;
	ck_assert_msg(row_address(&row, *verb == 'M' ? "FROM:" : "TO:", &found, &why), "%s: %s", line, why);
	ck_assert_msg(span_equal(found.text, span_of(address)), "%s: <%.*s>", line, SPAN_ARGS(found.text));
}

#define IIS_FIELDS                                                                                                     \
	"#Fields: date time c-ip cs-username s-sitename s-computername s-ip s-port cs-method cs-uri-stem "             \
	"cs-uri-query sc-status sc-win32-status sc-bytes cs-bytes time-taken cs-version cs-host cs(User-Agent) "       \
	"cs(Cookie) cs(Referer) "

START_TEST(w3c)
{
	begin("ex061009.log");
	ck_assert_int_eq(take("\xef\xbb\xbf#Software: Microsoft Internet Information Services 5.0\r"), LOGFILE_NOTHING);
	ck_assert_int_eq(take("#Date: 2006-10-09 05:00:15\r"), LOGFILE_NOTHING);
	ck_assert_int_eq(take(IIS_FIELDS "\r"), LOGFILE_NOTHING);
	is_row("2006-10-09 05:00:16 192.0.2.106 36A SMTPSVC1 PDC 192.168.1.2 0 MAIL - +FROM:+<a@isp.example> 250 0 57 45 0 SMTP - - - -\r",
	       "192.0.2.106", "MAIL", "a@isp.example", 250, "2006-10-09 05:00:16");
	ck_assert(span_equal(row.name, SPAN("36A")));
	ck_assert_int_eq(row.octets, 45);
	ck_assert(!row.outbound);
	is_row("2006-10-09 05:00:42 192.0.2.247 n SMTPSVC1 PDC 192.168.1.2 0 RCPT - +To:<a+b@c.example>+NOTIFY=NEVER 550 0 31 29 0 SMTP - - - -",
	       "192.0.2.247", "rcpt", "a+b@c.example", 550, "2006-10-09 05:00:42");
	is_row("2006-10-09 05:00:42 192.0.2.247 - SMTPSVC1 PDC 192.168.1.2 0 RCPT - +TO:+a+b@c.example+NOTIFY=NEVER 250 0 31 29 0 SMTP - - - -",
	       "192.0.2.247", "rcpt", "a+b@c.example", 250, "2006-10-09 05:00:42");
	ck_assert_uint_eq(row.name.len, 0);
	is_row("2006-10-09 05:00:42 192.0.2.9 OutboundConnectionCommand SMTPSVC1 PDC - 25 RCPT - TO:<a@b.example> 0 0 4 0 31 SMTP - - - -",
	       "192.0.2.9", "RCPT", "a@b.example", 0, "2006-10-09 05:00:42");
	ck_assert(row.outbound);
	is_row("2006-10-09 05:00:43 192.0.2.9 n SMTPSVC1 PDC - 0 QUIT - - 240 0 4 - 31 SMTP - - - -", "192.0.2.9",
	       "QUIT", NULL, 240, "2006-10-09 05:00:43");
	ck_assert_int_eq(row.octets, ROW_NO_OCTETS);
}
END_TEST

START_TEST(w3c_changes_fields_and_days)
{
	begin("u_ex061009.log");
	ck_assert_int_eq(take("#Fields: time c-ip cs-method cs-uri-query sc-status"), LOGFILE_NOTHING);
	is_row("23:59:59 192.0.2.1 RCPT +TO:<a@b.example> 250", "192.0.2.1", "RCPT", "a@b.example", 250,
	       "2006-10-09 23:59:59");
	is_row("00:00:00 192.0.2.1 RCPT +TO:<a@b.example> 250", "192.0.2.1", "RCPT", "a@b.example", 250,
	       "2006-10-10 00:00:00");
	ck_assert_int_eq(row.octets, ROW_NO_OCTETS);
	ck_assert_int_eq(take("#Date: 2007-01-01 00:00:00"), LOGFILE_NOTHING);
	is_row("00:00:01 192.0.2.1 RCPT +TO:<a@b.example> 250", "192.0.2.1", "RCPT", "a@b.example", 250,
	       "2007-01-01 00:00:01");
	ck_assert_int_eq(take("#Fields: sc-status x-session x-new cs-method c-ip"), LOGFILE_NOTHING);
	is_row("550 77 - RCPT 2001:db8::1", "2001:db8::1", "RCPT", NULL, 550, "2007-01-01 00:00:01");
	ck_assert_uint_eq(row.session, 77);
	begin("extend1.log");
	ck_assert_int_eq(take("#Fields: time c-ip cs-method cs-uri-query sc-status"), LOGFILE_NOTHING);
	is_row("23:59:59 192.0.2.1 RCPT +TO:<a@b.example> 250", "192.0.2.1", "RCPT", "a@b.example", 250, "");
}
END_TEST

START_TEST(w3c_bad)
{
	begin("ex.log");
	is_bad("05:00:16 192.0.2.1 RCPT +TO:<a@b> 250", "no #Fields line above says what these values are");
	is_bad("#Fields: time cs-method sc-status", "the field c-ip is not logged");
	is_bad("05:00:16 RCPT 250", "the field c-ip is not logged");
	ck_assert_int_eq(take("#Fields: date time c-ip cs-method sc-status"), LOGFILE_NOTHING);
	is_bad("2006-10-09 05:00:16 192.0.2.1 RCPT", "fewer values than #Fields has names");
	is_bad("2006-10-09 05:00:16 192.0.2.1 RCPT 250 1", "more values than #Fields has names");
	is_bad("2006-02-30 05:00:16 192.0.2.1 RCPT 250", "not a date");
	is_bad("2006-10-09 25:00:16 192.0.2.1 RCPT 250", "not a time");
	is_bad("2006-10-09 05:00:16 client RCPT 250", "c-ip is not an address");
	is_bad("2006-10-09 05:00:16 192.0.2.1 RCPT ok", "sc-status is not a reply code");
	is_row("2006-10-09 05:00:16 192.0.2.1 RCPT -", "192.0.2.1", "RCPT", NULL, 0, "2006-10-09 05:00:16");
}
END_TEST

START_TEST(iis)
{
	begin("in060810.log");
	is_row("10.3.5.1, host, 8/18/06, 13:17:37, SMTPSVC1, MAIL01, 10.200.200.1, 90, 42, 0, 250, 0, MAIL FROM, -, FROM:<a@b.example>,\r",
	       "10.3.5.1", "MAIL", "a@b.example", 250, "2006-08-18 13:17:37");
	ck_assert_int_eq(row.octets, 42);
	is_row("10.3.5.1, -, 18.8.2006, 13:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 550, 0, RCPT, -, TO:<a@b.example>,",
	       "10.3.5.1", "RCPT", "a@b.example", 550, "2006-08-18 13:17:37");
	is_row("10.3.5.1, -, 8/18/06, 13:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, -, 0, 240, 0, QUIT, -, -,", "10.3.5.1",
	       "QUIT", NULL, 240, "2006-08-18 13:17:37");
	ck_assert_int_eq(row.octets, ROW_NO_OCTETS);
	is_row("10.3.5.1, -, 2006/08/18, 13:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 250, 0, RCPT, -, TO:<\"a,b\"@b.example>,",
	       "10.3.5.1", "RCPT", "\"a,b\"@b.example", 250, "2006-08-18 13:17:37");
	is_row("10.3.5.1, -, 8/9/06, 1:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 250, 0, RCPT, -, TO:<a@b.example>,",
	       "10.3.5.1", "RCPT", "a@b.example", 250, "2006-08-09 01:17:37");
	is_row("10.3.5.1, -, 9/8/06, 1:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 250, 0, RCPT, -, TO:<a@b.example>,",
	       "10.3.5.1", "RCPT", "a@b.example", 250, "2006-08-09 01:17:37");
	is_row("10.3.5.1, OutboundConnectionResponse, 9/8/06, 1:17:37, S, M, 10.2.0.1, 90, 42, 0, 0, 0, -, -, 220 hello, world,",
	       "10.3.5.1", "", NULL, 0, "2006-08-09 01:17:37");
	ck_assert(row.outbound);
	begin("inetsv1.log");
	is_row("10.3.5.1, -, 9/8/06, 1:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 250, 0, RCPT, -, TO:<a@b.example>,",
	       "10.3.5.1", "RCPT", "a@b.example", 250, "2006-09-08 01:17:37");
	is_bad("host, -, 9/8/06, 1:17:37, S, M, 10.2.0.1, 9, 4, 0, 250, 0, RCPT, -, TO:<a@b>,",
	       "the first value is not an address");
	is_bad("10.3.5.1, -, 13/13/06, 1:17:37, S, M, 10.2.0.1, 9, 4, 0, 250, 0, RCPT, -, TO:<a@b>,",
	       "the third value is not a date");
	is_bad("10.3.5.1, -, 9/8/06, 1.17, S, M, 10.2.0.1, 9, 4, 0, 250, 0, RCPT, -, TO:<a@b>,",
	       "the fourth value is not a time");
	is_bad("10.3.5.1, -, 9/8/06, 1:17:37, S, M, 10.2.0.1, 9, x, 0, 250, 0, RCPT, -, TO:<a@b>,",
	       "the ninth value is not a number");
	is_bad("10.3.5.1, -, 9/8/06, 1:17:37, S, M, 10.2.0.1, 9, 4, 0, 1250, 0, RCPT, -, TO:<a@b>,",
	       "the eleventh value is not a reply code");
}
END_TEST

START_TEST(ncsa)
{
	begin("nc061011.log");
	is_row("61.47.65.115 - 207.250.64.66 [11/Oct/2006:13:16:41 -0600] \"RCPT -?+TO:+<s-r@m.example> SMTP\" 250 32",
	       "61.47.65.115", "RCPT", "s-r@m.example", 250, "2006-10-11 13:16:41");
	is_row("10.3.5.1 - [10.3.5.1] [18/aug/2006:13:17:37 +0900] \"MAIL FROM:<a+x@b.example> SMTP\" 250 42",
	       "10.3.5.1", "MAIL", "a+x@b.example", 250, "2006-08-18 13:17:37");
	ck_assert(span_equal(row.name, SPAN("[10.3.5.1]")));
	is_row("1.2.3.4 - OutboundConnectionCommand [11/Oct/2006:13:17:02 -0600] \"DATA - SMTP\" 0 4", "1.2.3.4",
	       "DATA", NULL, 0, "2006-10-11 13:17:02");
	ck_assert(row.outbound);
	is_bad("host - - [11/Oct/2006:13:16:41 -0600] \"QUIT - SMTP\" 250 32", "it does not begin with an address");
	is_bad("1.2.3.4 - - [11/Okt/2006:13:16:41 -0600] \"QUIT - SMTP\" 250 32", "the text in brackets is not a date");
	is_bad("1.2.3.4 - - [11/Oct/2006:13:16:41 -0600] \"QUIT - SMTP 250 32", "the second quote is missing");
	is_bad("1.2.3.4 - - [11/Oct/2006:13:16:41 -0600] \"QUIT - SMTP\" -", "no reply code behind the second quote");
}
END_TEST

START_TEST(octets_around_lines)
{
	static const char torn[] = "\0\0\0#Fields: c-ip cs-method sc-status\r\0\0";
	begin("ex.log");
	ck_assert_int_eq(logfile_take(&file, (struct span){torn, sizeof(torn) - 1}, &row, &why), LOGFILE_NOTHING);
	is_row("192.0.2.1 RCPT 250", "192.0.2.1", "RCPT", NULL, 250, "");
	ck_assert_int_eq(logfile_take(&file, (struct span){"\0\0\0\0", 4}, &row, &why), LOGFILE_NOTHING);
	ck_assert_int_eq(take(""), LOGFILE_NOTHING);
	begin("ex.log");
	is_bad("{\"time\":1}", "logs in JSON can't be replayed; those in w3c, iis and ncsa can");
	is_bad("\x1f\x8b\x08", "compressed: unpack it first, or give its text on standard input, as -");
	is_bad("\xff\xfe#", "this is UTF-16: convert it to UTF-8 first, with iconv -f UTF-16 -t UTF-8");
}
END_TEST

START_TEST(names_of_files)
{
	static const struct {
		const char *name, *time;
	} names[] = {
		{"ex061009.log", "2006-10-09 00:00:00"},
		{"/a/b/u_ex06100913.log", "2006-10-09 13:00:00"},
		{"IN0610.LOG", "2006-10-01 00:00:00"},
		{"nc990101.log", "1999-01-01 00:00:00"},
		{"C:/x/nc700101.log", "1970-01-01 00:00:00"},
		{"ex061399.log", ""},
		{"ex06100924.log", ""},
		{"ex06100.log", ""},
		{"extend1.log", ""},
		{"ex", ""},
		{"ex061009", ""},
		{"ex0610091314.log", ""},
		{"20061009.log", ""},
		{"u_", ""},
	};
	char text[MOMENT_TEXT_MAX];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t time_s;
		if (!moment_of_file(names[i].name, &time_s))
			time_s = ROW_NO_TIME;
		moment_format(time_s, text);
		ck_assert_msg(strcmp(text, names[i].time) == 0, "%s is %s", names[i].name, text);
	}
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *rest, *address; /* NULL = there is none */
	} ways[] = {
		{"+TO:<a@b.example>", "a@b.example"},
		{"TO:+<>", ""},
		{"+to:<@relay.example:a@b.example>", "a@b.example"},
		{"<a@b.example>", "a@b.example"},
		{"+TO:<a>", "a"},
		{"+TO:<a@b.example", NULL},
		{"+TO:", NULL},
		{"+", NULL},
		{"-", NULL},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct row asked = {.plus = true, .verb = SPAN("RCPT"), .rest = row_value(span_of(ways[i].rest))};
		struct address found;
		bool good = row_address(&asked, "TO:", &found, &why);
		ck_assert_msg(good == (ways[i].address != NULL), "%s", ways[i].rest);
		if (good)
			ck_assert_msg(span_equal(found.text, span_of(ways[i].address)), "%s: %.*s", ways[i].rest,
				      SPAN_ARGS(found.text));
		else
			ck_assert_uint_gt(strlen(why), 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {w3c,  w3c_changes_fields_and_days, w3c_bad,        iis,
				      ncsa, octets_around_lines,         names_of_files, addresses};
	return run_tests("replay_rows", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
