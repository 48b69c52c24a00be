/* Asks a host with ETRN (RFC 1985) to send the mail that waits there. The log has its answers. */
#ifndef DELIVERY_SMTP_ETRN_H
#define DELIVERY_SMTP_ETRN_H

#include "delivery/smtp/client.h"

/*
 * Sends ETRN for each of DOMAINS ("a.test @b.test"), over a connection to the first host of JOB that accepts us.
 * CONNECTOR is its name in the log. Returns to how many the host agreed.
 */
size_t etrn_ask(struct client *c, const struct client_job *job, struct span connector, struct span domains);

/* What a reply to ETRN means, and for a refusal the remedy. Pure. */
struct etrn_meaning {
	bool agreed;
	const char *status; /* for the log */
	const char *advice; /* NULL = none */
};
struct etrn_meaning etrn_meaning(int code);

#endif
