/*
 * Makes the rows of common/ipc/rows.h. Each row is appended to TO as a packet after its length (uint32_t in host byte
 * order). A packet that does not fit into TO is left out.
 */
#ifndef QUEUE_OPERATOR_REPORT_H
#define QUEUE_OPERATOR_REPORT_H

#include "queue/operator/ages.h"

/* The row of message M, loaded as W. */
void report_message(struct queue *q, const struct message *m, const struct loaded *w, struct str *to);

/* The row of M, its recipients and its history. */
void report_show(struct queue *q, const struct message *m, const struct loaded *w, struct str *to);

/* The state of the queue; with AGES, which may be NULL, also that of each next hop. */
void report_status(struct queue *q, const struct ages *ages, struct str *to);
void report_fact(struct str *to, const char *name, size_t value);
void report_next_hop(const struct queue *q, const struct ages *ages, const struct destination *d, struct str *to);

/* report_place.c, parts of report_status: the disk of the spool, all file systems, the badmail folder. */
void report_disk(const struct queue *q, struct str *to);
void report_file_systems(const struct queue *q, struct str *to);
void report_badmail(const struct queue *q, struct str *to);

/* A row of KIND with N CELLS. */
void report_cells(struct str *to, const char *kind, const struct span *cells, size_t n);

/* The numbers of messages after an action, by outcome (operate.h). */
void report_counts(struct str *to, size_t done, size_t in_hand, size_t already, size_t failed);

/* Progress: LOOKED messages were looked at so far. */
void report_progress(struct str *to, size_t looked);

/* Writes to TO, which is empty, why M waits: the last failure or delay in its journal, the reason of its next hop, ETRN
 * or the spool; "" = not known. */
enum { REPORT_REASON_MAX = JOURNAL_LINE_MAX };
void report_reason(const struct queue *q, const struct message *m, struct str *to);

/* A row for each of LINES, which are journal text. */
void report_history(struct span lines, struct str *to);

/* A piece of a message's text. */
void report_text(struct str *to, struct span text);

/* The end of the answer: the exit code of mailrootctl and a message for it, or "". */
void report_done(struct str *to, uint64_t exit_code, const char *text);

#endif
