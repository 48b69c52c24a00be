#include <check.h>
#include <stdlib.h>

#include "delivery/capabilities.h"

static struct capabilities parse(const char *text)
{
	struct capabilities c = {0};
	struct span rest = span_of(text), line;
	while (span_line(&rest, &line))
		capabilities_add(&c, line);
	return c;
}

START_TEST(keywords)
{
	struct capabilities c = parse("pipelining\nSIZE 35882577\n8BitMime \nAUTH LOGIN\nXFOO\n\n");
	ck_assert(c.pipelining && c.eight_bit && c.size);
	ck_assert_uint_eq(c.size_max, 35882577);
	c = parse("PIPELININGS\nX PIPELINING\n8BITMIME=yes\nSIZE=10\nSIZES 5\n");
	ck_assert(!c.pipelining && !c.eight_bit && !c.size);
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *line;
		bool size;
		uint64_t max;
	} cases[] = {
		{"SIZE", true, 0},
		{"SIZE 0", true, 0},
		{"SIZE 1", true, 1},
		{"size\t5", false, 0},
		{"SIZE  7 ", true, 7},
		{"SIZE -1", false, 0},
		{"SIZE 5 6", false, 0},
		{"SIZE 18446744073709551615", true, UINT64_MAX},
		{"SIZE 18446744073709551616", false, 0},
		{"SIZE 5\nSIZE 6", true, 6},
		{"SIZE 5\nSIZE x", true, 5},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capabilities c = parse(cases[i].line);
		ck_assert_msg(c.size == cases[i].size && c.size_max == cases[i].max, "%s", cases[i].line);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capabilities");
	TCase *all = tcase_create("all");
	tcase_add_test(all, keywords);
	tcase_add_test(all, sizes);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
