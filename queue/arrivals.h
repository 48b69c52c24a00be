/* The arrivals link: messages that smtpd and other programs have put into new/, and ETRN and ATRN requests. */
#ifndef QUEUE_ARRIVALS_H
#define QUEUE_ARRIVALS_H

#include "queue/loop.h"

/*
 * Takes the packets that have come, a bounded number, and begins an attempt of each message. True when there may be
 * more.
 */
bool arrivals_receive(struct loop *l);

/* Takes the file name of one message that has arrived in new/. Names that are known or invalid are ignored. */
void arrivals_take(struct queue *q, struct span name);

#endif
