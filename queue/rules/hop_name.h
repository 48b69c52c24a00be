/*
 * The names of next hops, made of a route. A name has all that makes a connection one that mail of the route may use,
 * so two routes with the same name share connections, windows and back-offs. Pure.
 */
#ifndef QUEUE_RULES_HOP_NAME_H
#define QUEUE_RULES_HOP_NAME_H

#include "queue/rules/route.h"

enum { HOP_NAME_MAX = 1024 };

/*
 * The name of ROUTE's next hop; TO holds HOP_NAME_MAX. "[192.0.2.1]:587", and "... by remote_domain a.test" when that
 * block has outbound settings of its own, and "... as virtual_server" when the user of that block authenticates. The
 * name of a drop folder is its path, FOLDER.
 */
void hop_name_format(const struct route *route, const char *folder, char *to);

/* Appends the name of the provider (provider.h) whose limits count for ROUTE. */
void hop_name_provider(const struct route *route, struct str *to);

/* What mail of ROUTE demands of a host besides taking it, as a hash. */
uint64_t hop_name_manner(const struct route *route);

/* The port of a host that the configuration names. */
uint16_t hop_name_port(const struct config_host *host, const struct config_outbound *outbound);

#endif
