#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/table.h"

struct listing {
	struct queues *queues;
	struct table table;
	struct json json;
	size_t count;
	bool full;
};

static bool write_list(void *context, const char *id, struct str *request)
{
	const struct listing *listing = context;
	const struct options *options = &listing->queues->ctl->options;
	struct wire_queue_list list = {
		QUEUES_SELECTION(id, options),
		.limit = options->given & OPTION_JSON ? 0 : TABLE_ROWS_MAX,
	};
	return wire_encode_queue_list(&list, request);
}

static void message_line(struct listing *listing, const struct link_row *row)
{
	struct queues_message_texts texts;
	struct span cells[QUEUES_MESSAGE_CELLS];
	queues_message_cells(row, &texts, cells);
	if (!table_add(&listing->table, cells))
		listing->full = true;
}

static void on_list_row(void *context, const struct link_row *row)
{
	struct listing *listing = context;
	if (!span_equal(row->kind, SPAN(ROW_MESSAGE)))
		return;
	listing->count++;
	if (listing->queues->ctl->options.given & OPTION_JSON)
		queues_message_json(&listing->json, listing->queues->server, row);
	else
		message_line(listing, row);
}

/* Whether there may be more rows than requested. */
static bool selects_some(const struct ctl *ctl)
{
	return ctl->arg_count || ctl->options.given & ~(unsigned)(OPTION_SERVER | OPTION_ALL | OPTION_JSON);
}

static void finish_list(struct listing *listing)
{
	if (listing->queues->ctl->options.given & OPTION_JSON) {
		json_end_array(&listing->json);
		json_end_object(&listing->json);
		json_finish(&listing->json);
		return;
	}
	if (!listing->count) {
		if (!listing->queues->failed)
			puts(selects_some(listing->queues->ctl) ? _("No mail in the queue matches.")
								: _("No mail in the queue."));
		return;
	}
	table_sort(&listing->table);
	table_print(&listing->table, 0, stdout);
	printf(ngettext("%zu message. `mailrootctl queue show ID` has the history, `queue retry ID` tries now.\n",
			"%zu messages. `mailrootctl queue show ID` has the history, `queue retry ID` tries now.\n",
			listing->count),
	       listing->count);
	if (listing->full || listing->count >= TABLE_ROWS_MAX)
		printf(_(
			"There may be more: select with --domain, --sender, --recipient, --reason or --older, or use --json.\n"));
}

int cmd_queue_list(struct ctl *ctl)
{
	static const char *const headings[] = {N_("ID"),   N_("STATE"), N_("AGE"),      N_("SIZE"),
					       N_("FROM"), N_("TO"),    N_("NEXT TRY"), N_("WHY")};
	struct queues queues;
	struct listing listing = {.queues = &queues};
	int status;
	if (!queues_open(ctl, &queues, &status))
		return status;
	table_init(&listing.table, sizeof(headings) / sizeof(headings[0]), 1U << 2 | 1U << 3 | 1U << 6, headings);
	json_init(&listing.json, stdout);
	if (ctl->options.given & OPTION_JSON) {
		json_object(&listing.json);
		json_key(&listing.json, "messages");
		json_array(&listing.json);
	}
	queues_ask(&queues, &(struct queues_request){.write = write_list, .row = on_list_row, .context = &listing});
	finish_list(&listing);
	table_free(&listing.table);
	queues_close(&queues);
	return queues.failed ? EXIT_FAILED : EXIT_DONE;
}
