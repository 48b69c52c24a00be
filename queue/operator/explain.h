/*
 * What `mailrootctl explain route` is told: where mail for an address goes and which lines say so, what holds for the
 * connection, what DNS says, the hosts in the order of trial. It is found with what routes real mail, and nothing of
 * that mail is touched: look-ups are the question's own, made only where the queue does not know the hosts already.
 */
#ifndef QUEUE_OPERATOR_EXPLAIN_H
#define QUEUE_OPERATOR_EXPLAIN_H

#include "queue/attempt/queue.h"

struct explain;

/*
 * Begins to answer REQUEST: what is known at once is appended to TO (report.h). NULL: it can't be answered, WHY (of
 * EXPLAIN_WHY_MAX octets) says it.
 */
enum { EXPLAIN_WHY_MAX = 200 };
struct explain *explain_begin(struct queue *q, const struct wire_explain_route *request, struct str *to, char *why);

/* All answers are in, or it has waited for long enough. */
bool explain_ready(const struct queue *q, const struct explain *e);

/* Appends the rest, and the end. */
void explain_finish(struct queue *q, struct explain *e, struct str *to);

/* NULL is fine. */
void explain_free(struct queue *q, struct explain *e);

#endif
