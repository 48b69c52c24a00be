#include "ctl/top/picklist.h"

#include <stdlib.h>
#include <string.h>

void picklist_free(struct picklist *list)
{
	rows_free(&list->rows);
	free(list->shown);
	*list = (struct picklist){.n = 0};
}

const struct row *picklist_selected(const struct picklist *list)
{
	return list->selected < list->n ? &list->rows.at[list->shown[list->selected]] : NULL;
}

/* Which of the rows fit FILTER. Without memory: none. */
static void choose(struct picklist *list, const char *filter)
{
	size_t *more = reallocarray(list->shown, list->rows.n + 1, sizeof(*more));
	list->n = 0;
	if (!more)
		return;
	list->shown = more;
	for (size_t i = 0; i < list->rows.n; i++)
		if (rows_fits(&list->rows.at[i], filter))
			list->shown[list->n++] = i;
}

static void clamp(struct picklist *list)
{
	if (list->selected >= list->n)
		list->selected = list->n ? list->n - 1 : 0;
}

/* Selects the row with the key of WANTED, if it is shown. */
static void find(struct picklist *list, const struct row *wanted)
{
	for (size_t i = 0; wanted && i < list->n; i++) {
		if (rows_same(&list->rows.at[list->shown[i]], wanted)) {
			list->selected = i;
			return;
		}
	}
	clamp(list);
}

void picklist_take(struct picklist *list, struct rows *rows, const char *filter)
{
	struct rows before = list->rows;
	const struct row *wanted = picklist_selected(list);
	list->rows = *rows;
	*rows = (struct rows){.columns = rows->columns};
	choose(list, filter);
	find(list, wanted);
	rows_free(&before);
}

void picklist_filter(struct picklist *list, const char *filter)
{
	const struct row *wanted = picklist_selected(list);
	choose(list, filter);
	find(list, wanted);
}

void picklist_move(struct picklist *list, long by)
{
	long last = list->n ? (long)list->n - 1 : 0, to = (long)list->selected + by;
	list->selected = (size_t)(to < 0 ? 0 : to > last ? last : to);
}

void picklist_scroll(struct picklist *list, size_t height)
{
	size_t last = list->n > height ? list->n - height : 0;
	if (list->top > list->selected)
		list->top = list->selected;
	if (height && list->selected >= list->top + height)
		list->top = list->selected - height + 1;
	if (list->top > last)
		list->top = last;
}
