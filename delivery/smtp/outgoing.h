/*
 * What goes out in place of the beginning of the message file: the DKIM signatures, and the header where it is
 * rewritten (send_as). Made once for a job, before the client connects, so that mail which can't be signed bothers no
 * host; and again only when the next host gets what the one before did not: signatures, or none.
 */
#ifndef DELIVERY_SMTP_OUTGOING_H
#define DELIVERY_SMTP_OUTGOING_H

#include "delivery/smtp/sign.h"

struct client;
struct client_job;

struct outgoing {
	bool made;
	bool wanted;                    /* signatures were to be made */
	struct str front;               /* owned */
	uint64_t at;                    /* offset in the file of what follows */
	uint64_t added;                 /* octets of the signatures */
	char signed_by[SIGN_NAMES_MAX]; /* "example.com/m2026a,e2026" for the log; "" = not signed */
};

/*
 * Makes c->outgoing for JOB and a host, which was FOUND by MX or not (struct client_job). False: the message can't be
 * signed now and must wait; *why says the reason, until the next call.
 */
bool outgoing_make(struct client *c, const struct client_job *job, bool found, struct outcome *why);

/* Forgets it, and frees the memory. */
void outgoing_forget(struct outgoing *out);

#endif
