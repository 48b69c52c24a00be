/* The arrivals link: what smtpd and other programs have put into new/, and requests of hosts for their mail. */
#ifndef QUEUE_ARRIVALS_H
#define QUEUE_ARRIVALS_H

#include "queue/loop.h"

/* Takes arrivals, a bounded number, and attempts each at once. True: there may be more. */
bool arrivals_receive(struct loop *l);

/* One name that has arrived in new/. Names that are known, gone or impossible are ignored. */
void arrivals_take(struct queue *q, struct span name);

#endif
