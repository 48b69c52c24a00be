#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/queues.h"
#include "ctl/screen.h"
#include "ctl/table.h"
#include "ctl/words.h"

/* The cells of ROW_BADMAIL. */
enum { ID, AGE, LEFT, SIZE, SENDER, RECIPIENTS, FIRST, REASON, CELLS };
static const struct {
	const char *name;
	bool number;
} keys[CELLS] = {
	{"id", false},     {"age_s", true},      {"kept_s", true},           {"size", true},
	{"sender", false}, {"recipients", true}, {"first_recipient", false}, {"reason", false},
};

static const char not_there[] = N_("there is no such message in badmail; `mailrootctl badmail list` shows all");

/* The state of any of the four commands. */
struct badmail_work {
	struct queues queues;
	struct json json;
	struct table table;
	struct screen screen;
	enum row_action action;
	bool count_only;
	size_t rows;
	size_t sendable; /* of these, those that `badmail resend` can send */
	bool full;
	uint64_t done, failed;
	struct span kind; /* name of the open array or table */
};

static bool wants_json(const struct badmail_work *work)
{
	return work->queues.ctl->options.given & OPTION_JSON;
}

/* A file that is no message of Mailroot has an empty cell; with no recipient left there is nothing to send. */
static bool can_resend(const struct span *cells)
{
	return cells[RECIPIENTS].len && !span_equal(cells[RECIPIENTS], SPAN("0"));
}

static void row_json(struct badmail_work *work, const struct span *cells)
{
	json_object(&work->json);
	json_key(&work->json, "server");
	json_string(&work->json, span_of(work->queues.server));
	for (size_t i = 0; i < CELLS; i++) {
		json_key(&work->json, keys[i].name);
		if (keys[i].number)
			json_cell(&work->json, cells[i]);
		else
			json_string(&work->json, cells[i]);
	}
	json_end_object(&work->json);
}

static struct span recipients_cell(const struct span *cells, char *to, size_t size)
{
	uint64_t n;
	if (!span_to_u64(cells[RECIPIENTS], UINT32_MAX, &n) || n < 2)
		return cells[FIRST];
	snprintf(to, size, _("%.*s and %llu more"), SPAN_ARGS(cells[FIRST]), (unsigned long long)n - 1);
	return span_of(to);
}

static void on_list_row(void *context, const struct link_row *row)
{
	struct badmail_work *work = context;
	char age[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX], size[TABLE_OCTETS_MAX], recipients[TABLE_CELL_MAX];
	const struct span *cell = row->cells;
	if (!span_equal(row->kind, SPAN(ROW_BADMAIL)))
		return;
	work->rows++;
	work->sendable += can_resend(cell);
	if (wants_json(work)) {
		row_json(work, cell);
		return;
	}
	struct span cells[] = {cell[ID],
			       table_duration(cell[AGE], age),
			       table_duration(cell[LEFT], left),
			       table_octets(cell[SIZE], size),
			       cell[SENDER],
			       recipients_cell(cell, recipients, sizeof(recipients)),
			       words_cell(cell[REASON])};
	if (!table_add(&work->table, cells))
		work->full = true;
}

static bool write_list(void *context, const char *id, struct str *request)
{
	const struct badmail_work *work = context;
	struct wire_badmail_list list = {.limit = wants_json(work) ? 0 : TABLE_ROWS_MAX};
	(void)id;
	return wire_encode_badmail_list(&list, request);
}

static void finish_list(struct badmail_work *work)
{
	if (wants_json(work)) {
		json_end_array(&work->json);
		json_end_object(&work->json);
		json_finish(&work->json);
	} else if (!work->rows) {
		if (!work->queues.failed)
			puts(_("No bad mail."));
	} else {
		table_sort(&work->table);
		table_print(&work->table, 0, stdout);
		printf(work->sendable
			       ? ngettext(
					 "%zu message. `mailrootctl badmail show ID` shows one, `badmail resend ID` sends it again.\n",
					 "%zu messages. `mailrootctl badmail show ID` shows one, `badmail resend ID` sends it again.\n",
					 work->rows)
			       : ngettext("%zu message. `mailrootctl badmail show ID` shows one.\n",
					  "%zu messages. `mailrootctl badmail show ID` shows one.\n", work->rows),
		       work->rows);
		if (work->full || work->rows >= TABLE_ROWS_MAX)
			puts(_("There may be more: --json lists them all."));
	}
}

int cmd_badmail_list(struct ctl *ctl)
{
	static const char *const headings[] = {N_("ID"),   N_("SINCE"), N_("KEPT FOR"), N_("SIZE"),
					       N_("FROM"), N_("TO"),    N_("WHY")};
	static struct badmail_work work;
	int status;
	work = (struct badmail_work){.action = 0};
	if (!queues_open(ctl, &work.queues, &status))
		return status;
	table_init(&work.table, sizeof(headings) / sizeof(headings[0]), 1U << 1 | 1U << 2 | 1U << 3, headings);
	json_init(&work.json, stdout);
	if (wants_json(&work)) {
		json_object(&work.json);
		json_key(&work.json, "messages");
		json_array(&work.json);
	}
	queues_ask(&work.queues, &(struct queues_request){.write = write_list, .row = on_list_row, .context = &work});
	finish_list(&work);
	table_free(&work.table);
	queues_close(&work.queues);
	return work.queues.failed ? EXIT_FAILED : EXIT_DONE;
}

static bool write_show(void *context, const char *id, struct str *request)
{
	const struct badmail_work *work = context;
	struct wire_badmail_show show = {.id = span_of(id),
					 .message = work->queues.ctl->options.given & OPTION_MESSAGE};
	return wire_encode_badmail_show(&show, request);
}

/* Rows of one kind are consecutive: each kind is an array or a table. */
static bool begins(struct badmail_work *work, const struct link_row *row, const char *kind, const char *name)
{
	if (!span_equal(row->kind, span_of(kind)))
		return false;
	if (!span_equal(work->kind, span_of(name))) {
		if (work->kind.len && wants_json(work))
			json_end_array(&work->json);
		if (wants_json(work)) {
			json_key(&work->json, name);
			json_array(&work->json);
		} else {
			printf("  %s\n", _(name));
		}
	}
	work->kind = span_of(name);
	return true;
}

static void show_head(const struct badmail_work *work, const struct span *cell)
{
	char age[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX], size[TABLE_OCTETS_MAX];
	table_duration(cell[AGE], age);
	table_duration(cell[LEFT], left);
	table_octets(cell[SIZE], size);
	printf(_("%.*s is bad mail on server %s since %s; it is kept for another %s\n"), SPAN_ARGS(cell[ID]),
	       work->queues.server, age[0] ? age : "0s", left[0] ? left : "0s");
	printf(_("  from        %.*s, %s octets\n"), (int)(cell[SENDER].len ? cell[SENDER].len : 1),
	       cell[SENDER].len ? cell[SENDER].at : "?", size);
}

static void history_line(const struct link_row *row)
{
	struct span cells[QUEUES_HISTORY_CELLS];
	char who[TABLE_CELL_MAX], said[TABLE_CELL_MAX];
	queues_history_cells(row, cells, who, said);
	printf("    %.*s  %.*s  %.*s  %.*s\n", SPAN_ARGS(cells[0]), SPAN_ARGS(cells[1]), SPAN_ARGS(cells[2]),
	       SPAN_ARGS(cells[3]));
}

static void on_show_row(void *context, const struct link_row *row)
{
	struct badmail_work *work = context;
	bool json = wants_json(work);
	if (span_equal(row->kind, SPAN(ROW_BADMAIL))) {
		work->rows++;
		work->sendable += can_resend(row->cells);
		if (json) {
			json_key(&work->json, "message");
			row_json(work, row->cells);
		} else {
			show_head(work, row->cells);
		}
	} else if (begins(work, row, ROW_RECIPIENT, N_("recipients"))) {
		if (json)
			queues_recipient_json(&work->json, row);
		else
			printf("    %.*s  %.*s\n", SPAN_ARGS(row->cells[0]), SPAN_ARGS(words_cell(row->cells[1])));
	} else if (begins(work, row, ROW_HISTORY, N_("history"))) {
		if (json)
			queues_history_json(&work->json, row);
		else
			history_line(row);
	} else if (begins(work, row, ROW_REASON, N_("why"))) {
		if (json)
			json_string(&work->json, row->cells[0]);
		else
			printf("    %.*s\n", SPAN_ARGS(words_cell(row->cells[0])));
	}
}

static void on_text(void *context, struct span text)
{
	struct badmail_work *work = context;
	screen_write(&work->screen, text);
}

static int show_text(struct badmail_work *work)
{
	enum screen_kind kind = isatty(STDOUT_FILENO) ? SCREEN_TERMINAL : SCREEN_AS_IS;
	screen_init(&work->screen, stdout, wants_json(work) ? SCREEN_JSON : kind);
	queues_ask(&work->queues,
		   &(struct queues_request){.write = write_show, .text = on_text, .context = work, .quiet = true});
	bool written = screen_end(&work->screen);
	if (!work->screen.begun)
		return cmd_fail("%s", _(not_there));
	return written ? EXIT_DONE : cmd_fail(_("the message could not be written completely"));
}

static void advise(const struct badmail_work *work, const char *id)
{
	if (work->sendable)
		printf(_("`mailrootctl badmail resend %s` sends it to the remaining recipients; `badmail show %s --message` prints it.\n"),
		       id, id);
	else
		printf(_("It can't be sent again: no recipient is left, or it is no message of Mailroot, which can be corrected and put into the pickup folder; `badmail show %s --message` prints it.\n"),
		       id);
}

static int show(struct badmail_work *work)
{
	json_init(&work->json, stdout);
	if (wants_json(work))
		json_object(&work->json);
	queues_ask(&work->queues,
		   &(struct queues_request){.write = write_show, .row = on_show_row, .context = work, .quiet = true});
	if (wants_json(work)) {
		if (work->kind.len)
			json_end_array(&work->json);
		json_end_object(&work->json);
		json_finish(&work->json);
	}
	if (!work->rows)
		return cmd_fail("%s", _(not_there));
	if (!wants_json(work))
		advise(work, work->queues.ctl->args[0]);
	return EXIT_DONE;
}

int cmd_badmail_show(struct ctl *ctl)
{
	static struct badmail_work work;
	int status;
	work = (struct badmail_work){.action = 0};
	if (!queues_open(ctl, &work.queues, &status))
		return status;
	status = ctl->options.given & OPTION_MESSAGE ? show_text(&work) : show(&work);
	queues_close(&work.queues);
	return status;
}

static bool write_act(void *context, const char *id, struct str *request)
{
	const struct badmail_work *work = context;
	struct wire_badmail_act act = {.action = work->action, .id = span_of(id), .count_only = work->count_only};
	return wire_encode_badmail_act(&act, request);
}

static void on_count_row(void *context, const struct link_row *row)
{
	struct badmail_work *work = context;
	uint64_t done, failed;
	if (!span_equal(row->kind, SPAN(ROW_COUNT)) || !span_to_u64(row->cells[0], UINT32_MAX, &done) ||
	    !span_to_u64(row->cells[3], UINT32_MAX, &failed))
		return;
	work->done += done;
	work->failed += failed;
}

static void act(struct badmail_work *work, bool count_only)
{
	work->count_only = count_only;
	work->done = work->failed = 0;
	work->queues.said[0] = '\0';
	queues_ask(&work->queues,
		   &(struct queues_request){.write = write_act, .row = on_count_row, .context = work, .quiet = true});
}

static int go(struct badmail_work *work)
{
	const struct ctl *ctl = work->queues.ctl;
	bool resend = work->action == ROW_RESEND;
	char sentence[400];
	act(work, true);
	uint64_t count = work->done, missing = ctl->arg_count > count ? ctl->arg_count - count : 0;
	if (!count)
		return cmd_fail("%s", ctl->arg_count ? _(not_there) : _("there is no bad mail"));
	snprintf(sentence, sizeof(sentence),
		 resend ? ngettext("%llu message will be sent to its remaining recipients.",
				   "%llu messages will be sent to their remaining recipients.", count)
			: ngettext("%llu message will be removed for good.", "%llu messages will be removed for good.",
				   count),
		 (unsigned long long)count);
	if (!cmd_confirm(ctl, sentence))
		return EXIT_FAILED;
	act(work, false);
	if (wants_json(work))
		printf("{\"%s\":%llu,\"failed\":%llu,\"unknown\":%llu}\n", resend ? "resent" : "deleted",
		       (unsigned long long)work->done, (unsigned long long)work->failed, (unsigned long long)missing);
	else
		printf(!resend      ? _("%llu deleted.\n")
		       : work->done ? _("%llu sent again. `mailrootctl queue list` shows them.\n")
				    : _("%llu sent again.\n"),
		       (unsigned long long)work->done);
	if (work->failed)
		cmd_fail(work->failed > 1 ? _("%llu could not be: %s; the log has the reason for each")
					  : _("%llu could not be: %s"),
			 (unsigned long long)work->failed, work->queues.said);
	if (missing && !wants_json(work))
		cmd_fail(_("%llu of the IDs are not in badmail"), (unsigned long long)missing);
	return work->failed || missing ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct ctl *ctl, enum row_action action)
{
	static struct badmail_work work;
	int status;
	work = (struct badmail_work){.action = action};
	if (!ctl->arg_count && !(ctl->options.given & OPTION_ALL)) {
		cmd_fail(_("which messages? Name IDs, or write --all; `mailrootctl badmail list` shows them"));
		return EXIT_USAGE;
	}
	if (!queues_open(ctl, &work.queues, &status))
		return status;
	status = go(&work);
	queues_close(&work.queues);
	return status;
}

int cmd_badmail_resend(struct ctl *ctl)
{
	return run(ctl, ROW_RESEND);
}

int cmd_badmail_delete(struct ctl *ctl)
{
	return run(ctl, ROW_DELETE);
}
