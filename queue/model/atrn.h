/*
 * An ATRN connection (RFC 2645) as a next hop: a client has turned its connection round to fetch the mail of one or
 * more domains (etrn_hold.h). One worker gets the stream with its first job. The connection ends when that worker
 * closes it, or when the smtpd worker that relays it gives up its claim. Nothing here reads or writes the stream.
 */
#ifndef QUEUE_MODEL_ATRN_H
#define QUEUE_MODEL_ATRN_H

#include "queue/model/destination.h"

struct atrn {
	int stream; /* owned; -1 = a worker has it */
	int claim;  /* owned; smtpd closes its end when it no longer relays the connection */
	int64_t born_ms;
	int64_t expire_ms; /* the longest of its domains */
	bool over;
};

/* True when D is an ATRN connection. */
bool atrn_is(const struct destination *d);

/* True when mail may go over the ATRN connection D. */
bool atrn_is_up(const struct destination *d);

/* How many workers may still be given the stream of D: 1 while no worker has it, else 0. */
size_t atrn_room(const struct destination *d);

/* Closes the descriptors and frees ATRN, which may be NULL. */
void atrn_free(struct atrn *atrn);

#endif
