/*
 * Connections that clients have turned round (ATRN, RFC 2645): each is a next hop of its own, to which one worker gets
 * the stream with its first job, and over which the mail of one or more domains goes (demand.h). It is over when that
 * worker has closed it, or when the smtpd that carries it gives up its claim; then all that was not begun waits again.
 */
#ifndef QUEUE_ETRN_TURNED_H
#define QUEUE_ETRN_TURNED_H

#include "common/config/etrn.h"
#include "common/ipc/wire.h"

struct destination;
struct queue;

enum {
	TURNED_MAX = 100,            /* at a time: each holds two descriptors, an smtpd and an SMTP client */
	TURNED_UNUSED_MS = 10 * 1000 /* a connection for which no mail came after all */
};

struct turned {
	int stream; /* owned; -1 = a worker has got it */
	int claim;  /* owned: its end is the end of smtpd's interest */
	int64_t born_ms;
	int64_t expire_ms; /* of its domains, the longest */
	bool over;
};

/*
 * PACKET, which smtpd sent with STREAM and CLAIM (owned after ETRN_BEGUN): what becomes of it. A hostile smtpd gets the
 * mail of domains that have atrn_accounts, and no other.
 */
enum etrn_event turned_offered(struct queue *q, const struct wire_atrn *packet, int stream, int claim, uint64_t *count);

/* D is such a connection. */
bool turned_is(const struct destination *d);

/* Mail may go over it. */
bool turned_stands(const struct destination *d);

/* Workers that may be given its jobs besides the one that has it: one, before it has been given away. */
size_t turned_room(const struct destination *d);

/* Each second: those that are over. */
void turned_tend(struct queue *q);

void turned_free(struct turned *turned); /* NULL is fine */

#endif
