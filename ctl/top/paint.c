#include "ctl/top/paint.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/utf8.h"
#include "ctl/top/paint_list.h"
#include "ctl/top/text.h"

enum { SILENT_MS = 3000, TITLE_MAX = LINK_TEXT_MAX + 100 };

static const char *const help[] = {
	N_("Tab            next pane: servers, queue by next hop, sessions"),
	N_("arrows, PgUp, PgDn, Home, End    select a row"),
	N_("Enter          more about it: the mail for a next hop, a message, a session"),
	N_("r              try again now: a message, the mail for a next hop or of a server"),
	N_("h              hold it: neither tried nor returned until released"),
	N_("u              release what is held"),
	N_("p              pause the server of the row, or let it continue"),
	N_("/              show only rows with a text; Esc shows all again"),
	N_("q, Esc         back; q quits"),
	N_("MAIL of a next hop leaves out what is held, and may be some seconds old."),
};

static const char hints[] = N_("?:help q:quit Tab:pane Enter:show r:retry h:hold u:release p:pause /:filter");

static void put_title(const struct model *model, int64_t mono_ms, struct canvas *canvas)
{
	char text[TITLE_MAX], age[CLOCK_TEXT_MAX];
	int64_t silent_ms = mono_ms - model->news_ms;
	bool silent = model->why[0] || (model->heard && silent_ms > SILENT_MS);
	clock_duration((int64_t)model->age_s * 1000, age);
	if (!model->heard)
		snprintf(text, sizeof(text), "%s", _("Mailroot: asking the service"));
	else if (model->why[0])
		snprintf(text, sizeof(text), _("No answer, trying again: %s"), model->why);
	else if (silent)
		snprintf(text, sizeof(text), _("A process has not answered for %llds; what stands here is as old"),
			 (long long)silent_ms / 1000);
	else
		snprintf(text, sizeof(text), _("Mailroot %s, running for %s"), model->version, age);
	canvas_at(canvas, 0, 0);
	canvas_rest(canvas, silent ? CANVAS_BAD : CANVAS_STRONG, span_of(text));
}

/* In as many lines as it needs: what is asked is never cut. */
static void put_question(const struct model *model, struct canvas *canvas)
{
	struct rows rows;
	rows_init(&rows, &text_columns);
	text_add(&rows, model->columns, span_of(model->question));
	for (size_t i = 0; i < rows.n && i < model->lines; i++) {
		canvas_at(canvas, model->lines - (rows.n < model->lines ? rows.n : model->lines) + i, 0);
		canvas_rest(canvas, CANVAS_STRONG, span_of(rows.at[i].cells[0]));
	}
	rows_free(&rows);
}

static void put_filter(const struct model *model, struct canvas *canvas)
{
	char text[MODEL_FILTER_MAX + 8];
	snprintf(text, sizeof(text), "/%s_", model->filter);
	canvas_rest(canvas, CANVAS_STRONG, span_of(text));
}

static void put_last_line(const struct model *model, int64_t mono_ms, struct canvas *canvas)
{
	char text[MODEL_FILTER_MAX + 80];
	canvas_at(canvas, model->lines - 1, 0);
	if (model->prompt == MODEL_CONFIRMS) {
		put_question(model, canvas);
	} else if (model->prompt == MODEL_FILTERS) {
		put_filter(model, canvas);
	} else if (model->busy) {
		canvas_rest(canvas, CANVAS_PLAIN, span_of(_("asking ...")));
	} else if (model->message[0] && mono_ms < model->message_until) {
		canvas_rest(canvas, CANVAS_STRONG, span_of(model->message));
	} else if (model->filter[0] && !model->page_count) {
		snprintf(text, sizeof(text), _("only rows with \"%s\"; Esc shows all"), model->filter);
		canvas_rest(canvas, CANVAS_STRONG, span_of(text));
	} else {
		canvas_rest(canvas, CANVAS_PLAIN, span_of(_(hints)));
	}
}

/* Why PANE has no row. */
static const char *nothing(const struct model *model, enum pane pane)
{
	static const char *const texts[PANES] = {N_("There is no virtual server."), N_("No mail in the queue."),
						 N_("No client is connected.")};
	if (!model->heard)
		return "";
	if (model->panes[pane].rows.n)
		return _("No row has this text.");
	return _(texts[pane]);
}

static void put_panes(struct model *model, const struct layout *layout, struct canvas *canvas)
{
	for (enum pane pane = 0; pane < PANES; pane++)
		paint_list(canvas, &model->panes[pane], layout->panes[pane].line, layout->panes[pane].height,
			   pane == model->focus, nothing(model, pane));
}

static void put_page(struct model *model, struct canvas *canvas)
{
	struct model_page *page = model_page(model);
	canvas_at(canvas, 1, 0);
	canvas_rest(canvas, CANVAS_STRONG, span_of(page->title));
	if (page->order.kind == ORDER_LIST)
		paint_list(canvas, &page->list, 2, model->lines - 3, true, _("No mail waits here."));
	else
		paint_text(canvas, &page->list, 2, model->lines - 3);
}

static void put_help(const struct model *model, struct canvas *canvas)
{
	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]) && i + 2 < model->lines; i++) {
		canvas_at(canvas, 1 + i, 0);
		canvas_rest(canvas, CANVAS_PLAIN, span_of(_(help[i])));
	}
	canvas_at(canvas, model->lines - 1, 0);
	canvas_rest(canvas, CANVAS_STRONG, span_of(_("any key goes back")));
}

/* A screen below the least size says so. */
static void put_too_small(const struct model *model, struct canvas *canvas)
{
	char text[160];
	canvas_at(canvas, 0, 0);
	snprintf(text, sizeof(text), _("%zux%zu is too small;"), model->columns, model->lines);
	canvas_rest(canvas, CANVAS_PLAIN, span_of(text));
	canvas_at(canvas, 1, 0);
	snprintf(text, sizeof(text), _("%dx%d at least"), LAYOUT_COLUMNS_MIN, LAYOUT_LINES_MIN);
	canvas_rest(canvas, CANVAS_PLAIN, span_of(text));
}

void paint(struct model *model, int64_t mono_ms, struct canvas *canvas)
{
	size_t counts[PANES];
	struct layout layout;
	for (enum pane pane = 0; pane < PANES; pane++)
		counts[pane] = model->panes[pane].n;
	layout_make(model->lines, model->columns, counts, model->focus, &layout);
	if (!layout.fits) {
		put_too_small(model, canvas);
		return;
	}
	put_title(model, mono_ms, canvas);
	if (model->help) {
		put_help(model, canvas);
		return;
	}
	if (model->page_count)
		put_page(model, canvas);
	else
		put_panes(model, &layout, canvas);
	put_last_line(model, mono_ms, canvas);
}
