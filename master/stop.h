/*
 * Stops one virtual server: smtpd first, then the queue after its current jobs, then the rest. Processes left after
 * STOP_MS are killed.
 */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/process/child.h"

struct server;

enum { STOP_MS = CHILD_STOP_MS, STOP_HURRY_MS = 1000 };

/* HURRY: all are told at once, and killed after a second. */
void stop_begin(struct server *server, bool hurry, int64_t now_ms);

/* Does what is due. Milliseconds until the next task, -1 = all are gone. */
int64_t stop_tend(struct server *server, int64_t now_ms);

#endif
