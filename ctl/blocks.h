/*
 * The outbound blocks with access tokens that a command concerns, and the way to the processes that fetch tokens: those
 * of --server NAME, or of every virtual server that uses tokens.
 */
#ifndef CTL_BLOCKS_H
#define CTL_BLOCKS_H

#include "common/ipc/rows.h"
#include "ctl/cmd.h"
#include "ctl/service.h"

enum { BLOCKS_NAME_MAX = 320, BLOCKS_CHOICE_MAX = 4096 };

/* The cells of ROW_TOKEN. */
enum blocks_cell {
	BLOCKS_BLOCK,
	BLOCKS_MECHANISM,
	BLOCKS_USER,
	BLOCKS_STATE,
	BLOCKS_VALID,
	BLOCKS_NEXT,
	BLOCKS_ERROR,
	BLOCKS_ERROR_AGE,
	BLOCKS_CELLS
};

struct blocks {
	struct ctl *ctl;
	char *run_dir;
	struct service service;
	const char *server; /* the server that is being asked */
	unsigned failed;    /* servers that could not be asked; the reason was printed */

	/* The block that blocks_find found. */
	char block[BLOCKS_NAME_MAX + 1], user[BLOCKS_NAME_MAX + 1];
	const char *found_in;
	char wanted[BLOCKS_NAME_MAX + 1];
	unsigned fitting;
	struct str choice; /* all blocks, for people */
};

/* False with *status as exit status; the reason was printed. */
bool blocks_open(struct ctl *ctl, struct blocks *out, int *status);
void blocks_close(struct blocks *blocks);

/*
 * Sends ACTION for BLOCK to blocks->server, with the descriptor PASS, -1 = none. False with answer->said: the process
 * could not be asked, or refused.
 */
bool blocks_ask(struct blocks *blocks, enum row_oauth_action action, const char *block, int pass,
		struct link_answer *answer);

/* Asks every server for its blocks: calls ROW with CONTEXT for each ROW_TOKEN, of blocks->server. */
void blocks_ask_all(struct blocks *blocks, void (*row)(void *context, const struct link_row *row), void *context);

/*
 * Finds the block that ARGS name ("connector partner", or its name alone), or the only one: sets server, block and
 * user. False: there is none, or several; that was printed.
 */
bool blocks_find(struct blocks *blocks);

#endif
