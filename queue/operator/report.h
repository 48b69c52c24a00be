/*
 * The rows of common/ipc/rows.h, made from what the queue knows. Each is appended to TO as a packet after its length
 * (four octets, as they lie in memory). When TO is full nothing more is appended, and str_failed tells.
 */
#ifndef QUEUE_OPERATOR_REPORT_H
#define QUEUE_OPERATOR_REPORT_H

#include "queue/attempt/queue.h"

void report_message(struct queue *q, const struct message *m, const struct loaded *w, struct str *to);
void report_show(struct queue *q, const struct message *m, const struct loaded *w, struct str *to);
void report_status(struct queue *q, bool detail, struct str *to);
void report_next_hop(const struct queue *q, const struct destination *d, struct str *to);

/* A row of KIND with N cells. */
void report_cells(struct str *to, const char *kind, const struct span *cells, size_t n);
void report_counts(struct str *to, size_t done, size_t in_hand, size_t already, size_t failed);
void report_progress(struct str *to, size_t looked);

/* Why M waits, as the last line of its journal that says it; "" when there is none. Appended to TO. */
enum { REPORT_REASON_MAX = JOURNAL_LINE_MAX };
void report_reason(const struct queue *q, const struct message *m, struct str *to);

/* What is kept of a history: the rows of its lines. */
void report_history(struct span lines, struct str *to);
void report_text(struct str *to, struct span text);
void report_done(struct str *to, uint64_t exit_code, const char *text);

#endif
