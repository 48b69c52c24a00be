/*
 * mailroot-log reads the link of records and writes the transaction log of one virtual server. It waits for records and
 * for master, and has no timer: the next file is opened when a record belongs to it.
 */
#ifndef QUEUE_LOG_LOG_LOOP_H
#define QUEUE_LOG_LOG_LOOP_H

#include "common/process/child.h"

/* Jail, ready, loop. Returns the exit status when master says stop or ends, and all records are written. */
int log_loop_run(struct child *child);

#endif
