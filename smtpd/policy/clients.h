/*
 * Limits for each client: connections at a time (`client` in the configuration). Workers count in shared memory of a
 * fixed size. Each worker writes its client into a slot of its own and counts equal slots. There is no sum that a dying
 * worker could leave wrong: the parent empties the slot of a worker that is gone. A worker that was taken over may
 * write anything there; the worst result is one client refused, or one too many admitted.
 */
#ifndef SMTPD_POLICY_CLIENTS_H
#define SMTPD_POLICY_CLIENTS_H

#include "common/config/config.h"

struct clients;

/* At most one log line in this time about the refusals of one address. */
enum { CLIENTS_QUIET_MS = 60 * 1000 };

struct clients *clients_new(size_t slots); /* NULL with errno */
void clients_free(struct clients *c);      /* NULL is fine */

/*
 * Worker: its own SLOT has a connection of CLIENT from now on. Returns how many connections that client has, including
 * this one. All addresses of one IPv6 /64 are one client, because one customer gets a /64. Two that come at the same
 * moment count each other. No system call.
 */
size_t clients_enter(struct clients *c, size_t slot, const struct ipaddr *client);

/* Worker, when the connection is over; parent, when the worker is gone. */
void clients_leave(struct clients *c, size_t slot);

/*
 * Whether CLIENT may have CONNECTIONS at a time. Pure. Loopback and the addresses in relay list are not limited: they
 * are trusted to relay, and may be a gateway with hundreds of devices behind it. A name in relay list does not count
 * here: a flood is not worth a look-up.
 */
bool clients_permit(const struct config_server *server, const struct ipaddr *client, size_t connections);

/*
 * Worker: CLIENT was refused at MONO_MS. Returns how many refusals of this client the log should report now; 0 = no
 * line is due. Remembers 1,024 addresses.
 */
unsigned clients_refused(struct clients *c, const struct ipaddr *client, int64_t mono_ms);

#endif
