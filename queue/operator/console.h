/*
 * Answers requests of mailrootctl, on links that master has checked. For the rows of the answers see common/ipc/rows.h.
 * An answer is made in slices, as fast as mailrootctl reads it: a listing of a million messages neither stops
 * deliveries nor fills memory.
 */
#ifndef QUEUE_OPERATOR_CONSOLE_H
#define QUEUE_OPERATOR_CONSOLE_H

#include "queue/attempt/note.h"
#include "queue/operator/ages.h"
#include "queue/operator/index.h"

enum { CONSOLE_LINKS_MAX = 16 }; /* links to mailrootctl at a time */

struct ctl;

struct console {
	struct queue *queue;                 /* borrowed */
	struct ctl *ctls[CONSOLE_LINKS_MAX]; /* owned; NULL = free */
	size_t first;                        /* the link that the next turn begins with */
	struct index index;
	struct ages ages;
};

/* Begins ALL without links. ALL observes Q from now on. */
void console_open(struct console *all, struct queue *q);
void console_free(struct console *all);

/* Adds FD, owned from now on, as LINK: WIRE_LINK_ctl_queue, or WIRE_LINK_status_queue. NULL when there are too many
 * links or without memory; FD is closed then. */
struct ctl *console_attach(struct console *all, int fd, enum wire_link link);
int console_fd(const struct ctl *c);

/* Closes the link and frees C. */
void console_close(struct console *all, struct ctl *c);

/* Takes a request. False when the link was closed, because it has ended or the request is invalid. */
bool console_receive(struct console *all, struct ctl *c);

/* Does a slice of every answer. True when there is more to do at once, slow readers not counted. */
bool console_turn(struct console *all);

/* True when the socket of C is full: wait until it can be written. */
bool console_wants_write(const struct ctl *c);

#endif
