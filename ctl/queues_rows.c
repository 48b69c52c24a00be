#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/queues.h"
#include "ctl/words.h"

enum key_kind { KEY_TEXT, KEY_NUMBER };

struct key {
	const char *name;
	enum key_kind kind;
};

/* The cells of each row in order. Ids and senders may look like numbers, but are texts. */
static const struct key message_keys[] = {
	{"id", KEY_TEXT},       {"state", KEY_TEXT},        {"size", KEY_NUMBER},     {"sender", KEY_TEXT},
	{"open", KEY_NUMBER},   {"recipients", KEY_NUMBER}, {"age_s", KEY_NUMBER},    {"next_try_s", KEY_NUMBER},
	{"next_hop", KEY_TEXT}, {"reason", KEY_TEXT},       {"first_open", KEY_TEXT},
};
static const struct key recipient_keys[] = {
	{"address", KEY_TEXT},
	{"state", KEY_TEXT},
	{"next_hop", KEY_TEXT},
};
static const struct key history_keys[] = {
	{"time", KEY_TEXT},     {"recipients", KEY_TEXT}, {"event", KEY_TEXT}, {"code", KEY_NUMBER},
	{"enhanced", KEY_TEXT}, {"host", KEY_TEXT},       {"text", KEY_TEXT},
};

static void cells_json(struct json *json, const struct link_row *row, const struct key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_key(json, keys[i].name);
		if (keys[i].kind == KEY_NUMBER)
			json_cell(json, row->cells[i]);
		else
			json_string(json, row->cells[i]);
	}
}

void queues_message_json(struct json *json, const char *server, const struct link_row *row)
{
	json_object(json);
	json_key(json, "server");
	json_string(json, span_of(server));
	cells_json(json, row, message_keys, sizeof(message_keys) / sizeof(message_keys[0]));
	json_end_object(json);
}

void queues_recipient_json(struct json *json, const struct link_row *row)
{
	json_object(json);
	cells_json(json, row, recipient_keys, sizeof(recipient_keys) / sizeof(recipient_keys[0]));
	json_end_object(json);
}

void queues_history_json(struct json *json, const struct link_row *row)
{
	json_object(json);
	cells_json(json, row, history_keys, sizeof(history_keys) / sizeof(history_keys[0]));
	json_end_object(json);
}

/* The cells of ROW_MESSAGE. */
enum { ID, STATE, SIZE, SENDER, OPEN, RECIPIENTS, AGE, NEXT_TRY, NEXT_HOP, REASON, FIRST };

static struct span recipients_cell(const struct link_row *row, char *to, size_t size)
{
	uint64_t open;
	if (!span_to_u64(row->cells[OPEN], UINT32_MAX, &open) || open < 2)
		return row->cells[FIRST];
	snprintf(to, size, _("%.*s and %llu more"), SPAN_ARGS(row->cells[FIRST]), (unsigned long long)open - 1);
	return span_of(to);
}

void queues_message_cells(const struct link_row *row, struct queues_message_texts *texts, struct span *cells)
{
	bool held = span_equal(row->cells[STATE], SPAN("held"));
	const struct span made[QUEUES_MESSAGE_CELLS] = {
		row->cells[ID],
		words_cell(row->cells[STATE]),
		table_duration(row->cells[AGE], texts->age),
		table_octets(row->cells[SIZE], texts->size),
		row->cells[SENDER],
		recipients_cell(row, texts->recipients, sizeof(texts->recipients)),
		held ? words_cell(row->cells[STATE]) : table_duration(row->cells[NEXT_TRY], texts->next),
		words_cell(row->cells[REASON]),
	};
	memcpy(cells, made, sizeof(made));
}

enum { TIME, WHOM, EVENT, CODE, ENHANCED, HOST, TEXT };

void queues_history_cells(const struct link_row *row, struct span *cells, char *who, char *said)
{
	const struct span *cell = row->cells;
	bool code = cell[CODE].len && !span_equal(cell[CODE], SPAN("0"));
	bool all = span_equal(cell[WHOM], SPAN("*"));
	snprintf(who, TABLE_CELL_MAX, "%s%.*s", all ? "" : "#", all ? INT_MAX : (int)cell[WHOM].len,
		 all ? _("all") : cell[WHOM].at);
	char words[TABLE_CELL_MAX];
	struct span by = cell[HOST].len ? cell[HOST] : span_of(_("we"));
	struct span text = words_said(cell[CODE], cell[ENHANCED], cell[TEXT], words, sizeof(words));
	snprintf(said, TABLE_CELL_MAX, "%.*s%s %.*s", SPAN_ARGS(by), code ? _(" said:") : ":", SPAN_ARGS(text));
	cells[0] = cell[TIME];
	cells[1] = span_of(who);
	cells[2] = words_cell(cell[EVENT]);
	cells[3] = span_of(said);
}

bool queues_selects(const struct ctl *ctl)
{
	static const unsigned selectors = OPTION_ALL | OPTION_SERVER | OPTION_DOMAIN | OPTION_SENDER |
					  OPTION_RECIPIENT | OPTION_OLDER | OPTION_LARGER | OPTION_REASON |
					  OPTION_ATTEMPTS;
	return ctl->arg_count || ctl->options.given & selectors;
}
