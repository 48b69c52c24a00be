/*
 * The queues that a command concerns: of --server NAME, or of every virtual server; and within each the messages that
 * the command line selects.
 */
#ifndef CTL_QUEUES_H
#define CTL_QUEUES_H

#include "ctl/commands.h"
#include "ctl/json.h"

struct queues {
	struct ctl *ctl;
	char *run_dir;
	char (*names)[65]; /* of the servers */
	size_t count;
	bool several;                 /* virtual servers there are, asked or not: a command about one has to name it */
	const char *server;           /* the one that is being asked */
	size_t id;                    /* which of the ids is asked for */
	unsigned failed;              /* servers that could not be asked, or said no; the reason was told */
	char said[LINK_TEXT_MAX + 1]; /* the last reason that was not told: see queues_ask */
};

/* False with *status as exit status; the reason was told. */
bool queues_open(struct ctl *ctl, struct queues *out, int *status);
void queues_close(struct queues *queues);

/*
 * Calls WRITE to make each request: once a server for each ID among ARGS, or once with "" when there is none. ROW takes
 * the rows, TEXT the text; queues->server says whose they are. Both get CONTEXT. QUIET: a "no" of a queue is counted
 * and kept in `said`, not told.
 */
struct queues_request {
	bool (*write)(void *context, const char *id, struct str *request);
	void (*row)(void *context, const struct link_row *row);
	void (*text)(void *context, struct span text);
	void *context;
	bool quiet;
};
void queues_ask(struct queues *queues, const struct queues_request *what);

/* " --server NAME" for a command to recommend about mail of the server that is being asked, where it is needed; TO
 * holds QUEUES_OPTION_MAX. */
enum { QUEUES_OPTION_MAX = 80 };
const char *queues_server_option(const struct queues *queues, char to[QUEUES_OPTION_MAX]);

/* Why nothing was found: what a queue said, or else USUAL. */
const char *queues_said(const struct queues *queues, const char *usual);

/* Whether the command line selects messages, by ids or otherwise. */
bool queues_selects(const struct ctl *ctl);

/* The fields of queue_list and queue_act that select. */
#define QUEUES_SELECTION(id, options)                                                                                  \
	.select_id = span_of(id), .select_sender = span_of((options)->sender),                                         \
	.select_recipient = span_of((options)->recipient), .select_domain = span_of((options)->domain),                \
	.select_reason = span_of((options)->reason), .older_s = (options)->older_s, .larger = (options)->larger,       \
	.attempts = (options)->attempts

/* Rows of a queue in JSON: an object each. */
void queues_message_json(struct json *json, const char *server, const struct link_row *row);
void queues_recipient_json(struct json *json, const struct link_row *row);
void queues_history_json(struct json *json, const struct link_row *row);

/* A row of a history for people: time, recipients, event, who said what. The buffers hold TABLE_CELL_MAX each. */
enum { QUEUES_HISTORY_CELLS = 4 };
void queues_history_cells(const struct link_row *row, struct span *cells, char *who, char *said);

#endif
