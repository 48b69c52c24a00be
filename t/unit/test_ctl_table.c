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

START_TEST(letters_of_east_asia_take_two_columns)
{
	const struct span row[] = {SPAN("保留中"), SPAN("1"), SPAN("x")};
	const struct span narrow[] = {SPAN("new"), SPAN("10"), SPAN("e\xcc\x81 \xef\xbd\xb1")};
	const struct span other[] = {SPAN("\xe3\x81"), SPAN(""), SPAN("\xc2\x9b\xe2\x80\xae")};

	table_init(&table, 3, 1U << 1, NULL);
	table.utf8 = true;
	ck_assert(table_add(&table, row));
	ck_assert(table_add(&table, narrow));
	ck_assert(table_add(&table, other));
	expect(0, "保留中     1  x\n"
		  "new       10  e\xcc\x81 \xef\xbd\xb1\n"
		  "\\xe3\\x81      \\xc2\\x9b\\xe2\\x80\\xae\n");
}
END_TEST

START_TEST(a_long_cell_ends_with_a_whole_letter)
{
	char letters[TABLE_CELL_MAX * 3 + 1] = "", *at = letters;

	for (size_t i = 0; i < TABLE_CELL_MAX; i++)
		at = stpcpy(at, "\xe3\x81\x82");
	table_init(&table, 1, 0, NULL);
	table.utf8 = true;
	ck_assert(table_add(&table, (struct span[]){span_of(letters)}));
	ck_assert_uint_eq(strlen(table.cells[0]), (TABLE_CELL_MAX - 1) / 3 * 3);
	ck_assert_uint_eq(table.widths[0], (TABLE_CELL_MAX - 1) / 3 * 2);
	table_free(&table);
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
	tcase_add_test(tc, letters_of_east_asia_take_two_columns);
	tcase_add_test(tc, a_long_cell_ends_with_a_whole_letter);
	tcase_add_test(tc, long_cells_are_cut_and_rows_bounded);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
