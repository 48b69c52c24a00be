/*
 * A connection that a client has turned round (ATRN, RFC 2645) as a next hop: one worker gets the stream with its first
 * job, and the mail of one or more domains (etrn_hold.h) goes over it. It ends when that worker has closed it, or when
 * the smtpd that carries it gives up its claim. Nothing here reads or writes the connection.
 */
#ifndef QUEUE_MODEL_ATRN_H
#define QUEUE_MODEL_ATRN_H

#include "queue/model/destination.h"

struct atrn {
	int stream; /* owned; -1 = a worker has it */
	int claim;  /* owned: smtpd closes its end when it no longer carries the connection */
	int64_t born_ms;
	int64_t expire_ms; /* of its domains, the longest */
	bool over;
};

/* D is such a connection. */
bool atrn_is(const struct destination *d);

/* Mail may go over D, which is one. */
bool atrn_is_up(const struct destination *d);

/* Workers that may be given D's jobs besides the one that has the stream: 1 while no worker has it, else 0. */
size_t atrn_room(const struct destination *d);

/* Closes its descriptors. NULL is fine. */
void atrn_free(struct atrn *atrn);

#endif
