/*
 * The ordered hosts of a next hop in a packet: one line each, "NAME ADDRESS PORT\n", in the order in which they are
 * tried. Logs and notices show NAME. The demands of DANE follow (RFC 7672):
 *
 *	NAME ADDRESS PORT                           none
 *	NAME ADDRESS PORT later                     no answer of DNS yet; no mail before it
 *	NAME ADDRESS PORT encrypt                   TLS, with any certificate
 *	NAME ADDRESS PORT match NAMES RECORDS       TLS, and a certificate that matches one of RECORDS (tlsa.h); if that
 *identifies an authority the certificate also has one of NAMES (separated by commas), of which the first is used for
 *SNI
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

/*
 * Appends HOST: a name of 1 to HOST_NAME_MAX_OCTETS graphic ASCII octets, a port that is not 0, NAMES and RECORDS as
 * above. An invalid one sets to->failed.
 */
void hosts_append(struct str *to, const struct host *host);

/*
 * Takes the next host off the front of *text: 1 = *out filled, 0 = end, -1 = invalid (anything that hosts_append does
 * not write).
 */
int hosts_next(struct span *text, struct host *out);

#endif
