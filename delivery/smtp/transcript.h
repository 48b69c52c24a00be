/*
 * Writes one connection to another host to the transaction log: a record for each command, each text of a message, and
 * each reply. Does nothing while the log is off.
 */
#ifndef DELIVERY_SMTP_TRANSCRIPT_H
#define DELIVERY_SMTP_TRANSCRIPT_H

#include "common/ipc/record.h"
#include "common/mail/cidr.h"

/* A live observer of the dialogue. BY_NEITHER: an event that neither side said. Passwords are never shown. */
enum transcript_by { TRANSCRIPT_BY_NEITHER, TRANSCRIPT_BY_US, TRANSCRIPT_BY_HOST };
struct transcript_witness {
	void (*show)(void *context, enum transcript_by by, struct span text);
	void *context;
};

struct transcript {
	struct record_writer *writer;             /* NULL = off; borrowed */
	const struct transcript_witness *witness; /* NULL = none; borrowed */
	uint64_t session;
	char peer[IPADDR_TEXT_MAX], ours[IPADDR_TEXT_MAX];
	uint16_t peer_port, our_port;
	struct span name;                /* of the host, borrowed */
	int64_t said_ms;                 /* when the last command was sent, monotonic */
	char first[RECORD_ARGUMENT_MAX]; /* first line of the reply that is coming in */
	size_t first_len;
	uint64_t lines, octets; /* of that reply */
};

/* FD is connected to IP, PORT. NAME is the host's name in messages. */
void transcript_connected(struct transcript *t, int fd, const struct ipaddr *ip, uint16_t port, struct span name);

/*
 * Records commands that were sent, one or more lines; a lone dot ends an empty text. Of AUTH only the mechanism is
 * kept.
 */
void transcript_said(struct transcript *t, struct span commands);

/* Records that the answer to a challenge of AUTH was sent, OCTETS with its line end, without its content. */
void transcript_answered(struct transcript *t, uint64_t octets);

/* Records that the text of a message was sent completely, OCTETS on the wire. */
void transcript_sent_text(struct transcript *t, uint64_t octets);

/* Records a line of a reply, without its line end. Challenges of AUTH are not kept. */
void transcript_heard(struct transcript *t, struct span line);

/* Sends the collected records: before waiting for the host, and at the end. */
void transcript_flush(struct transcript *t);

#endif
