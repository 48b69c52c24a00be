#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/screen.h"
#include "ctl/table.h"
#include "ctl/words.h"

/* The cells of ROW_MESSAGE, ROW_RECIPIENT and ROW_HISTORY. */
enum { ID, STATE, SIZE, SENDER, OPEN, RECIPIENTS, AGE, NEXT_TRY, NEXT_HOP, REASON, FIRST };
enum { ADDRESS, RECIPIENT_STATE, RECIPIENT_NEXT_HOP };

struct shown {
	struct queues *queues;
	struct json json;
	struct span kind; /* name of the open array */
	struct table table;
	struct screen screen; /* with --message */
	size_t recipients;
	bool found;
	char why[TABLE_CELL_MAX]; /* why it waits */
	char state[16];
	char first[TABLE_CELL_MAX]; /* the first recipient that waits */
	char server_option[QUEUES_OPTION_MAX];
};

/* Rows of one kind are consecutive: each kind is an array. */
static void show_json(struct shown *shown, const struct link_row *row)
{
	struct json *json = &shown->json;
	bool recipient = span_equal(row->kind, SPAN(ROW_RECIPIENT));
	if (span_equal(row->kind, SPAN(ROW_MESSAGE))) {
		json_key(json, "message");
		queues_message_json(json, shown->queues->server, row);
		return;
	}
	struct span kind = recipient ? SPAN("recipients") : SPAN("history");
	if (!span_equal(kind, shown->kind)) {
		if (shown->kind.len)
			json_end_array(json);
		json_key(json, kind.at);
		json_array(json);
		shown->kind = kind;
	}
	if (recipient)
		queues_recipient_json(json, row);
	else
		queues_history_json(json, row);
}

static void show_message(struct shown *shown, const struct link_row *row)
{
	char age[CLOCK_TEXT_MAX], next[CLOCK_TEXT_MAX], size[TABLE_OCTETS_MAX];
	const struct span *cell = row->cells;
	queues_server_option(shown->queues, shown->server_option);
	table_duration(cell[AGE], age);
	table_duration(cell[NEXT_TRY], next);
	table_octets(cell[SIZE], size);
	span_clean(cell[REASON], shown->why, sizeof(shown->why));
	span_clean(cell[STATE], shown->state, sizeof(shown->state));
	span_clean(cell[FIRST], shown->first, sizeof(shown->first));
	printf(_("%.*s from %.*s is %s, on server %s\n"), SPAN_ARGS(cell[ID]), SPAN_ARGS(cell[SENDER]),
	       words_shown(shown->state), shown->queues->server);
	printf(_("  accepted    %s ago, %s octets\n"), age[0] ? age : "0s", size);
	if (next[0] && span_equal(cell[STATE], SPAN("waiting")))
		printf(_("  next try    in %s\n"), next);
	if (cell[NEXT_HOP].len)
		printf(_("  next hop    %.*s\n"), SPAN_ARGS(cell[NEXT_HOP]));
	if (shown->why[0])
		printf(_("  why         %s\n"), words_shown(shown->why));
	printf(span_equal(cell[OPEN], SPAN("1")) ? _("  recipients  %.*s, of which %.*s waits\n")
						 : _("  recipients  %.*s, of which %.*s wait\n"),
	       SPAN_ARGS(cell[RECIPIENTS]), SPAN_ARGS(cell[OPEN]));
}

static void end_table(struct shown *shown)
{
	if (shown->kind.len) {
		table_print(&shown->table, 4, stdout);
		table_free(&shown->table);
	}
}

static void begin_table(struct shown *shown, const char *kind, size_t columns)
{
	if (span_equal(shown->kind, span_of(kind)))
		return;
	end_table(shown);
	if (strcmp(kind, "history") == 0)
		puts(_("  history"));
	shown->kind = span_of(kind);
	table_init(&shown->table, columns, 0, NULL);
}

static void show_recipient(struct shown *shown, const struct span *cell)
{
	char number[24], way[TABLE_CELL_MAX];
	begin_table(shown, "recipients", 4);
	snprintf(number, sizeof(number), "#%zu", shown->recipients++);
	snprintf(way, sizeof(way), cell[RECIPIENT_NEXT_HOP].len ? _("via %.*s") : "%.*s",
		 SPAN_ARGS(cell[RECIPIENT_NEXT_HOP]));
	table_add(&shown->table,
		  (struct span[]){span_of(number), cell[ADDRESS], words_cell(cell[RECIPIENT_STATE]), span_of(way)});
}

static void on_show_row(void *context, const struct link_row *row)
{
	struct shown *shown = context;
	struct span cells[QUEUES_HISTORY_CELLS];
	char who[TABLE_CELL_MAX], said[TABLE_CELL_MAX];
	if (span_equal(row->kind, SPAN(ROW_PROGRESS)))
		return;
	shown->found = true;
	if (shown->queues->ctl->options.given & OPTION_JSON) {
		show_json(shown, row);
	} else if (span_equal(row->kind, SPAN(ROW_MESSAGE))) {
		show_message(shown, row);
	} else if (span_equal(row->kind, SPAN(ROW_RECIPIENT))) {
		show_recipient(shown, row->cells);
	} else if (span_equal(row->kind, SPAN(ROW_HISTORY))) {
		begin_table(shown, "history", QUEUES_HISTORY_CELLS);
		queues_history_cells(row, cells, who, said);
		table_add(&shown->table, cells);
	}
}

/* Recommends the next command, in one line. */
static void advise(const struct shown *shown, const char *id)
{
	const char *said = strstr(shown->why, " said 53");
	if (strcmp(shown->state, "held") == 0)
		printf(_("`mailrootctl queue release %s` releases it.\n"), id);
	else if (said && strchr("0458", said[strlen(" said 53")]) && said[strlen(" said 53")])
		puts(_("The next hop does not accept our user and password. `mailrootctl config show` has the lines of username and password_file: correct them, then `mailrootctl reload`. The mail is then sent without further action."));
	else if (strcmp(shown->state, "waiting") == 0)
		printf(_("`mailrootctl queue retry %s` tries now, `mailrootctl explain route %s%s` explains its route.\n"),
		       id, shown->first, shown->server_option);
}

static bool write_show(void *context, const char *id, struct str *request)
{
	const struct shown *shown = context;
	const struct options *options = &shown->queues->ctl->options;
	struct wire_queue_show show = {.id = span_of(id),
				       .message = options->given & OPTION_MESSAGE,
				       .sent = options->given & OPTION_SENT,
				       .recipient = span_of(options->recipient)};
	return wire_encode_queue_show(&show, request);
}

static void finish_show(struct shown *shown)
{
	if (shown->queues->ctl->options.given & OPTION_JSON) {
		if (shown->kind.len)
			json_end_array(&shown->json);
		json_end_object(&shown->json);
		json_finish(&shown->json);
		return;
	}
	end_table(shown);
	if (shown->found)
		advise(shown, shown->queues->ctl->args[0]);
}

static void on_text(void *context, struct span text)
{
	struct shown *shown = context;
	screen_write(&shown->screen, text);
}

static enum screen_kind screen_kind_for(const struct ctl *ctl)
{
	if (ctl->options.given & OPTION_JSON)
		return SCREEN_JSON;
	return isatty(STDOUT_FILENO) ? SCREEN_TERMINAL : SCREEN_AS_IS;
}

/* Prints the message text. */
static int show_text(struct shown *shown)
{
	screen_init(&shown->screen, stdout, screen_kind_for(shown->queues->ctl));
	queues_ask(shown->queues,
		   &(struct queues_request){.write = write_show, .text = on_text, .context = shown, .quiet = true});
	bool written = screen_end(&shown->screen);
	if (!shown->screen.begun)
		return cmd_fail(
			"%s",
			queues_said(
				shown->queues,
				_("there is no such message in the queue; `mailrootctl trace ID` shows what happened to it")));
	return written ? EXIT_DONE : cmd_fail(_("the message could not be written completely"));
}

static int show(struct shown *shown)
{
	json_init(&shown->json, stdout);
	if (shown->queues->ctl->options.given & OPTION_JSON)
		json_object(&shown->json);
	queues_ask(shown->queues,
		   &(struct queues_request){.write = write_show, .row = on_show_row, .context = shown, .quiet = true});
	finish_show(shown);
	if (shown->found)
		return EXIT_DONE;
	return cmd_fail(
		"%s",
		queues_said(
			shown->queues,
			_("there is no such message in the queue; `mailrootctl trace ID` shows what happened to it")));
}

int cmd_queue_show(struct ctl *ctl)
{
	static struct shown shown;
	struct queues queues;
	int status;
	if ((ctl->options.given & OPTION_RECIPIENT) && !(ctl->options.given & OPTION_SENT)) {
		cmd_fail(_("--recipient selects whose next hop --sent shows; add --sent"));
		return EXIT_USAGE;
	}
	if (!queues_open(ctl, &queues, &status))
		return status;
	shown = (struct shown){.queues = &queues};
	status = ctl->options.given & (OPTION_MESSAGE | OPTION_SENT) ? show_text(&shown) : show(&shown);
	queues_close(&queues);
	return status;
}
