/*
 * The ordered hosts of a next hop as they travel in a packet: one line each, "NAME ADDRESS PORT\n", in the order of
 * trial. NAME is what logs and notices show. What DANE asks of the host stands behind it (RFC 7672):
 *
 *	NAME ADDRESS PORT                           nothing
 *	NAME ADDRESS PORT later                     DNS did not say; no mail before it does
 *	NAME ADDRESS PORT encrypt                   TLS, whatever the certificate
 *	NAME ADDRESS PORT match NAMES RECORDS       TLS, and a certificate that one of RECORDS (tlsa.h) fits; where that
 *is of an authority it also holds one of NAMES (commas between), of which the first is the name to ask for
 *
 * Pure.
 */
#ifndef COMMON_IPC_HOSTS_H
#define COMMON_IPC_HOSTS_H

#include "common/base/str.h"
#include "common/ipc/tlsa.h"
#include "common/mail/cidr.h"

enum {
	HOSTS_MAX = 64,
	HOST_NAME_MAX_OCTETS = 255,
	HOST_NAMES_MAX = 3 * (HOST_NAME_MAX_OCTETS + 1) /* octets of NAMES */
};

enum host_dane { HOST_DANE_NONE, HOST_DANE_LATER, HOST_DANE_ENCRYPT, HOST_DANE_MATCH };

struct host {
	struct span name;
	struct ipaddr ip;
	uint16_t port;
	enum host_dane dane;
	struct span names, records; /* HOST_DANE_MATCH */
};

/* A name of 1 to HOST_NAME_MAX_OCTETS graphic ASCII octets, a port that is not 0, NAMES and RECORDS as above; anything
 * else sets to->failed. */
void hosts_append(struct str *to, const struct host *host);

/* Takes the next host off the front of *text: 1 = *out filled, 0 = end, -1 = not a list of ours (only what
 * hosts_append writes is one). */
int hosts_next(struct span *text, struct host *out);

#endif
