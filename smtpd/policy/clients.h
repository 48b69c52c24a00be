/*
 * What each client may take of us, and takes: up to now connections at a time (`client` in the configuration). Workers
 * count in shared memory of a fixed size. Each writes its client into a place of its own and counts who is there: there
 * is no sum that could be wrong after a death, for the parent empties the place of a worker that is gone. A worker that
 * was taken over may write there what it likes; the worst that comes of it is a client that is refused, or one too
 * many.
 */
#ifndef SMTPD_POLICY_CLIENTS_H
#define SMTPD_POLICY_CLIENTS_H

#include "common/config/config.h"

struct clients;

/* At most one line of the log in so long about the refusals of one address. */
enum { CLIENTS_QUIET_MS = 60 * 1000 };

struct clients *clients_new(size_t slots); /* NULL with errno */
void clients_free(struct clients *c);      /* NULL is fine */

/*
 * Worker: SLOT, its own, has a connection of CLIENT from now on. Returns how many that client has, this one included;
 * addresses of one IPv6 network of 64 bits are one client, for that is what one customer gets. Two that come at the
 * same moment count each other. No system call.
 */
size_t clients_enter(struct clients *c, size_t slot, const struct ipaddr *client);

/* Worker, when the connection is over; parent, when the worker is gone. */
void clients_leave(struct clients *c, size_t slot);

/*
 * May CLIENT have so many CONNECTIONS at a time? Pure. Loopback and the addresses in relay list may have any number: we
 * trust them with our name already, and behind one of them there may be a gateway with hundreds of devices. A name in
 * relay list does not count here: no look-up is worth being made for a flood.
 */
bool clients_permit(const struct config_server *server, const struct ipaddr *client, size_t connections);

/*
 * Worker: CLIENT was refused at MONO_MS. Returns how many refusals of this client a line of the log should tell of now;
 * 0 = none is due. Of 1,024 addresses at a time it is known when they were told of.
 */
unsigned clients_refused(struct clients *c, const struct ipaddr *client, int64_t mono_ms);

#endif
