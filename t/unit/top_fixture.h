/* A model of `mailrootctl top` with a service that no process makes, and its screen as text. */
#ifndef T_UNIT_TOP_FIXTURE_H
#define T_UNIT_TOP_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"
#include "ctl/session_rows.h"
#include "ctl/top/paint.h"
#include "ctl/top/text.h"
#include "t/unit/suite.h"

static struct model model;
static int64_t now_ms;
static const char *why, *state;
static size_t hops_begin; /* the number of the first next hop */

static void setup(void)
{
	model_init(&model, true);
	model_size(&model, 24, 80);
	now_ms = 1000 * 1000;
	why = "could not connect";
	state = "running";
	hops_begin = 0;
}

static void teardown(void)
{
	model_free(&model);
}

static void fill(struct news *to, size_t hops, size_t sessions)
{
	static struct service service;
	static struct service_hop all[SERVICE_HOPS_MAX];
	static char names[SERVICE_HOPS_MAX][40];
	static const struct make_rates rates[1];
	service = (struct service){.version = "1.2", .server_count = 1};
	service.servers[0] = (struct service_server){.name = "one",
						     .state = state,
						     .trouble = "",
						     .listeners = "127.0.0.1:25",
						     .hops = all,
						     .hop_count = hops};
	for (size_t i = 0; i < hops; i++) {
		snprintf(names[i], sizeof(names[i]), "[192.0.2.%zu]:25", hops_begin + i);
		all[i] = (struct service_hop){.name = names[i],
					      .state = "down",
					      .reason = why,
					      .messages = 10000 - hops_begin - i,
					      .counted = true};
	}
	make_servers(&service, rates, &to->rows[PANE_SERVERS]);
	make_hops(&service, &to->rows[PANE_QUEUE]);
	for (size_t i = 0; i < sessions; i++) {
		char id[40], client[40];
		struct link_row row = {.n = SESSION_ROWS_CELLS};
		snprintf(id, sizeof(id), "%zu", i);
		snprintf(client, sizeof(client), "10.0.0.%zu", i);
		row.cells[SESSION_ROWS_ID] = span_of(id);
		row.cells[SESSION_ROWS_CLIENT] = span_of(client);
		row.cells[SESSION_ROWS_STATE] = SPAN("greeted");
		make_session("one", false, &row, &to->rows[PANE_SESSIONS]);
	}
}

static void news(size_t hops, size_t sessions)
{
	struct news made = {.up = true, .version = "1.2", .age_s = 10};
	rows_init(&made.rows[PANE_SERVERS], &make_server_columns);
	rows_init(&made.rows[PANE_QUEUE], &make_hop_columns);
	rows_init(&made.rows[PANE_SESSIONS], &make_session_columns);
	fill(&made, hops, sessions);
	model_news(&model, &made, now_ms);
	news_free(&made);
}

static void press(unsigned key)
{
	model_key(&model, key, now_ms);
}

static void type(const char *text)
{
	while (*text)
		press((unsigned char)*text++);
}

static const char *selected(void)
{
	const struct row *row = picklist_selected(model_list(&model));
	return row ? row->name : "";
}

/* The answer to the order that the model wants. */
static void answer(uint64_t done, uint64_t already)
{
	struct answer made = {.order = model.order, .good = true, .counts = {done, 0, already, 0}};
	ck_assert_int_ne(model.order.kind, ORDER_NOTHING);
	model.order.kind = ORDER_NOTHING;
	model_answer(&model, &made, now_ms);
}

static void answer_rows(struct answer *made)
{
	model.order.kind = ORDER_NOTHING;
	model_answer(&model, made, now_ms);
	rows_free(&made->rows);
}

static void list_of_messages(size_t n)
{
	struct answer made = {.order = model.order, .good = true};
	rows_init(&made.rows, &order_message_columns);
	for (size_t i = 0; i < n; i++) {
		char id[24];
		snprintf(id, sizeof(id), "ID%zu", i);
		rows_add(&made.rows, &(struct row){.server = "one", .name = id, .cells = {id, "waiting"}});
	}
	answer_rows(&made);
}

static void show_message(void)
{
	struct answer made = {.order = model.order, .good = true};
	rows_init(&made.rows, &text_columns);
	text_printf(&made.rows, 80, "why 99\n");
	for (size_t i = 0; i < 200; i++)
		text_printf(&made.rows, 80, "line %zu \n", i);
	answer_rows(&made);
}

/* Paints the model. Each run stays in its line, in the screen, and has nothing that commands a terminal. */
static const char *screen(void)
{
	static struct str text;
	struct canvas canvas;
	if (!text.max)
		str_init(&text, 1 << 20);
	str_clear(&text);
	canvas_init(&canvas, model.lines, model.columns, model.utf8);
	paint(&model, now_ms, &canvas);
	for (size_t i = 0; i < canvas.n; i++) {
		const struct canvas_run *run = &canvas.runs[i];
		ck_assert_uint_lt(run->line, model.lines);
		ck_assert_uint_le(run->column + utf8_columns(span_of(run->text)), model.columns);
		for (const char *c = run->text; *c; c++)
			ck_assert((unsigned char)*c >= ' ' && *c != 0x7f);
		if (i && canvas.runs[i - 1].line != run->line)
			str_append_c(&text, '\n');
		str_append_text(&text, run->text);
	}
	canvas_free(&canvas);
	return str_text(&text);
}

#define see(what)    ck_assert_msg(strstr(screen(), what), "no %s in\n%s", what, screen())
#define unseen(what) ck_assert_msg(!strstr(screen(), what), "%s in\n%s", what, screen())

#endif
