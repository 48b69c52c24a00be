/* Sends the text of a message to the host: from its file, dot-stuffed, in blocks. */
#ifndef DELIVERY_SMTP_BODY_H
#define DELIVERY_SMTP_BODY_H

#include "delivery/smtp/client.h"

enum body_result {
	BODY_SENT,        /* including the final dot */
	BODY_INTERRUPTED, /* the host replied, or closed, before the end */
	BODY_TOO_SLOW,    /* the host did not accept a block in time */
	BODY_UNREADABLE   /* the file can't be read: errno, EPIPE = it is shorter than its name says */
};

/*
 * The message file from offset AT on, below its end, at most CLIENT_BLOCK octets, until the next call or reply. Empty:
 * it can't be read, errno as above.
 */
struct span body_read(struct client *c, const struct client_job *job, uint64_t at);

/* Sends c->outgoing and the file behind it. */
enum body_result body_send(struct client *c, const struct client_job *job);

#endif
