/*
 * Answers to mailrootctl, on links that master has checked. Requests: queue_list, queue_show, queue_act, queue_status,
 * explain_route; the rows of each are in common/ipc/rows.h. Work is done in slices as the reader takes what was sent:
 * a listing of a million messages neither stops deliveries nor fills memory.
 */
#ifndef QUEUE_OPERATOR_CONSOLE_H
#define QUEUE_OPERATOR_CONSOLE_H

#include "queue/attempt/note.h"
#include "queue/operator/index.h"

enum { CONSOLE_LINKS_MAX = 16 }; /* links to mailrootctl at a time */

struct ctl;

struct console {
	struct queue *queue; /* borrowed */
	struct ctl *ctls[CONSOLE_LINKS_MAX];
	size_t first; /* whose turn comes first */
	struct index index;
};

/* No link yet; ALL observes Q from now on. */
void console_open(struct console *all, struct queue *q);
void console_free(struct console *all);

/* A new link, owned from now on; NULL (and closed) when there are too many. */
struct ctl *console_attach(struct console *all, int fd);
int console_fd(const struct ctl *c);
void console_close(struct console *all, struct ctl *c);

/* Takes a request. False: the link is at its end and was closed. */
bool console_receive(struct console *all, struct ctl *c);

/* Goes on with every answer. True: there is more to do at once (and not: a reader is slow). */
bool console_turn(struct console *all);

/* The reader is slow: it is to be watched until it takes more. */
bool console_wants_write(const struct ctl *c);

#endif
