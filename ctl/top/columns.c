#include "ctl/top/columns.h"

static size_t total(const size_t widths[COLUMNS_MAX], size_t n)
{
	size_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += widths[i] ? widths[i] + (sum ? COLUMNS_GAP : 0) : 0;
	return sum;
}

/* Takes EXCESS columns of the screen from those that can be narrower, the last one first. Returns what is left of it.
 */
static size_t shrink(const struct columns *columns, size_t excess, size_t widths[COLUMNS_MAX])
{
	for (size_t i = columns->n; i-- > 0 && excess;) {
		size_t least = columns->at[i].least;
		size_t give = widths[i] > least ? widths[i] - least : 0;
		if (give > excess)
			give = excess;
		widths[i] -= give;
		excess -= give;
	}
	return excess;
}

/* Drops the present column of the highest rank. False: all that are left stay. */
static bool drop(const struct columns *columns, bool dropped[COLUMNS_MAX])
{
	size_t which = columns->n;
	for (size_t i = 0; i < columns->n; i++)
		if (!dropped[i] && columns->at[i].rank &&
		    (which == columns->n || columns->at[i].rank > columns->at[which].rank))
			which = i;
	if (which == columns->n)
		return false;
	dropped[which] = true;
	return true;
}

/* Gives SPARE columns of the screen to those that take more than they need, in turn. */
static void grow(const struct columns *columns, size_t spare, size_t widths[COLUMNS_MAX])
{
	for (bool given = true; given && spare;) {
		given = false;
		for (size_t i = 0; i < columns->n && spare; i++) {
			if (!widths[i] || widths[i] >= columns->at[i].most)
				continue;
			widths[i]++;
			spare--;
			given = true;
		}
	}
}

void columns_fit(const struct columns *columns, const size_t needed[COLUMNS_MAX], size_t width,
		 size_t widths[COLUMNS_MAX])
{
	bool dropped[COLUMNS_MAX] = {false};
	do {
		for (size_t i = 0; i < columns->n; i++)
			widths[i] = dropped[i]                         ? 0
				    : needed[i] > columns->at[i].least ? needed[i]
								       : columns->at[i].least;
		size_t all = total(widths, columns->n);
		if (all <= width) {
			grow(columns, width - all, widths);
			return;
		}
		if (!shrink(columns, all - width, widths))
			return;
	} while (drop(columns, dropped));
}
