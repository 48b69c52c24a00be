/*
 * How many connections each client has at a time, and may have (`client` in the configuration). Workers count in shared
 * memory of a fixed size. Each worker writes its client into a slot of its own and counts equal slots. There is no sum
 * that a dying worker could leave wrong: the parent empties the slot of a worker that is gone. A worker that was taken
 * over may write anything there; the worst result is one client refused, or one too many admitted.
 */
#ifndef SMTPD_POLICY_CLIENTS_H
#define SMTPD_POLICY_CLIENTS_H

#include "common/config/config.h"

struct clients;

struct clients *clients_new(size_t slots); /* NULL with errno */
void clients_free(struct clients *c);      /* NULL is fine */

/*
 * Worker: its own SLOT has a connection of CLIENT from now on. Returns how many connections that client has, including
 * this one; usage_net says which addresses are one client. Two that come at the same moment count each other. No system
 * call.
 */
size_t clients_enter(struct clients *c, size_t slot, const struct ipaddr *client);

/* Worker, when the connection is over; parent, when the worker is gone. */
void clients_leave(struct clients *c, size_t slot);

/* The connections of the client with this usage_net. */
size_t clients_count(const struct clients *c, uint64_t net);

/* How many connections a client may have. */
struct clients_limit {
	size_t most;  /* of client connections; SIZE_MAX = no limit */
	size_t share; /* even where `most` is only logged, so that others find a worker */
};

/*
 * The limits of CLIENT. Pure. Clients in relay list have no limit but the share: they are trusted to relay, and may be
 * a gateway with hundreds of devices behind it. A name in relay list does not count here: a flood is not worth a
 * look-up. Clients in except_list have no limit at all, and with connections none no client has one.
 */
struct clients_limit clients_limit(const struct config_server *server, const struct ipaddr *client);

#endif
