#include "smtpd/session/command.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_verbs)
{
	static const struct {
		const char *line;
		enum command_verb verb;
		const char *args;
	} cases[] = {
		{"HELO printer", COMMAND_HELO, "printer"},
		{"ehlo [10.0.0.1]", COMMAND_EHLO, "[10.0.0.1]"},
		{"MAIL FROM:<a@b>", COMMAND_MAIL, "FROM:<a@b>"},
		{"rcpt   TO:<a@b>  ", COMMAND_RCPT, "TO:<a@b>"},
		{"DATA", COMMAND_DATA, ""},
		{"Quit ", COMMAND_QUIT, ""},
		{"auth plain =", COMMAND_AUTH, "plain ="},
		{"", COMMAND_UNKNOWN, ""},
		{" DATA", COMMAND_UNKNOWN, "DATA"},
		{"DATAX", COMMAND_UNKNOWN, ""},
		{"DAT", COMMAND_UNKNOWN, ""},
		{"MAIL\tFROM:<a@b>\t", COMMAND_MAIL, "FROM:<a@b>"},
		{"starttls", COMMAND_STARTTLS, ""},
		{"X-LINK2STATE FIRST CHUNK={", COMMAND_UNKNOWN, "FIRST CHUNK={"},
		{"GET / HTTP/1.1", COMMAND_HTTP, "/ HTTP/1.1"},
		{"connect a:25 HTTP/1.1", COMMAND_HTTP, "a:25 HTTP/1.1"},
		{"POST", COMMAND_HTTP, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct command command;
		command_parse(span_of(cases[i].line), &command);
		ck_assert_msg(command.verb == cases[i].verb, "%s", cases[i].line);
		ck_assert_msg(span_equal(command.args, span_of(cases[i].args)), "%s", cases[i].line);
		ck_assert_msg(span_equal(command.line, span_of(cases[i].line)), "%s", cases[i].line);
	}
}
END_TEST

START_TEST(test_clean)
{
	static const struct span unclean[] = {
		{"NOOP \0", 6}, {"NOOP \x1b[2J", 9}, {"NOOP \x7f", 6}, {"NOOP \xc3\xa4", 7}, {"NO\0OP", 5},
	};
	struct command command;
	for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++) {
		command_parse(unclean[i], &command);
		ck_assert_msg(!command.clean, "case %zu", i);
	}
	command_parse(SPAN("NOOP\t !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"), &command);
	ck_assert(command.clean);
}
END_TEST

START_TEST(test_path)
{
	static const struct {
		const char *args, *path; /* NULL = refused */
	} cases[] = {
		{"FROM:<a@b>", "<a@b>"}, {"from: <a@b>", "<a@b>"}, {"From : <a@b> SIZE=1", "<a@b> SIZE=1"},
		{"FROM:", ""},           {"FROM", NULL},           {"FROM<a@b>", NULL},
		{"FRO:<a@b>", NULL},     {"TO:<a@b>", NULL},       {"", NULL},
		{"FROMX:<a@b>", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span path;
		bool ok = command_path(span_of(cases[i].args), SPAN("FROM:"), &path);
		ck_assert_msg(ok == (cases[i].path != NULL), "%s", cases[i].args);
		if (ok)
			ck_assert_msg(span_equal(path, span_of(cases[i].path)), "%s", cases[i].args);
	}
}
END_TEST

START_TEST(test_chunk)
{
	static const struct {
		const char *args;
		bool ok, last;
		uint64_t octets;
	} cases[] = {
		{"0", true, false, 0},
		{"0 LAST", true, true, 0},
		{"86 last", true, true, 86},
		{"86  LAST", true, true, 86},
		{"9223372036854775807", true, false, INT64_MAX},
		{"9223372036854775808", false, false, 0},
		{"18446744073709551617", false, false, 0},
		{"99999999999999999999999999999999", false, false, 0},
		{"", false, false, 0},
		{"LAST", false, false, 0},
		{"-1", false, false, 0},
		{"+1", false, false, 0},
		{"1e3", false, false, 0},
		{"0x10", false, false, 0},
		{"5 LAST x", false, false, 0},
		{"5 LASTX", false, false, 0},
		{"5LAST", false, false, 0},
		{"5 6", false, false, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t octets = 0;
		bool last = false;
		bool ok = command_chunk(span_of(cases[i].args), &octets, &last);
		ck_assert_msg(ok == cases[i].ok, "%s", cases[i].args);
		if (ok)
			ck_assert_msg(octets == cases[i].octets && last == cases[i].last, "%s", cases[i].args);
	}
}
END_TEST

/* The part of a command line that may be logged, if it is AUTH or may be a mistyped AUTH. */
START_TEST(test_shown)
{
	static const struct {
		const char *line;
		bool after_auth;
		const char *shown;
	} cases[] = {
		{"MAIL FROM:<a@b>", false, "MAIL FROM:<a@b>"},
		{"AUTH PLAIN c2VjcmV0", false, "AUTH PLAIN"},
		{"auth  scram-sha-256-plus  c2VjcmV0", true, "auth  scram-sha-256-plus"},
		{"AUTH", false, "AUTH"},
		{"AUTH ", false, "AUTH"},
		{"AUTH c2VjcmV0", false, "AUTH"},
		{"AUTH PLAINc2VjcmV0 x", false, "AUTH"},
		{"AUTH\tPLAIN\tc2VjcmV0", false, "AUTH\tPLAIN"},
		{"AUTH\tc2VjcmV0\tPLAIN", false, "AUTH"},
		{"  AUTH c2VjcmV0", false, "AUTH"},
		{"\tauth login c2VjcmV0", false, "auth login"},
		{"AUTHORIZE c2VjcmV0", false, "AUTH"},
		{"c2VjcmV0", false, "c2VjcmV0"},
		{"c2VjcmV0", true, "(hidden)"},
		{" c2VjcmV0", true, "(hidden)"},
		{"", true, "(hidden)"},
		{"RCPT TO:<a@b>", true, "RCPT TO:<a@b>"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span shown = command_shown(span_of(cases[i].line), cases[i].after_auth);
		ck_assert_msg(span_equal(shown, span_of(cases[i].shown)), "%s: %.*s", cases[i].line, SPAN_ARGS(shown));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_command");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_verbs);
	tcase_add_test(tcase, test_clean);
	tcase_add_test(tcase, test_path);
	tcase_add_test(tcase, test_chunk);
	tcase_add_test(tcase, test_shown);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
