/*
 * Answers `mailrootctl explain route`: where mail for an address goes and which lines say so, the settings of the
 * connection, the answers of DNS, the hosts in the order of trial. It uses the code that routes real mail, but changes
 * nothing for that mail: it makes its own look-ups.
 */
#ifndef QUEUE_OPERATOR_EXPLAIN_H
#define QUEUE_OPERATOR_EXPLAIN_H

#include "queue/attempt/queue.h"

struct explain;

/*
 * Begins to answer REQUEST: appends to TO the rows that are known at once (report.h). The caller frees the result. NULL
 * when it can't be answered; WHY, which holds EXPLAIN_WHY_MAX, says why.
 */
enum { EXPLAIN_WHY_MAX = 200 };
struct explain *explain_begin(struct queue *q, const struct wire_explain_route *request, struct str *to, char *why);

/* True when all look-ups are answered, or 10 s are over. */
bool explain_ready(const struct queue *q, const struct explain *e);

/* Appends the remaining rows and the final packet to TO. */
void explain_finish(struct queue *q, struct explain *e, struct str *to);

/* Frees E, which may be NULL, and drops its look-ups. */
void explain_free(struct queue *q, struct explain *e);

#endif
