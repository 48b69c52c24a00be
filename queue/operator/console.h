/*
 * Answers to mailrootctl, on links that master has checked. Requests: queue_list, queue_show, queue_act, queue_status,
 * explain_route; the rows of each are in common/ipc/rows.h. Work is done in slices as the reader takes what was sent:
 * a listing of a million messages neither stops deliveries nor fills memory.
 */
#ifndef QUEUE_OPERATOR_CONSOLE_H
#define QUEUE_OPERATOR_CONSOLE_H

#include "queue/attempt/queue.h"

struct ctl;

/* A new link, owned from now on; NULL (and closed) when there are too many. */
struct ctl *console_attach(struct queue *q, int fd);
int console_fd(const struct ctl *c);

/* Takes a request. False: the link is at its end and was closed. */
bool console_receive(struct queue *q, struct ctl *c);

/* Goes on with every answer. True: there is more to do at once (and not: a reader is slow). */
bool console_turn(struct queue *q);

/* The reader is slow: it is to be watched until it takes more. */
bool console_wants_write(const struct ctl *c);

void console_close(struct queue *q, struct ctl *c);
void console_free(struct queue *q);

struct settle_result;

/* Something was said for the test message M: BY is "we", "host" or "". And what has become of it. */
void console_said(struct queue *q, const struct message *m, const char *by, struct span text);
void console_outcome(struct queue *q, struct message *m, const struct settle_result *result);

/* M goes away: listings step over it. */
void console_forget(struct queue *q, const struct message *m);

#endif
