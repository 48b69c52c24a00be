/*
 * Asks each child with `ping` whether its loop turns; that loop answers. A child that hangs holds its links, and mail
 * would wait for it for ever: so it is killed, and its successor continues. init does the same to master
 * (notify_alive), which therefore need not die with a child.
 *
 * Rounds are counted, not time: after a pause of the whole machine every child has all its rounds again. A child that
 * waits for a disk can't be killed before the disk has answered, and loses nothing then.
 */
#ifndef MASTER_PULSE_H
#define MASTER_PULSE_H

#include "master/server.h"

enum {
	PULSE_MS = 30000,    /* a round */
	PULSE_SILENT_MAX = 6 /* rounds without an answer; then the child is killed */
};

/* One round for CHILD, which has a process; SERVER is for the log. */
void pulse_ask(struct supervised *child, const char *server);

/* Milliseconds until the next round. */
int64_t pulse_tend(struct server *server, int64_t now_ms);

#endif
