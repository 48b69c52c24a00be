#include "ctl/top/rows.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 64 << 20 };

void rows_init(struct rows *rows, const struct columns *columns)
{
	*rows = (struct rows){.columns = columns};
	arena_init(&rows->arena, ARENA_MAX);
}

void rows_free(struct rows *rows)
{
	arena_free(&rows->arena);
	free(rows->at);
	rows->at = NULL;
	rows->n = rows->capacity = 0;
}

static bool make_room(struct rows *rows)
{
	if (rows->n < rows->capacity)
		return true;
	size_t wanted = rows->capacity ? rows->capacity * 2 : 64;
	struct row *more = rows->n < ROWS_MAX ? reallocarray(rows->at, wanted, sizeof(*more)) : NULL;
	if (!more)
		return false;
	rows->at = more;
	rows->capacity = wanted;
	return true;
}

static const char *keep(struct rows *rows, const char *text)
{
	const char *kept = text && text[0] ? arena_copy(&rows->arena, span_of(text)) : "";
	return kept ? kept : "";
}

void rows_add(struct rows *rows, const struct row *row)
{
	if (rows->n >= ROWS_MAX || !make_room(rows)) {
		rows->left_out++;
		return;
	}
	struct row *to = &rows->at[rows->n++];
	*to = *row;
	to->server = keep(rows, row->server);
	to->name = keep(rows, row->name);
	to->state = keep(rows, row->state);
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		to->cells[i] = keep(rows, row->cells[i]);
	to->notes = keep(rows, row->notes);
	struct rates *rates = row->rates ? arena_alloc(&rows->arena, sizeof(*rates)) : NULL;
	if (rates)
		*rates = *row->rates;
	to->rates = rates;
}

static int by_weight(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	int order = strcmp(x->server, y->server);
	return order ? order : strcmp(x->name, y->name);
}

void rows_sort(struct rows *rows)
{
	if (rows->n)
		qsort(rows->at, rows->n, sizeof(rows->at[0]), by_weight);
}

bool rows_fits(const struct row *row, const char *text)
{
	if (!text[0] || strcasestr(row->server, text))
		return true;
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		if (strcasestr(row->cells[i], text))
			return true;
	return false;
}

bool rows_same(const struct row *a, const struct row *b)
{
	return strcmp(a->server, b->server) == 0 && strcmp(a->name, b->name) == 0;
}
