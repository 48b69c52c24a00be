/*
 * mailroot-log: reads the records link and writes the transaction log of one virtual server. Waits
 * for records and for master, has no clock of its own: a file is changed when a record belongs to the next one.
 */
#ifndef QUEUE_LOG_LOG_LOOP_H
#define QUEUE_LOG_LOG_LOOP_H

#include "common/process/child.h"

/* Jail, ready, loop; returns the exit status when master says stop or is gone, and all that was sent is written. */
int log_loop_run(struct child *child);

#endif
