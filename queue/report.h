/*
 * The rows of common/host/rows.h, made from what the queue knows. Each is appended to TO as a packet after its length
 * (four octets, as they lie in memory). When TO is full nothing more is appended, and str_failed tells.
 */
#ifndef QUEUE_REPORT_H
#define QUEUE_REPORT_H

#include "queue/queue.h"

void report_message(struct queue *q, const struct message *m, const struct whole *w, struct str *to);
void report_show(struct queue *q, const struct message *m, const struct whole *w, struct str *to);
void report_status(struct queue *q, bool detail, struct str *to);
void report_next_hop(const struct queue *q, const struct destination *d, struct str *to);

/* A row of KIND with N cells. */
void report_cells(struct str *to, const char *kind, const struct span *cells, size_t n);
void report_count(struct str *to, size_t count);
void report_done(struct str *to, uint64_t exit_code, const char *text);

#endif
