/*
 * The names of next hops, made from routes. A name holds everything that decides which connections the mail of a route
 * may use. Two routes with the same name share connections, windows and back-offs. Pure.
 */
#ifndef QUEUE_RULES_HOP_NAME_H
#define QUEUE_RULES_HOP_NAME_H

#include "queue/rules/route.h"

enum { HOP_NAME_MAX = 1024 };

/*
 * Writes the name of ROUTE's next hop to TO, which holds HOP_NAME_MAX octets: "[192.0.2.1]:587", with " by
 * remote_domain a.test" when that block has outbound settings of its own, and " as virtual_server" when we authenticate
 * with the account of that block. The name of a drop folder is its path, FOLDER; other routes ignore FOLDER.
 */
void hop_name_format(const struct route *route, const char *folder, char *to);

/* Appends the name of the provider (provider.h) whose limits hold for ROUTE. */
void hop_name_provider(const struct route *route, struct str *to);

/* How we speak to the hosts of ROUTE (HELO or EHLO, outbound block, account), as a hash. */
uint64_t hop_name_manner(const struct route *route);

/* The port of HOST; that of OUTBOUND when HOST names none. */
uint16_t hop_name_port(const struct config_host *host, const struct config_outbound *outbound);

#endif
