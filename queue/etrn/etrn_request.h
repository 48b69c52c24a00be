/* Requests for mail on demand, from smtpd workers on the arrivals link: each brings a socket on which it is answered.
 */
#ifndef QUEUE_ETRN_ETRN_REQUEST_H
#define QUEUE_ETRN_ETRN_REQUEST_H

#include "queue/etrn/etrn_server.h"

/* True: PACKET was such a request, and what of FDS (N of them, -1 = none) it needed is taken out and set to -1. */
bool etrn_request_receive(struct etrn *e, struct span packet, int *fds, size_t n);

#endif
