/*
 * What one connection to another host says for the transaction log: a record for each command that we send, for each
 * text of a message, and for each reply. Where the log is off nothing is done.
 */
#ifndef DELIVERY_SMTP_TRANSCRIPT_H
#define DELIVERY_SMTP_TRANSCRIPT_H

#include "common/ipc/record.h"
#include "common/mail/cidr.h"

/* Whoever wants to see what is said while it is: BY_NEITHER of what happens besides. A password is never shown. */
enum transcript_by { TRANSCRIPT_BY_NEITHER, TRANSCRIPT_BY_US, TRANSCRIPT_BY_HOST };
struct transcript_witness {
	void (*show)(void *context, enum transcript_by by, struct span text);
	void *context;
};

struct transcript {
	struct record_writer *writer;             /* NULL = off; borrowed */
	const struct transcript_witness *witness; /* NULL = nobody; borrowed */
	uint64_t session;
	char peer[IPADDR_TEXT_MAX], ours[IPADDR_TEXT_MAX];
	uint16_t peer_port, our_port;
	struct span name;                /* of the host, borrowed */
	int64_t said_ms;                 /* when we spoke last, monotonic */
	char first[RECORD_ARGUMENT_MAX]; /* line of the reply that is coming in */
	size_t first_len;
	uint64_t lines, octets; /* of it */
};

/* FD is connected to IP, PORT. NAME as messages show the host. */
void transcript_connected(struct transcript *t, int fd, const struct ipaddr *ip, uint16_t port, struct span name);

/* Commands that were sent, one or more lines; a lone dot ends an empty text. Of AUTH the mechanism is kept. */
void transcript_said(struct transcript *t, struct span commands);

/* An answer to a challenge of AUTH was sent, OCTETS with its line end: it is not kept. */
void transcript_answered(struct transcript *t, uint64_t octets);

/* The text of a message was sent to its end, OCTETS on the wire. */
void transcript_sent_text(struct transcript *t, uint64_t octets);

/* A line of a reply, without its line end. A challenge of AUTH is not kept. */
void transcript_heard(struct transcript *t, struct span line);

/* Sends what is collected: before waiting for the host, and at the end. */
void transcript_flush(struct transcript *t);

#endif
