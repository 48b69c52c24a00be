/*
 * The queue manager without its event loop: one queue, and the rooms around its deliveries. What happens in a turn is
 * decided here, and nowhere else.
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
	int64_t second_ms; /* when the next look at what is slow is due */
};

/* L is zeroed, but for what loop->queue keeps of a caller (fullness, times that stand). False without memory or when a
 * folder can't be opened: a line in the log says which. */
bool loop_open(struct loop *l, struct child *child, int arrivals, int verdicts);
void loop_close(struct loop *l);

/*
 * One turn: everything that is due is done, a slice of each kind. Returns the milliseconds until the next turn is due
 * if nothing happens before; 0 = at once.
 */
int64_t loop_turn(struct loop *l);

#endif
