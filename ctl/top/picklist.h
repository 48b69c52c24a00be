/* A list that a person moves in: rows, which of them a filter shows, the selected one, and the first on the screen. */
#ifndef CTL_TOP_PICKLIST_H
#define CTL_TOP_PICKLIST_H

#include "ctl/top/rows.h"

/* Zero it before the first use. */
struct picklist {
	struct rows rows; /* owned */
	size_t *shown;    /* indices of the rows that fit the filter */
	size_t n;         /* of them */
	size_t selected;  /* index in `shown` */
	size_t top;       /* the first on the screen */
};

void picklist_free(struct picklist *list);

/* Takes over ROWS in place of the present ones; the selection stays on the row with its key, or else at its place. */
void picklist_take(struct picklist *list, struct rows *rows, const char *filter);

/* Shows the rows that FILTER fits (rows_fits). */
void picklist_filter(struct picklist *list, const char *filter);

/* Moves the selection, to the first or last row at most. */
void picklist_move(struct picklist *list, long by);

/* Moves `top` so that the selection is among HEIGHT rows, and no line is empty without need. */
void picklist_scroll(struct picklist *list, size_t height);

/* NULL: the list is empty. Valid until the next picklist_take. */
const struct row *picklist_selected(const struct picklist *list);

#endif
