/* A key's record as an administrator copies it, and the line of its selector in the configuration. */
#include "ctl/dkim/publish.h"

#include <check.h>
#include <string.h>

#include "ctl/dkim/confline.h"
#include "t/unit/suite.h"

START_TEST(a_long_record_is_cut_into_strings)
{
	char text[600];
	struct str to;
	str_init(&to, 2000);
	memset(text, 'x', sizeof(text));
	publish_zone("m1", "example.com", (struct span){text, 2}, &to);
	ck_assert_str_eq(str_text(&to), "m1._domainkey.example.com. 3600 IN TXT (\n    \"xx\" )\n");
	const size_t sizes[] = {255, 256, 510, 511, 600};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t x = 0, longest = 0, run = 0;
		str_clear(&to);
		publish_zone("m1", "example.com", (struct span){text, sizes[i]}, &to);
		for (const char *at = strchr(str_text(&to), '"'); *at; at++) {
			run = *at == 'x' ? run + 1 : 0;
			x += *at == 'x';
			longest = run > longest ? run : longest;
		}
		ck_assert_uint_eq(x, sizes[i]);
		ck_assert_uint_le(longest, PUBLISH_STRING_MAX);
	}
	str_free(&to);
}
END_TEST

static const struct config_selector old = {.name = "m1", .file = "/k/a.pem", .origin = {.line = 2}};
static const struct config_selector fresh = {.name = "m2", .file = "/k/b.pem"};

static void ck_replaced(const char *text, const char *wanted)
{
	struct str to;
	str_init(&to, 1000);
	bool done = confline_replace(span_of(text), &old, &fresh, &to);
	ck_assert_msg(done == (wanted != NULL), "%s", text);
	if (wanted)
		ck_assert_str_eq(str_text(&to), wanted);
	str_free(&to);
}

START_TEST(one_line_changes)
{
	ck_replaced("dkim a {\n\tselector  m1\t/k/a.pem\n}\n", "dkim a {\n\tselector m2 /k/b.pem\n}\n");
	ck_replaced("a\nselector m1 /k/a.pem", "a\nselector m2 /k/b.pem");
	ck_replaced("a\r\n  SELECTOR M1 /k/a.pem   # made in May\r\nb\r\n",
		    "a\r\n  selector m2 /k/b.pem   # made in May\r\nb\r\n");
	ck_replaced("selector m1 /k/a.pem\nselector m1 /k/a.pem\n", "selector m1 /k/a.pem\nselector m2 /k/b.pem\n");
}
END_TEST

START_TEST(any_other_line_stays)
{
	const char *const texts[] = {
		"",
		"selector m1 /k/a.pem",
		"a\n",
		"a\n\n",
		"a\nselector m1 /k/a.pem; selector m3 /k/c.pem\n",
		"a\nselector m1 /k/a.pem }\n",
		"a\ndkim a { selector m1 /k/a.pem\n",
		"a\nselector m1 \"/k/a.pem\"\n",
		"a\nselector m11 /k/a.pem\n",
		"a\nselector m1 /k/a.pem2\n",
		"a\nselector m1\n",
		"a\n# selector m1 /k/a.pem\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_replaced(texts[i], NULL);
}
END_TEST

START_TEST(a_path_with_blanks_is_quoted)
{
	const struct config_selector odd = {.name = "m2", .file = "/k/my keys/b.pem"};
	struct str to;
	str_init(&to, 200);
	confline_write(&odd, &to);
	ck_assert_str_eq(str_text(&to), "selector m2 \"/k/my keys/b.pem\"");
	str_free(&to);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_long_record_is_cut_into_strings, one_line_changes, any_other_line_stays,
				      a_path_with_blanks_is_quoted};
	return run_tests("dkim_publish", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
