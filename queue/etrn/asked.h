/* Requests for mail on demand, from smtpd workers on the arrivals link: each brings a socket on which it is answered.
 */
#ifndef QUEUE_ETRN_ASKED_H
#define QUEUE_ETRN_ASKED_H

#include "queue/attempt/queue.h"

/* True: PACKET was such a request, and what of FDS (N of them, -1 = none) it needed is taken out and set to -1. */
bool asked_receive(struct queue *q, struct span packet, int *fds, size_t n);

#endif
