#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/host/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/table.h"

enum { SELECTORS = OPTION_DOMAIN | OPTION_SENDER | OPTION_RECIPIENT | OPTION_OLDER };

/* The cells of ROW_MESSAGE, ROW_RECIPIENT and ROW_HISTORY, as keys. */
enum message_cell { ID, STATE, SIZE, SENDER, OPEN, RECIPIENTS, AGE, NEXT_TRY, NEXT_HOP, REASON, FIRST, MESSAGE_CELLS };
static const char *const message_keys[MESSAGE_CELLS] = {
	"id",    "state",      "size",     "sender", "open",       "recipients",
	"age_s", "next_try_s", "next_hop", "reason", "first_open",
};
static const char *const recipient_keys[] = {"address", "state", "next_hop"};
static const char *const history_keys[] = {"time", "recipients", "event", "code", "enhanced", "host", "text"};
enum {
	RECIPIENT_CELLS = sizeof(recipient_keys) / sizeof(recipient_keys[0]),
	HISTORY_CELLS = sizeof(history_keys) / sizeof(history_keys[0])
};

/* Ids and senders look like numbers at times and are texts all the same. */
static bool is_number(enum message_cell cell)
{
	return cell == SIZE || cell == OPEN || cell == RECIPIENTS || cell == AGE || cell == NEXT_TRY;
}

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
		.select_id = span_of(id),
		.select_sender = span_of(options->sender),
		.select_recipient = span_of(options->recipient),
		.select_domain = span_of(options->domain),
		.older_s = options->older_s,
		.limit = options->given & OPTION_JSON ? 0 : TABLE_ROWS_MAX,
	};

	return wire_encode_queue_list(&list, request);
}

static void message_json(struct listing *listing, const struct link_row *row)
{
	struct json *json = &listing->json;

	json_object(json);
	json_key(json, "server");
	json_string(json, span_of(listing->queues->server));
	for (size_t i = 0; i < MESSAGE_CELLS; i++) {
		json_key(json, message_keys[i]);
		if (is_number((enum message_cell)i))
			json_cell(json, row->cells[i]);
		else
			json_string(json, row->cells[i]);
	}
	json_end_object(json);
}

static struct span size_cell(struct span cell, char *to, size_t size)
{
	uint64_t octets;

	if (!span_to_u64(cell, INT64_MAX, &octets))
		return cell;
	if (octets < 10240)
		snprintf(to, size, "%llu", (unsigned long long)octets);
	else if (octets < 10 << 20)
		snprintf(to, size, "%lluK", (unsigned long long)octets >> 10);
	else
		snprintf(to, size, "%lluM", (unsigned long long)octets >> 20);
	return span_of(to);
}

static struct span recipients_cell(const struct link_row *row, char *to, size_t size)
{
	uint64_t open;

	if (!span_to_u64(row->cells[OPEN], UINT32_MAX, &open) || open < 2)
		return row->cells[FIRST];
	snprintf(to, size, "%.*s and %llu more", SPAN_ARGS(row->cells[FIRST]), (unsigned long long)open - 1);
	return span_of(to);
}

static void message_line(struct listing *listing, const struct link_row *row)
{
	char age[CLOCK_TEXT_MAX], next[CLOCK_TEXT_MAX], size[32], recipients[400];
	struct span cells[] = {
		row->cells[ID],
		row->cells[STATE],
		table_duration(row->cells[AGE], age),
		size_cell(row->cells[SIZE], size, sizeof(size)),
		row->cells[SENDER],
		recipients_cell(row, recipients, sizeof(recipients)),
		table_duration(row->cells[NEXT_TRY], next),
		row->cells[REASON],
	};

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
		message_json(listing, row);
	else
		message_line(listing, row);
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
			puts("No mail in the queue.");
		return;
	}
	table_print(&listing->table, 0, stdout);
	printf("%zu message%s. `mailrootctl queue show ID` has the history, `queue retry ID` tries now.\n",
	       listing->count, listing->count == 1 ? "" : "s");
	if (listing->full || listing->count >= TABLE_ROWS_MAX)
		printf("There may be more: narrow it down with --domain, --sender, --recipient or --older, or take "
		       "--json.\n");
}

int cmd_queue_list(struct ctl *ctl)
{
	static const char *const headings[] = {"ID", "STATE", "AGE", "SIZE", "FROM", "TO", "NEXT TRY", "WHY"};
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
	queues_ask(&queues, &(struct queues_request){write_list, on_list_row, &listing, false});
	finish_list(&listing);
	table_free(&listing.table);
	queues_close(&queues);
	return queues.failed ? EXIT_FAILED : EXIT_DONE;
}

static bool write_show(void *context, const char *id, struct str *request)
{
	struct wire_queue_show show = {.id = span_of(id)};

	(void)context;
	return wire_encode_queue_show(&show, request);
}

struct shown {
	struct queues *queues;
	struct json json;
	struct span kind; /* of the array that is open */
	bool found;
};

static void row_json(struct json *json, const struct link_row *row, const char *const *keys, size_t n)
{
	json_object(json);
	for (size_t i = 0; i < n; i++) {
		json_key(json, keys[i]);
		if (strcmp(keys[i], "code") == 0)
			json_cell(json, row->cells[i]);
		else
			json_string(json, row->cells[i]);
	}
	json_end_object(json);
}

/* Rows of one kind come in a run: each run is an array of its own. */
static void show_json(struct shown *shown, const struct link_row *row)
{
	struct json *json = &shown->json;
	bool recipient = span_equal(row->kind, SPAN(ROW_RECIPIENT));

	if (span_equal(row->kind, SPAN(ROW_MESSAGE))) {
		struct listing listing = {.queues = shown->queues, .json = *json};
		json_key(&listing.json, "message");
		message_json(&listing, row);
		*json = listing.json;
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
		row_json(json, row, recipient_keys, RECIPIENT_CELLS);
	else
		row_json(json, row, history_keys, HISTORY_CELLS);
}

static void show_message(const struct link_row *row)
{
	char age[CLOCK_TEXT_MAX], next[CLOCK_TEXT_MAX];

	table_duration(row->cells[AGE], age);
	table_duration(row->cells[NEXT_TRY], next);
	printf("%.*s from %.*s is %.*s\n", SPAN_ARGS(row->cells[ID]), SPAN_ARGS(row->cells[SENDER]),
	       SPAN_ARGS(row->cells[STATE]));
	printf("  accepted   %s ago, %.*s octets\n", age, SPAN_ARGS(row->cells[SIZE]));
	printf("  recipients %.*s, %.*s of them open\n", SPAN_ARGS(row->cells[RECIPIENTS]),
	       SPAN_ARGS(row->cells[OPEN]));
	if (next[0])
		printf("  next try   in %s\n", next);
	if (row->cells[REASON].len)
		printf("  why        %.*s\n", SPAN_ARGS(row->cells[REASON]));
}

static void show_line(struct shown *shown, const struct link_row *row)
{
	const struct span *cell = row->cells;

	if (span_equal(row->kind, SPAN(ROW_MESSAGE))) {
		show_message(row);
	} else if (span_equal(row->kind, SPAN(ROW_RECIPIENT))) {
		printf("  to         %.*s %.*s%s%.*s\n", SPAN_ARGS(cell[0]), SPAN_ARGS(cell[1]),
		       cell[2].len ? ", by way of " : "", SPAN_ARGS(cell[2]));
	} else if (span_equal(row->kind, SPAN(ROW_HISTORY))) {
		if (!shown->kind.len)
			puts("  history");
		shown->kind = SPAN("history");
		printf("    %.*s  recipients %.*s  %.*s", SPAN_ARGS(cell[0]), SPAN_ARGS(cell[1]), SPAN_ARGS(cell[2]));
		for (size_t i = 3; i < HISTORY_CELLS; i++) {
			if (cell[i].len)
				printf(" %.*s", SPAN_ARGS(cell[i]));
		}
		putchar('\n');
	}
}

static void on_show_row(void *context, const struct link_row *row)
{
	struct shown *shown = context;

	shown->found = true;
	if (shown->queues->ctl->options.given & OPTION_JSON)
		show_json(shown, row);
	else
		show_line(shown, row);
}

int cmd_queue_show(struct ctl *ctl)
{
	struct queues queues;
	struct shown shown = {.queues = &queues};
	int status;

	if (!queues_open(ctl, &queues, &status))
		return status;
	json_init(&shown.json, stdout);
	if (ctl->options.given & OPTION_JSON)
		json_object(&shown.json);
	queues_ask(&queues, &(struct queues_request){write_show, on_show_row, &shown, true});
	if (ctl->options.given & OPTION_JSON) {
		if (shown.kind.len)
			json_end_array(&shown.json);
		json_end_object(&shown.json);
		json_finish(&shown.json);
	}
	if (!shown.found)
		commands_fail("%s", queues.said[0] ? queues.said
						   : "there is no such message; it may have been delivered already");
	queues_close(&queues);
	return shown.found ? EXIT_DONE : EXIT_FAILED;
}

/* One of retry and delete, as it goes through counting, asking and acting. */
struct action {
	struct queues queues;
	enum row_action what;
	bool count_only;
	uint64_t count;
};

static bool write_act(void *context, const char *id, struct str *request)
{
	const struct action *action = context;
	const struct options *options = &action->queues.ctl->options;
	struct wire_queue_act act = {
		.action = action->what,
		.select_id = span_of(id),
		.select_sender = span_of(options->sender),
		.select_recipient = span_of(options->recipient),
		.select_domain = span_of(options->domain),
		.older_s = options->older_s,
		.count_only = action->count_only,
	};

	return wire_encode_queue_act(&act, request);
}

static void on_count_row(void *context, const struct link_row *row)
{
	struct action *action = context;
	uint64_t n;

	if (span_equal(row->kind, SPAN(ROW_COUNT)) && span_to_u64(row->cells[0], UINT32_MAX, &n))
		action->count += n;
}

static void act(struct action *action, bool count_only)
{
	/* Each queue is asked for each id and has most of them not: that is no failure while counting. */
	bool quiet = action->queues.ctl->arg_count > 0;

	action->count_only = count_only;
	action->count = 0;
	queues_ask(&action->queues, &(struct queues_request){write_act, on_count_row, action, quiet});
}

static bool selects(const struct ctl *ctl)
{
	if (ctl->arg_count || ctl->options.given & (SELECTORS | OPTION_ALL))
		return true;
	commands_fail(
		"which messages? Name IDs, or select by --domain, --sender, --recipient or --older, or take --all");
	return false;
}

static void print_count(const struct ctl *ctl, const char *done, uint64_t count)
{
	if (ctl->options.given & OPTION_JSON)
		printf("{\"%s\":%llu}\n", done, (unsigned long long)count);
	else
		printf("%llu %s\n", (unsigned long long)count, done);
}

static int run_action(struct ctl *ctl, enum row_action what, const char *will, const char *done)
{
	struct action action = {.what = what};
	char sentence[200];
	int status;

	if (!selects(ctl))
		return EXIT_USAGE;
	if (!queues_open(ctl, &action.queues, &status))
		return status;
	act(&action, true);
	snprintf(sentence, sizeof(sentence), "%llu message%s will be %s.", (unsigned long long)action.count,
		 action.count == 1 ? "" : "s", will);
	status = EXIT_FAILED;
	if (!action.count) {
		commands_fail("no message in the queue is meant by that; `mailrootctl queue list` shows what is there");
	} else if (commands_confirm(ctl, sentence)) {
		act(&action, false);
		print_count(ctl, done, action.count);
		status = action.count ? EXIT_DONE : EXIT_FAILED;
	}
	queues_close(&action.queues);
	return status;
}

int cmd_queue_retry(struct ctl *ctl)
{
	return run_action(ctl, ROW_RETRY, "tried again now", "retried");
}

int cmd_queue_delete(struct ctl *ctl)
{
	return run_action(ctl, ROW_DELETE, "deleted; nobody is told", "deleted");
}
