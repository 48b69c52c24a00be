/*
 * The queues that a command concerns: that of --server NAME, or of every virtual server; and the messages that the
 * command line selects.
 */
#ifndef CTL_QUEUES_H
#define CTL_QUEUES_H

#include "common/base/clock.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/table.h"

struct queues {
	struct ctl *ctl;
	char *run_dir;
	char (*names)[65]; /* of the servers */
	size_t count;
	bool several;                 /* there are several virtual servers: a recommended command has to name one */
	const char *server;           /* the server that is being asked */
	size_t id;                    /* the index of the id in the request */
	unsigned failed;              /* servers that could not be asked, or refused; the reason was printed */
	char said[LINK_TEXT_MAX + 1]; /* the last reason that was not printed: see queues_ask */
};

/* False with *status as exit status; the reason was printed. */
bool queues_open(struct ctl *ctl, struct queues *out, int *status);
void queues_close(struct queues *queues);

/*
 * Calls WRITE to make each request: once a server for each ID among ARGS, or once with "" without IDs. ROW takes the
 * rows, TEXT the text; queues->server is the server that they come from. Both get CONTEXT. QUIET: a refusal of a queue
 * is counted and kept in `said`, not printed.
 */
struct queues_request {
	bool (*write)(void *context, const char *id, struct str *request);
	void (*row)(void *context, const struct link_row *row);
	void (*text)(void *context, struct span text);
	void *context;
	bool quiet;
};
void queues_ask(struct queues *queues, const struct queues_request *what);

/*
 * " --server NAME" for a recommended command about mail of the current server, if several servers require it; TO holds
 * QUEUES_OPTION_MAX.
 */
enum { QUEUES_OPTION_MAX = 80 };
const char *queues_server_option(const struct queues *queues, char to[QUEUES_OPTION_MAX]);

/* The reason why nothing was found: the text of a queue, or else USUAL. */
const char *queues_said(const struct queues *queues, const char *usual);

/* Whether the command line selects messages, by ids or otherwise. */
bool queues_selects(const struct ctl *ctl);

/* The selecting fields of queue_list and queue_act. */
#define QUEUES_SELECTION(id, options)                                                                                  \
	.select_id = span_of(id), .select_sender = span_of((options)->sender),                                         \
	.select_recipient = span_of((options)->recipient), .select_domain = span_of((options)->domain),                \
	.select_reason = span_of((options)->reason), .older_s = (options)->older_s, .larger = (options)->larger,       \
	.attempts = (options)->attempts

/* Writes a row of a queue as a JSON object. */
void queues_message_json(struct json *json, const char *server, const struct link_row *row);
void queues_recipient_json(struct json *json, const struct link_row *row);
void queues_history_json(struct json *json, const struct link_row *row);

/*
 * Formats a ROW_MESSAGE: id, state, age, size, sender, recipients, next try and reason, valid as long as ROW and TEXTS.
 */
enum { QUEUES_MESSAGE_CELLS = 8 };
struct queues_message_texts {
	char age[CLOCK_TEXT_MAX], next[CLOCK_TEXT_MAX], size[TABLE_OCTETS_MAX], recipients[TABLE_CELL_MAX];
};
void queues_message_cells(const struct link_row *row, struct queues_message_texts *texts, struct span *cells);

/* Formats a row of a history: time, recipients, event, source and text. The buffers hold TABLE_CELL_MAX each. */
enum { QUEUES_HISTORY_CELLS = 4 };
void queues_history_cells(const struct link_row *row, struct span *cells, char *who, char *said);

#endif
