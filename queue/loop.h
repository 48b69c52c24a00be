/*
 * The queue manager without its event loop: one queue with its scan, ETRN, console and badmail sweep. Only this module
 * decides what happens in a turn.
 */
#ifndef QUEUE_LOOP_H
#define QUEUE_LOOP_H

#include "queue/attempt/queue.h"
#include "queue/etrn/etrn_server.h"
#include "queue/operator/console.h"
#include "queue/spool/badmail_sweep.h"
#include "queue/spool/scan.h"

struct loop {
	struct queue queue;
	struct scan scan;
	struct etrn etrn;
	struct console console;
	struct badmail_sweep badmail_sweep;
	int arrivals;      /* link, borrowed */
	int64_t sweep_ms;  /* when the next sweep over blocked next hops is due */
	int64_t second_ms; /* when each_second is due next */
};

/*
 * Opens L, which is zeroed except for fullness and clock_stands of L->queue. ARRIVALS and VERDICTS are borrowed. False
 * without memory, or when a folder can't be opened, which is in the log then.
 */
bool loop_open(struct loop *l, struct child *child, int arrivals, int verdicts);
void loop_close(struct loop *l);

/*
 * Does one turn: a slice of everything that is due. Returns the ms until the next turn if no event comes before; 0 = at
 * once.
 */
int64_t loop_turn(struct loop *l);

#endif
