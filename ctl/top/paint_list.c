#include "ctl/top/paint_list.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/utf8.h"
#include "ctl/top/graph.h"

enum { PLACE_MAX = 80 };

/* The widest cell of each column among the rows on the screen, so that a column does not take what nobody sees. */
static void needed_widths(const struct picklist *list, size_t height, size_t needed[COLUMNS_MAX])
{
	const struct columns *columns = list->rows.columns;
	for (size_t i = 0; i < columns->n; i++) {
		needed[i] = utf8_columns(span_of(_(columns->at[i].heading)));
		for (size_t r = list->top; r < list->n && r < list->top + height; r++) {
			size_t width = utf8_columns(span_of(list->rows.at[list->shown[r]].cells[i]));
			if (width > needed[i])
				needed[i] = width;
		}
	}
}

static void put_graph(struct canvas *canvas, enum canvas_style style, const struct rates *rates, enum rates_kind kind,
		      size_t width)
{
	char text[GRAPH_TEXT_MAX] = "";
	if (rates)
		graph_draw(rates->points[kind], rates->n, width < GRAPH_WIDTH_MAX ? width : GRAPH_WIDTH_MAX,
			   canvas->utf8, text);
	canvas_put(canvas, style, CANVAS_LEFT, width, span_of(text));
}

static void put_cell(struct canvas *canvas, enum canvas_style style, const struct column *column, const struct row *row,
		     const char *text, size_t width)
{
	if (column->kind == COLUMNS_GRAPH_IN && row)
		put_graph(canvas, style, row->rates, RATES_IN, width);
	else if (column->kind == COLUMNS_GRAPH_OUT && row)
		put_graph(canvas, style, row->rates, RATES_OUT, width);
	else
		canvas_put(canvas, style, column->kind == COLUMNS_NUMBER ? CANVAS_RIGHT : CANVAS_LEFT, width,
			   span_of(text));
}

/* ROW, or the heading if it is NULL. */
static void put_row(struct canvas *canvas, enum canvas_style style, const struct columns *columns,
		    const size_t widths[COLUMNS_MAX], const struct row *row)
{
	bool first = true;
	for (size_t i = 0; i < columns->n; i++) {
		if (!widths[i])
			continue;
		if (!first)
			canvas_put(canvas, style, CANVAS_LEFT, COLUMNS_GAP, SPAN(""));
		first = false;
		const char *heading = columns->at[i].heading[0] ? _(columns->at[i].heading) : "";
		put_cell(canvas, style, &columns->at[i], row, row ? row->cells[i] : heading, widths[i]);
	}
	canvas_rest(canvas, style, SPAN(""));
}

/* Which rows are on the screen, if these are not all; over the end of the heading. */
static void put_place(struct canvas *canvas, enum canvas_style style, const struct picklist *list, size_t line,
		      size_t height)
{
	char place[PLACE_MAX];
	size_t last = list->top + height < list->n ? list->top + height : list->n;
	if (list->n <= height && !list->rows.left_out)
		return;
	snprintf(place, sizeof(place), " %zu-%zu/%zu%s", list->n ? list->top + 1 : 0, last,
		 list->n + list->rows.left_out, list->rows.left_out ? "+" : "");
	size_t width = strlen(place);
	canvas_at(canvas, line, canvas->columns > width ? canvas->columns - width : 0);
	canvas_rest(canvas, style, span_of(place));
}

static enum canvas_style style_of(const struct row *row, bool selected)
{
	return selected ? CANVAS_SELECTED : row->bad ? CANVAS_BAD : CANVAS_PLAIN;
}

void paint_list(struct canvas *canvas, struct picklist *list, size_t line, size_t height, bool focus, const char *empty)
{
	enum canvas_style heading = focus ? CANVAS_FOCUS : CANVAS_HEADING;
	size_t needed[COLUMNS_MAX], widths[COLUMNS_MAX] = {0};
	if (!list->rows.columns || !height)
		return;
	picklist_scroll(list, height - 1);
	needed_widths(list, height - 1, needed);
	columns_fit(list->rows.columns, needed, canvas->columns, widths);
	canvas_at(canvas, line, 0);
	put_row(canvas, heading, list->rows.columns, widths, NULL);
	put_place(canvas, heading, list, line, height - 1);
	for (size_t i = 0; i + 1 < height && list->top + i < list->n; i++) {
		const struct row *row = &list->rows.at[list->shown[list->top + i]];
		canvas_at(canvas, line + 1 + i, 0);
		put_row(canvas, style_of(row, focus && list->top + i == list->selected), list->rows.columns, widths,
			row);
	}
	canvas_at(canvas, line + 1, 0);
	if (!list->n)
		canvas_rest(canvas, CANVAS_PLAIN, span_of(empty));
}

void paint_text(struct canvas *canvas, struct picklist *list, size_t line, size_t height)
{
	size_t last = list->n > height ? list->n - height : 0;
	list->top = list->selected < last ? list->selected : last;
	list->selected = list->top; /* so that each key moves the text */
	for (size_t i = 0; i < height && list->top + i < list->n; i++) {
		canvas_at(canvas, line + i, 0);
		canvas_rest(canvas, CANVAS_PLAIN, span_of(list->rows.at[list->shown[list->top + i]].cells[0]));
	}
}
