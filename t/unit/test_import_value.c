#include <check.h>

#include "ctl/import/value.h"
#include "t/unit/suite.h"

START_TEST(numbers)
{
	static const struct {
		const char *text;
		uint32_t value;
	} good[] = {{"0", 0},           {"600", 600},
		    {" 25 ", 25},       {"4294967295", UINT32_MAX},
		    {"-1", UINT32_MAX}, {"0x202", 0x202},
		    {"0XFF", 255},      {"0xffffffff", UINT32_MAX},
		    {"0x0", 0},         {"2000000000", 2000000000}};
	static const char *const bad[] = {"",    "-",   "4294967296", "1.5", "12a",         "0x",
					  "1 2", "0xg", "--1",        "+1",  "0x100000000", "TRUE"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint32_t value = 7;
		ck_assert_msg(value_number(good[i].text, &value), "%s", good[i].text);
		ck_assert_uint_eq(value, good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t value;
		ck_assert_msg(!value_number(bad[i], &value), "%s", bad[i]);
	}
}
END_TEST

START_TEST(flags_are_words_or_a_number)
{
	static const struct {
		const char *text;
		uint32_t value;
	} good[] = {{"AuthBasic | AuthAnonymous | AuthNTLM", 7},
		    {"authbasic|AUTHNTLM", 6},
		    {"AuthAnonymous", 1},
		    {"5", 5},
		    {"AuthBasic | 4", 6},
		    {"", 0},
		    {" | ", 0}};
	char unknown[20];
	uint32_t value;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(value_flags(good[i].text, value_auth_flags, &value, unknown, sizeof(unknown)), "%s",
			      good[i].text);
		ck_assert_uint_eq(value, good[i].value);
	}
	ck_assert(!value_flags("AuthBasic | AuthMagic\x01", value_auth_flags, &value, unknown, sizeof(unknown)));
	ck_assert_str_eq(unknown, "AuthMagic\\x01");
	ck_assert(value_flags("AccessSSL | AccessSSL128", value_ssl_flags, &value, unknown, sizeof(unknown)));
	ck_assert_uint_eq(value, 264);
	ck_assert(value_flags("LogExtFileDate | LogExtFileHost", value_log_flags, &value, unknown, sizeof(unknown)));
	ck_assert_uint_eq(value, 1048577);
}
END_TEST

START_TEST(switches)
{
	bool yes = false;
	ck_assert(value_yesno("TRUE", &yes) && yes);
	ck_assert(value_yesno(" false ", &yes) && !yes);
	ck_assert(value_yesno("-1", &yes) && yes);
	ck_assert(value_yesno("0", &yes) && !yes);
	ck_assert(!value_yesno("", &yes));
	ck_assert(!value_yesno("yes", &yes));
}
END_TEST

START_TEST(lists)
{
	struct span rest = SPAN(" a;b\n\tc  [1.2.3.4]; ;d"), entry;
	static const char *const want[] = {"a", "b", "c", "[1.2.3.4]", "d"};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert(value_entry(&rest, ";", &entry));
		ck_assert(span_equal(entry, span_of(want[i])));
	}
	ck_assert(!value_entry(&rest, ";", &entry));
	rest = SPAN("a,b");
	ck_assert(value_entry(&rest, ";", &entry) && span_equal(entry, SPAN("a,b")));
	rest = SPAN("");
	ck_assert(!value_entry(&rest, "", &entry));
}
END_TEST

START_TEST(binary)
{
	struct str to;
	str_init(&to, 4);
	ck_assert(value_binary("0x00fF7f", &to));
	ck_assert(span_equal(str_span(&to), SPAN("\x00\xff\x7f")));
	str_clear(&to);
	ck_assert(value_binary("", &to));
	ck_assert_uint_eq(to.len, 0);
	ck_assert(!value_binary("123", &to)); /* odd */
	ck_assert(!value_binary("1g", &to));  /* no digit */
	str_clear(&to);
	ck_assert(!value_binary("0102030405", &to)); /* beyond the limit */
	str_free(&to);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {numbers, flags_are_words_or_a_number, switches, lists, binary};
	return run_tests("import_value", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
