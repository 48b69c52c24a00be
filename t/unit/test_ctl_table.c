#include "ctl/table.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct table table;

static void expect(unsigned indent, const char *wanted)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	table_print(&table, indent, to);
	fclose(to);
	ck_assert_str_eq(text, wanted);
	free(text);
	table_free(&table);
}

START_TEST(columns_are_aligned)
{
	static const char *const headings[] = {"ID", "SIZE", "WHY"};
	const struct span one[] = {SPAN("abcdef"), SPAN("5"), SPAN("x")};
	const struct span two[] = {SPAN("g"), SPAN("123456"), SPAN("")};

	table_init(&table, 3, 1U << 1, headings);
	ck_assert(table_add(&table, one));
	ck_assert(table_add(&table, two));
	expect(0, "ID        SIZE  WHY\n"
		  "abcdef       5  x\n"
		  "g       123456\n");
}
END_TEST

START_TEST(indented_and_without_headings)
{
	const struct span row[] = {SPAN(""), SPAN("b"), SPAN("")};
	const struct span other[] = {SPAN("aa"), SPAN(""), SPAN("c")};

	table_init(&table, 3, 0, NULL);
	ck_assert(table_add(&table, row));
	ck_assert(table_add(&table, other));
	expect(2, "      b\n  aa     c\n");
}
END_TEST

START_TEST(nothing_from_outside_reaches_the_terminal)
{
	const struct span row[] = {SPAN("\x1b[2Jx\ny"), SPAN("\xe3\x81\x82")};

	table_init(&table, 2, 0, NULL);
	ck_assert(table_add(&table, row));
	expect(0, "\\x1b[2Jx\\x0ay  \\xe3\\x81\\x82\n");
}
END_TEST

START_TEST(long_cells_are_cut_and_rows_bounded)
{
	char *large = malloc(100000);
	struct span row[] = {{large, 100000}};

	memset(large, 'a', 100000);
	table_init(&table, 1, 0, NULL);
	size_t rows = 0;
	while (table_add(&table, row))
		rows++;
	ck_assert_uint_ge(rows, TABLE_ROWS_MAX);
	ck_assert_uint_le(rows, TABLE_ROWS_MAX + 1);
	ck_assert_uint_lt(table.widths[0], TABLE_CELL_MAX);
	table_free(&table);
	free(large);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");
	tcase_add_test(tc, columns_are_aligned);
	tcase_add_test(tc, indented_and_without_headings);
	tcase_add_test(tc, nothing_from_outside_reaches_the_terminal);
	tcase_add_test(tc, long_cells_are_cut_and_rows_bounded);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
