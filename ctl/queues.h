/*
 * The queues that a command concerns: of --server NAME, or of every virtual server; and within each the messages that
 * the command line selects.
 */
#ifndef CTL_QUEUES_H
#define CTL_QUEUES_H

#include "ctl/commands.h"

struct queues {
	struct ctl *ctl;
	char *run_dir;
	char (*names)[65]; /* of the servers */
	size_t count;
	const char *server;           /* the one that is being asked */
	unsigned failed;              /* servers that could not be asked, or said no; the reason was told */
	char said[LINK_TEXT_MAX + 1]; /* the last reason that was not told: see queues_ask */
};

/* False with *status as exit status; the reason was told. */
bool queues_open(struct ctl *ctl, struct queues *out, int *status);
void queues_close(struct queues *queues);

/*
 * Calls WRITE to make each request: once a server for each ID among ARGS, or once with "" when there is none. ROW takes
 * the rows; queues->server says whose they are. Both get CONTEXT. QUIET: a "no" of a queue is counted and kept in
 * `said`, not told.
 */
struct queues_request {
	bool (*write)(void *context, const char *id, struct str *request);
	void (*row)(void *context, const struct link_row *row);
	void *context;
	bool quiet;
};
void queues_ask(struct queues *queues, const struct queues_request *what);

#endif
