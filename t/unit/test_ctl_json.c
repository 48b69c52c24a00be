#include "ctl/json.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t text_len;
static struct json json;

static void begin(void)
{
	json_init(&json, open_memstream(&text, &text_len));
}

static void expect(const char *wanted)
{
	fclose(json.to);
	ck_assert_str_eq(text, wanted);
	free(text);
}

START_TEST(commas_and_nesting)
{
	begin();
	json_object(&json);
	json_key(&json, "a");
	json_number(&json, -5);
	json_key(&json, "b");
	json_array(&json);
	json_bool(&json, true);
	json_null(&json);
	json_object(&json);
	json_end_object(&json);
	json_array(&json);
	json_end_array(&json);
	json_end_array(&json);
	json_key(&json, "c");
	json_object(&json);
	json_key(&json, "d");
	json_string(&json, SPAN("e"));
	json_end_object(&json);
	json_end_object(&json);
	json_finish(&json);
	expect("{\"a\":-5,\"b\":[true,null,{},[]],\"c\":{\"d\":\"e\"}}\n");
}
END_TEST

static void expect_string(struct span raw, const char *wanted)
{
	begin();
	json_string(&json, raw);
	expect(wanted);
}

START_TEST(special_characters_of_terminals_and_parsers_are_escaped)
{
	expect_string(SPAN("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	expect_string(SPAN("\n\r\t\b\x1b\x01\x1f\x7f"), "\"\\n\\r\\t\\u0008\\u001b\\u0001\\u001f\\u007f\"");
	expect_string(SPAN("x\0y"), "\"x\\u0000y\"");
	expect_string(SPAN(""), "\"\"");
}
END_TEST

START_TEST(utf8_passes_and_other_octets_are_replaced)
{
	expect_string(SPAN("\xc3\xa9 \xe3\x81\x82 \xf0\x9f\x93\xa7"), "\"\xc3\xa9 \xe3\x81\x82 \xf0\x9f\x93\xa7\"");
	expect_string(SPAN("\xff"), "\"\\ufffd\"");
	expect_string(SPAN("\xc0\xaf"), "\"\\ufffd\\ufffd\"");                       /* overlong */
	expect_string(SPAN("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");            /* surrogate */
	expect_string(SPAN("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* above 10FFFF */
	expect_string(SPAN("\xe3\x81"), "\"\\ufffd\\ufffd\"");                       /* cut */
	expect_string(SPAN("\xe3\"x"), "\"\\ufffd\\\"x\"");                          /* the quote is not swallowed */
}
END_TEST

START_TEST(numeric_cells_are_numbers)
{
	begin();
	json_array(&json);
	json_cell(&json, SPAN("0"));
	json_cell(&json, SPAN("17"));
	json_cell(&json, SPAN("017"));
	json_cell(&json, SPAN("1.5"));
	json_cell(&json, SPAN(""));
	json_cell(&json, SPAN("9007199254740991"));
	json_cell(&json, SPAN("9007199254740992"));
	json_end_array(&json);
	expect("[0,17,\"017\",\"1.5\",null,9007199254740991,\"9007199254740992\"]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");
	tcase_add_test(tc, commas_and_nesting);
	tcase_add_test(tc, special_characters_of_terminals_and_parsers_are_escaped);
	tcase_add_test(tc, utf8_passes_and_other_octets_are_replaced);
	tcase_add_test(tc, numeric_cells_are_numbers);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
