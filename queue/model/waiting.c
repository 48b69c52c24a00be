#include "queue/model/waiting.h"

#include "queue/model/etrn_hold.h"

void waiting_begin(struct message *m, struct destination *d)
{
	m->waits_for_host = true;
	TAILQ_INSERT_TAIL(&d->waiting, m, at_next_hop);
}

void waiting_stop(struct message *m)
{
	if (m->waits_for_host)
		TAILQ_REMOVE(&m->destination->waiting, m, at_next_hop);
	m->waits_for_host = false;
}

bool waiting_hurry(struct messages *all, struct message *m)
{
	if (m->state != MESSAGE_WAITING)
		return false;
	waiting_stop(m);
	message_move(all, m, m->found ? MESSAGE_FOUND : MESSAGE_READY);
	return true;
}

/* The first message that waits for D, if it may go out now; else NULL. */
static struct message *next_waiting(struct destination *d)
{
	struct message *m = TAILQ_FIRST(&d->waiting);
	bool down = d->down_ms && etrn_hold_next_hop(d) == d;
	return m && !down && etrn_hold_release_one(d) ? m : NULL;
}

void waiting_refill(struct messages *all, struct destination *d)
{
	struct message *m;
	while (d->queued + all->counts[MESSAGE_READY] < DESTINATION_JOBS_LOW) {
		if ((m = TAILQ_FIRST(&d->parked)))
			message_move(all, m, MESSAGE_READY);
		else if ((m = next_waiting(d)))
			waiting_hurry(all, m);
		else
			break;
	}
}
