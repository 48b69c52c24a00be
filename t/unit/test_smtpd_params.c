#include "smtpd/protocol/params.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/str.h"
#include "smtpd/protocol/limits.h"
#include "t/unit/suite.h"

enum {
	BOTH = PARAMS_SIZE | PARAMS_BODY,
	ALL = BOTH | PARAMS_AUTH,
	DSN = PARAMS_RET | PARAMS_ENVID | PARAMS_NOTIFY | PARAMS_ORCPT
};

START_TEST(test_values)
{
	static const struct {
		const char *text;
		unsigned allowed;
		enum params_result result;
		uint64_t size;
		bool eight_bit;
		const char *culprit;
	} cases[] = {
		{"", BOTH, PARAMS_OK, 0, false, ""},
		{"   ", BOTH, PARAMS_OK, 0, false, ""},
		{" SIZE=1", BOTH, PARAMS_OK, 1, false, ""},
		{"size=0 BODY=7bit", BOTH, PARAMS_OK, 0, false, ""},
		{"  BODY=8BITMIME   SIZE=2000000000000 ", BOTH, PARAMS_OK, 2000000000000, true, ""},
		{"SIZE=18446744073709551615", BOTH, PARAMS_OK, UINT64_MAX, false, ""},
		{"SIZE=18446744073709551616", BOTH, PARAMS_OK, UINT64_MAX, false, ""},
		{"SIZE=99999999999999999999999999999999999999", BOTH, PARAMS_OK, UINT64_MAX, false, ""},
		{"SIZE=-1", BOTH, PARAMS_BAD, 0, false, "SIZE=-1"},
		{"SIZE=", BOTH, PARAMS_BAD, 0, false, "SIZE="},
		{"SIZE", BOTH, PARAMS_BAD, 0, false, "SIZE"},
		{"SIZE=1k", BOTH, PARAMS_BAD, 0, false, "SIZE=1k"},
		{"SIZE=1 SIZE=2", BOTH, PARAMS_BAD, 0, false, "SIZE=2"},
		{"BODY=BINARYMIME", BOTH, PARAMS_BAD, 0, false, "BODY=BINARYMIME"},
		{"BODY", BOTH, PARAMS_BAD, 0, false, "BODY"},
		{"BODY=7BIT body=7BIT", BOTH, PARAMS_BAD, 0, false, "body=7BIT"},
		{"AUTH=<>", BOTH, PARAMS_UNKNOWN, 0, false, "AUTH=<>"},
		{"AUTH=<> SIZE=1", ALL, PARAMS_OK, 1, false, ""},
		{"auth=joe+2Ba+3D@example.com", ALL, PARAMS_OK, 0, false, ""},
		{"AUTH=", ALL, PARAMS_BAD, 0, false, "AUTH="},
		{"AUTH", ALL, PARAMS_BAD, 0, false, "AUTH"},
		{"AUTH=a=b", ALL, PARAMS_BAD, 0, false, "AUTH=a=b"},
		{"AUTH=a+2", ALL, PARAMS_BAD, 0, false, "AUTH=a+2"},
		{"AUTH=a+", ALL, PARAMS_BAD, 0, false, "AUTH=a+"},
		{"AUTH=a+2b", ALL, PARAMS_BAD, 0, false, "AUTH=a+2b"},
		{"AUTH=a\177", ALL, PARAMS_BAD, 0, false, "AUTH=a\177"},
		{"AUTH=<> AUTH=<>", ALL, PARAMS_BAD, 0, false, "AUTH=<>"},
		{"RET=FULL SIZE=1", BOTH, PARAMS_UNKNOWN, 0, false, "RET=FULL"},
		{"=", BOTH, PARAMS_UNKNOWN, 0, false, "="},
		{"SIZES=1", BOTH, PARAMS_UNKNOWN, 0, false, "SIZES=1"},
		{"SIZE=1", PARAMS_BODY, PARAMS_UNKNOWN, 0, false, "SIZE=1"},
		{"BODY=7BIT", PARAMS_SIZE, PARAMS_UNKNOWN, 0, false, "BODY=7BIT"},
		{"NOTIFY=NEVER", 0, PARAMS_UNKNOWN, 0, false, "NOTIFY=NEVER"},
		{"RET=FULL ENVID=QQ+2B1", DSN, PARAMS_OK, 0, false, ""},
		{"NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@example.com", DSN, PARAMS_OK, 0, false, ""},
		{"NOTIFY=NEVER NOTIFY=NEVER", DSN, PARAMS_BAD, 0, false, "NOTIFY=NEVER"},
		{"NOTIFY=NEVER,DELAY", DSN, PARAMS_BAD, 0, false, "NOTIFY=NEVER,DELAY"},
		{"NOTIFY", DSN, PARAMS_BAD, 0, false, "NOTIFY"},
		{"RET=", DSN, PARAMS_BAD, 0, false, "RET="},
		{"ENVID=", DSN, PARAMS_BAD, 0, false, "ENVID="},
		{"ENVID=a+0D+0AX:", DSN, PARAMS_BAD, 0, false, "ENVID=a+0D+0AX:"},
		{"ORCPT=Bob@example.com", DSN, PARAMS_BAD, 0, false, "ORCPT=Bob@example.com"},
		{"ORCPT=rfc822;a=b", DSN, PARAMS_BAD, 0, false, "ORCPT=rfc822;a=b"},
		{"RET=FULL", PARAMS_NOTIFY | PARAMS_ORCPT, PARAMS_UNKNOWN, 0, false, "RET=FULL"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params params;
		enum params_result result = params_parse(span_of(cases[i].text), cases[i].allowed, &params);
		ck_assert_msg(result == cases[i].result, "%s", cases[i].text);
		ck_assert_msg(span_equal(params.culprit, span_of(cases[i].culprit)), "%s", cases[i].text);
		if (result == PARAMS_OK)
			ck_assert_msg(params.size == cases[i].size && params.eight_bit == cases[i].eight_bit, "%s",
				      cases[i].text);
	}
}
END_TEST

/* The number of parameters is bounded, whatever they are. */
START_TEST(test_many)
{
	struct params params;
	struct str text;
	str_init(&text, LIMIT_LINE);
	str_append_text(&text, "SIZE=1 BODY=7BIT");
	while (str_append_text(&text, " X"))
		;
	ck_assert_int_eq(params_parse(str_span(&text), BOTH, &params), PARAMS_UNKNOWN);
	ck_assert_ptr_eq(params.culprit.at, text.at + sizeof("SIZE=1 BODY=7BIT"));
	str_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_params");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_many);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
