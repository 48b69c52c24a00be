#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/top/model.h"
#include "ctl/top/text.h"

/* Rows that a page key moves by. */
static long page_of(const struct model *model)
{
	return model->lines > 8 ? (long)model->lines / (model->page_count ? 1 : 2) - 3 : 1;
}

static bool moves(struct model *model, unsigned key)
{
	const struct {
		unsigned key;
		long by;
	} ways[] = {
		{KEYBOARD_UP, -1},
		{'k', -1},
		{KEYBOARD_DOWN, 1},
		{'j', 1},
		{KEYBOARD_PAGE_UP, -page_of(model)},
		{KEYBOARD_PAGE_DOWN, page_of(model)},
		{KEYBOARD_HOME, -ROWS_MAX},
		{KEYBOARD_END, ROWS_MAX},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].key != key)
			continue;
		picklist_move(model_list(model), ways[i].by);
		return true;
	}
	return false;
}

/* --- the filter --- */

static void filter_all(struct model *model)
{
	for (enum pane pane = 0; pane < PANES; pane++)
		picklist_filter(&model->panes[pane], model_filter(model, pane));
}

/* The start of the last character of TEXT. */
static size_t last_of(const char *text, size_t len)
{
	while (len && ((unsigned char)text[--len] & 0xc0) == 0x80)
		;
	return len;
}

/* Appends the character CODE (UTF-8, RFC 3629). */
static void append(char *text, size_t size, unsigned code)
{
	size_t len = strlen(text);
	char octets[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	if (code < ' ' || code == 0x7f || code >= KEYBOARD_NONE || len + n >= size)
		return;
	for (size_t i = n; i-- > 1; code >>= 6)
		octets[i] = (char)(0x80 | (code & 0x3f));
	octets[0] = (char)(n == 1 ? code : (0xf00U >> n & 0xffU) | code);
	memcpy(text + len, octets, n);
	text[len + n] = '\0';
}

static void filter_key(struct model *model, unsigned key)
{
	if (key == KEYBOARD_ENTER || key == KEYBOARD_ESCAPE)
		model->prompt = MODEL_NO_PROMPT;
	if (key == KEYBOARD_ESCAPE)
		model->filter[0] = '\0';
	else if (key == KEYBOARD_BACKSPACE)
		model->filter[last_of(model->filter, strlen(model->filter))] = '\0';
	else
		append(model->filter, sizeof(model->filter), key);
	filter_all(model);
}

/* --- actions --- */

static void order_of_row(const struct row *row, struct order *out)
{
	*out = (struct order){.kind = ORDER_NOTHING};
	snprintf(out->server, sizeof(out->server), "%s", row->server);
}

/* Counts what ACTION would touch: a message of a page, the mail of a next hop, or all mail of a server. */
static void act(struct model *model, enum row_action action, int64_t mono_ms)
{
	const struct model_page *page = model_page(model);
	const struct row *row = picklist_selected(model_list(model));
	struct order order;
	if (page && page->order.kind == ORDER_SHOW) {
		order = page->order;
	} else if (!row || (page && page->order.kind != ORDER_LIST) || (!page && model->focus == PANE_SESSIONS)) {
		model_say(model, mono_ms,
			  _("Select a next hop, a message or a server first (Tab goes to the next pane)"));
		return;
	} else {
		order_of_row(row, &order);
		if (page)
			snprintf(order.id, sizeof(order.id), "%s", row->name);
		else
			snprintf(order.hop, sizeof(order.hop), "%s", row->name);
	}
	order.kind = ORDER_COUNT;
	order.action = action;
	model_send(model, &order);
}

/* The server of the selected row, among the rows of the servers; NULL = none. */
static const struct row *server_of_selection(const struct model *model)
{
	const struct row *row = picklist_selected(&model->panes[model->focus]);
	const struct rows *servers = &model->panes[PANE_SERVERS].rows;
	for (size_t i = 0; i < servers->n; i++)
		if (row ? strcmp(servers->at[i].server, row->server) == 0 : servers->n == 1)
			return &servers->at[i];
	return NULL;
}

static void pause_or_continue(struct model *model, int64_t mono_ms)
{
	const struct row *server = server_of_selection(model);
	bool paused = server && strcmp(server->state, "paused") == 0;
	if (!server || (!paused && strcmp(server->state, "running") != 0)) {
		model_say(model, mono_ms, _("Only a server that is running or paused can be paused or continued"));
		return;
	}
	order_of_row(server, &model->pending);
	model->pending.kind = ORDER_SERVER;
	model->pending.server_action = paused ? ROW_CONTINUE : ROW_PAUSE;
	model->prompt = MODEL_CONFIRMS;
	snprintf(model->question, sizeof(model->question),
		 paused ? _("Server %s will accept connections again. Continue? [y/N]")
			: _("Server %s will answer new connections with 421. Continue? [y/N]"),
		 server->server);
}

static void confirm_key(struct model *model, unsigned key, int64_t mono_ms)
{
	model->prompt = MODEL_NO_PROMPT;
	if (key == 'y' || key == 'Y')
		model_send(model, &model->pending);
	else
		model_say(model, mono_ms, _("Nothing was done."));
}

/* --- pages --- */

/* Everything that is known of ROW, on a page. */
static void open_details(struct model *model, const struct row *row, const struct columns *columns)
{
	struct model_page *page = &model->pages[model->page_count++];
	struct rows rows;
	picklist_free(&page->list);
	page->order = (struct order){.kind = ORDER_NOTHING};
	snprintf(page->title, sizeof(page->title), "%.400s", row->cells[0]);
	rows_init(&rows, &text_columns);
	for (size_t i = 0; i < columns->n; i++)
		if (columns->at[i].kind < COLUMNS_GRAPH_IN && row->cells[i][0])
			text_printf(&rows, model->columns, "%s: %s", _(columns->at[i].heading), row->cells[i]);
	text_add(&rows, model->columns, span_of(row->notes));
	picklist_take(&page->list, &rows, "");
	rows_free(&rows);
}

static void open_selected(struct model *model)
{
	const struct picklist *list = model_list(model);
	const struct row *row = picklist_selected(list);
	const struct model_page *page = model_page(model);
	struct order order;
	if (!row || (page && page->order.kind != ORDER_LIST))
		return;
	if (!page && model->focus != PANE_QUEUE) {
		open_details(model, row, list->rows.columns);
		return;
	}
	order_of_row(row, &order);
	order.kind = page ? ORDER_SHOW : ORDER_LIST;
	if (page)
		snprintf(order.id, sizeof(order.id), "%s", row->name);
	else
		snprintf(order.hop, sizeof(order.hop), "%s", row->name);
	model_send(model, &order);
}

static void go_back(struct model *model)
{
	if (model->page_count) {
		picklist_free(&model->pages[--model->page_count].list);
	} else if (model->filter[0]) {
		model->filter[0] = '\0';
		filter_all(model);
	}
}

static void step_focus(struct model *model, unsigned by)
{
	if (!model->page_count)
		model->focus = (enum pane)(((unsigned)model->focus + by) % PANES);
}

/* --- keys --- */

static void order_key(struct model *model, unsigned key, int64_t mono_ms)
{
	switch (key) {
	case 'r':
		act(model, ROW_RETRY, mono_ms);
		return;
	case 'h':
		act(model, ROW_HOLD, mono_ms);
		return;
	case 'u':
		act(model, ROW_RELEASE, mono_ms);
		return;
	case 'p':
		pause_or_continue(model, mono_ms);
		return;
	case KEYBOARD_ENTER:
		open_selected(model);
		return;
	default:
		return;
	}
}

static void plain_key(struct model *model, unsigned key, int64_t mono_ms)
{
	switch (key) {
	case 'q':
		if (model->page_count)
			go_back(model);
		else
			model->quit = true;
		return;
	case '?':
		model->help = true;
		return;
	case '/':
		model->prompt = model->page_count ? MODEL_NO_PROMPT : MODEL_FILTERS;
		return;
	case KEYBOARD_TAB:
		step_focus(model, 1);
		return;
	case KEYBOARD_BACK_TAB:
		step_focus(model, PANES - 1);
		return;
	case KEYBOARD_ESCAPE:
		go_back(model);
		return;
	default:
		if (!moves(model, key) && !model->busy)
			order_key(model, key, mono_ms);
	}
}

void model_key(struct model *model, unsigned key, int64_t mono_ms)
{
	if (key == KEYBOARD_GONE) {
		model->quit = true;
		return;
	}
	if (key == KEYBOARD_NONE || key == KEYBOARD_RESIZE)
		return;
	model->message[0] = '\0';
	if (model->help)
		model->help = false;
	else if (model->prompt == MODEL_FILTERS)
		filter_key(model, key);
	else if (model->prompt == MODEL_CONFIRMS)
		confirm_key(model, key, mono_ms);
	else
		plain_key(model, key, mono_ms);
}
