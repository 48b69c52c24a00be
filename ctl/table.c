#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/utf8.h"

enum { GAP = 2, ARENA_MAX = 256 << 20 };

void table_init(struct table *table, size_t columns, unsigned right, const char *const *headings)
{
	struct span cells[TABLE_COLUMNS_MAX];
	*table = (struct table){.columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX,
				.right = right,
				.utf8 = language_foreign()};
	arena_init(&table->arena, ARENA_MAX);
	for (size_t i = 0; headings && i < table->columns; i++)
		cells[i] = span_of(headings[i][0] ? _(headings[i]) : "");
	table->heading = headings && table_add(table, cells);
}

void table_free(struct table *table)
{
	arena_free(&table->arena);
	free(table->cells);
}

static bool make_room(struct table *table)
{
	if (table->rows < table->capacity)
		return true;
	size_t wanted = table->capacity ? table->capacity * 2 : 64;
	const char **more = reallocarray(table->cells, wanted * table->columns, sizeof(*more));
	if (!more)
		return false;
	table->cells = more;
	table->capacity = wanted;
	return true;
}

bool table_add(struct table *table, const struct span *cells)
{
	char clean[TABLE_CELL_MAX];
	if (table->rows > TABLE_ROWS_MAX || !make_room(table))
		return false;
	for (size_t i = 0; i < table->columns; i++) {
		size_t len = table->utf8 ? utf8_clean(cells[i], clean, sizeof(clean))
					 : span_clean(cells[i], clean, sizeof(clean));
		const char *kept = arena_copy(&table->arena, (struct span){clean, len});
		if (!kept)
			return false;
		table->cells[table->rows * table->columns + i] = kept;
		size_t width = utf8_columns((struct span){clean, len});
		if (width > table->widths[i])
			table->widths[i] = width;
	}
	table->rows++;
	return true;
}

static void print_row(const struct table *table, const char *const *row, unsigned indent, FILE *to)
{
	size_t last = table->columns;
	size_t blanks = indent;
	while (last && !row[last - 1][0])
		last--;
	for (size_t i = 0; i < last; i++) {
		size_t missing = table->widths[i] - utf8_columns(span_of(row[i]));
		bool right = table->right & 1U << i;
		fprintf(to, "%*s%s", (int)(blanks + (right ? missing : 0)), "", row[i]);
		blanks = GAP + (right ? 0 : missing);
	}
	fputc('\n', to);
}

void table_print(const struct table *table, unsigned indent, FILE *to)
{
	for (size_t i = 0; i < table->rows; i++)
		print_row(table, table->cells + i * table->columns, indent, to);
}

static int by_first_cell(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(x[0], y[0]);
}

void table_sort(struct table *table)
{
	size_t from = table->heading;
	if (table->rows > from + 1)
		qsort(table->cells + from * table->columns, table->rows - from,
		      table->columns * sizeof(table->cells[0]), by_first_cell);
}

struct span table_octets(struct span cell, char *to)
{
	uint64_t octets;
	to[0] = '\0';
	if (!span_to_u64(cell, INT64_MAX, &octets))
		return cell;
	if (octets < 10240)
		snprintf(to, TABLE_OCTETS_MAX, "%llu", (unsigned long long)octets);
	else if (octets < 10 << 20)
		snprintf(to, TABLE_OCTETS_MAX, "%lluK", (unsigned long long)octets >> 10);
	else
		snprintf(to, TABLE_OCTETS_MAX, "%lluM", (unsigned long long)octets >> 20);
	return span_of(to);
}

struct span table_duration(struct span cell, char *to)
{
	uint64_t seconds;
	to[0] = '\0';
	if (span_to_u64(cell, INT64_MAX / 1000, &seconds))
		clock_duration((int64_t)seconds * 1000, to);
	return span_of(to);
}
