/*
 * Asks a running service: a connection to master, and through it one to the smtpd, queue or web of a virtual server.
 * One request at a time; the answer is rows and text, then the end.
 */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include "common/ipc/ipc.h"
#include "common/process/child.h"

enum { LINK_CELLS_MAX = 16, LINK_TEXT_MAX = 4096, LINK_WAIT_MS = 30000 };

/* One row of an answer. Spans are valid during the call only; missing cells are empty. */
struct link_row {
	struct span kind;
	struct span cells[LINK_CELLS_MAX];
	size_t n;
};

struct link_answer {
	void (*row)(void *context, const struct link_row *row); /* NULL = ignore rows */
	void (*text)(void *context, struct span text);          /* NULL = print to stdout */
	/* NULL = such an answer is refused. The page of counters of SERVER; it is closed after the call. */
	void (*page)(void *context, struct span server, int page);
	void *context;
	int wait_ms; /* of silence, for a request that takes long; 0 = LINK_WAIT_MS */
	/* Results: */
	unsigned exit_code;
	char said[LINK_TEXT_MAX + 1]; /* text of the end packet */
	int fd;                       /* that came with the end packet, -1 = none; owned by the caller */
};

/*
 * From now on all answers together may take MS; without this call, each may take LINK_WAIT_MS. For a process that has
 * to go on with other work.
 */
void link_patience(int ms);

/* From now on each answer may take MS at most, in place of LINK_WAIT_MS. */
void link_limit(int ms);

/* Connects to the master of RUN_DIR. Descriptor or -errno (-ENOENT, -ECONNREFUSED: it does not run). */
int link_to_master(const char *run_dir);

/* Connects to ROLE (CHILD_QUEUE, CHILD_SMTPD, CHILD_WEB) of SERVER. On failure -1 and the reason in WHY, LINK_TEXT_MAX
 * + 1. */
int link_to_child(const char *run_dir, const char *server, enum child_role role, char *why);

/* The same for the OLDERth (from 1) of the older smtpds, which finish their sessions. */
int link_to_older(const char *run_dir, const char *server, size_t older, char *why);

/* Sends REQUEST (consumed) and reads the answer. False: the connection broke or timed out, see ANSWER->said. */
bool link_ask(int fd, struct str *request, struct link_answer *answer);

/* The same with the descriptor PASS, which stays open; -1 = none. */
bool link_ask_with(int fd, struct str *request, int pass, struct link_answer *answer);

/* Splits the cells of a row. Pure. */
void link_split(struct span cells, struct link_row *out);

/* The remedy for an -errno of link_to_master, in one line; TO holds LINK_TEXT_MAX + 1. */
void link_explain(const char *run_dir, int err, char *to);

#endif
