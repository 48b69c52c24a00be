#include "ctl/top/order.h"

#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/mail/msgid.h"
#include "ctl/queues.h"
#include "ctl/top/text.h"
#include "ctl/words.h"

const struct columns order_message_columns = {
	QUEUES_MESSAGE_CELLS,
	{
		{N_("ID"), COLUMNS_TEXT, MSGID_LEN, 0, 0},
		{N_("STATE"), COLUMNS_TEXT, 5, 0, 2},
		{N_("AGE"), COLUMNS_NUMBER, 4, 0, 0},
		{N_("SIZE"), COLUMNS_NUMBER, 4, 0, 5},
		{N_("FROM"), COLUMNS_TEXT, 8, 0, 3},
		{N_("TO"), COLUMNS_TEXT, 8, 0, 0},
		{N_("NEXT TRY"), COLUMNS_NUMBER, 4, 0, 4},
		{N_("WHY"), COLUMNS_TEXT, 28, 1000, 1},
	},
};

/* The cells of ROW_MESSAGE and ROW_RECIPIENT that a page shows beside those of the list. */
enum { MESSAGE_RECIPIENTS = 5, MESSAGE_NEXT_HOP = 8 };
enum { RECIPIENT_ADDRESS, RECIPIENT_STATE, RECIPIENT_HOP };

/* --- rows that come --- */

static void on_count(struct answer *out, const struct link_row *row)
{
	for (size_t i = 0; i < ACTWORDS_COUNTS; i++)
		if (!span_to_u64(row->cells[i], UINT32_MAX, &out->counts[i]))
			out->counts[i] = 0;
}

static void on_listed(struct answer *out, const struct link_row *row)
{
	struct queues_message_texts texts;
	struct span cells[QUEUES_MESSAGE_CELLS];
	char copies[QUEUES_MESSAGE_CELLS][TABLE_CELL_MAX];
	struct row made = {.server = out->order.server};
	queues_message_cells(row, &texts, cells);
	for (size_t i = 0; i < QUEUES_MESSAGE_CELLS; i++) {
		snprintf(copies[i], sizeof(copies[i]), "%.*s", SPAN_ARGS(cells[i]));
		made.cells[i] = copies[i];
	}
	made.name = copies[0];
	made.bad = span_equal(row->cells[1], SPAN("held"));
	rows_add(&out->rows, &made);
}

static void show_message(struct answer *out, const struct link_row *row)
{
	struct queues_message_texts texts;
	struct span cells[QUEUES_MESSAGE_CELLS];
	size_t width = out->order.width;
	queues_message_cells(row, &texts, cells);
	text_printf(&out->rows, width, _("%.*s from %.*s is %.*s, on server %s"), SPAN_ARGS(cells[0]),
		    SPAN_ARGS(cells[4]), SPAN_ARGS(cells[1]), out->order.server);
	text_printf(&out->rows, width, _("  accepted    %s ago, %s octets\n"), texts.age, texts.size);
	if (texts.next[0])
		text_printf(&out->rows, width, _("  next try    in %s\n"), texts.next);
	if (row->cells[MESSAGE_NEXT_HOP].len)
		text_printf(&out->rows, width, _("  next hop    %.*s\n"), SPAN_ARGS(row->cells[MESSAGE_NEXT_HOP]));
	if (cells[7].len)
		text_printf(&out->rows, width, _("  why         %.*s"), SPAN_ARGS(cells[7]));
	text_printf(&out->rows, width, _("  recipients  %.*s"), SPAN_ARGS(row->cells[MESSAGE_RECIPIENTS]));
}

static void show_recipient(struct answer *out, const struct link_row *row)
{
	text_printf(&out->rows, out->order.width, "    %.*s  %.*s  %.*s", SPAN_ARGS(row->cells[RECIPIENT_ADDRESS]),
		    SPAN_ARGS(words_cell(row->cells[RECIPIENT_STATE])), SPAN_ARGS(row->cells[RECIPIENT_HOP]));
}

static void show_history(struct answer *out, const struct link_row *row)
{
	struct span cells[QUEUES_HISTORY_CELLS];
	char who[TABLE_CELL_MAX], said[TABLE_CELL_MAX];
	queues_history_cells(row, cells, who, said);
	text_printf(&out->rows, out->order.width, "%.*s  %.*s  %.*s  %.*s", SPAN_ARGS(cells[0]), SPAN_ARGS(cells[1]),
		    SPAN_ARGS(cells[2]), SPAN_ARGS(cells[3]));
}

static void on_row(void *context, const struct link_row *row)
{
	struct answer *out = context;
	bool message = span_equal(row->kind, SPAN(ROW_MESSAGE));
	if (span_equal(row->kind, SPAN(ROW_COUNT)))
		on_count(out, row);
	else if (message && out->order.kind == ORDER_LIST)
		on_listed(out, row);
	else if (message)
		show_message(out, row);
	else if (span_equal(row->kind, SPAN(ROW_RECIPIENT)))
		show_recipient(out, row);
	else if (span_equal(row->kind, SPAN(ROW_HISTORY)))
		show_history(out, row);
}

/* --- requests that go --- */

static void write_request(const struct order *order, struct str *to)
{
	const struct wire_queue_list list = {.select_hop = span_of(order->hop), .limit = ORDER_LIST_MAX};
	const struct wire_queue_show show = {.id = span_of(order->id)};
	const struct wire_queue_act act = {
		.action = order->action,
		.select_id = span_of(order->id),
		.select_hop = span_of(order->hop),
		.count_only = order->kind == ORDER_COUNT,
	};
	const struct wire_ctl_server server = {.server = span_of(order->server), .action = order->server_action};
	switch (order->kind) {
	case ORDER_COUNT:
	case ORDER_ACT:
		wire_encode_queue_act(&act, to);
		return;
	case ORDER_LIST:
		wire_encode_queue_list(&list, to);
		return;
	case ORDER_SHOW:
		wire_encode_queue_show(&show, to);
		return;
	case ORDER_SERVER:
		wire_encode_ctl_server(&server, to);
		return;
	case ORDER_NOTHING:
		return;
	}
}

/* A link to the process that takes ORDER; -1 with the reason in WHY. */
static int link_for(const char *run_dir, const struct order *order, char *why)
{
	if (order->kind != ORDER_SERVER)
		return link_to_child(run_dir, order->server, CHILD_QUEUE, why);
	int fd = link_to_master(run_dir);
	if (fd < 0)
		link_explain(run_dir, fd, why);
	return fd;
}

void order_do(const char *run_dir, const struct order *order, struct answer *out)
{
	struct link_answer answer = {.row = on_row, .context = out};
	struct str request;
	*out = (struct answer){.order = *order};
	rows_init(&out->rows, order->kind == ORDER_LIST ? &order_message_columns : &text_columns);
	int fd = link_for(run_dir, order, out->said);
	if (fd < 0)
		return;
	str_init(&request, WIRE_PACKET_MAX);
	write_request(order, &request);
	out->good = link_ask(fd, &request, &answer) && answer.exit_code == 0;
	memcpy(out->said, answer.said, sizeof(out->said));
	fd_close(&answer.fd);
	fd_close(&fd);
}
