/* Asks a host with ETRN (RFC 1985) for mail that waits there; what it answers stands in the log. */
#ifndef DELIVERY_SMTP_ETRN_H
#define DELIVERY_SMTP_ETRN_H

#include "delivery/smtp/client.h"

/*
 * For each of DOMAINS ("a.test @b.test"), over a connection to the first host of JOB that takes us. For CONNECTOR, as
 * the log has it. How many the host agreed to.
 */
size_t etrn_ask(struct client *c, const struct client_job *job, struct span connector, struct span domains);

/* What a reply to ETRN means, and where it is a refusal what to do about it. Pure. */
struct etrn_meaning {
	bool agreed;
	const char *status; /* of a line in the log */
	const char *advice; /* NULL = none */
};
struct etrn_meaning etrn_meaning(int code);

#endif
