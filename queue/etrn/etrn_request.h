/* ETRN and ATRN requests of smtpd workers on the arrivals link. Each brings a socket for the answer. */
#ifndef QUEUE_ETRN_ETRN_REQUEST_H
#define QUEUE_ETRN_ETRN_REQUEST_H

#include "queue/etrn/etrn_server.h"

/*
 * Handles PACKET with its N descriptors FDS; those that are used or closed become -1. False when PACKET is not such a
 * request.
 */
bool etrn_request_receive(struct etrn *e, struct span packet, int *fds, size_t n);

#endif
