/*
 * The resolver of one virtual server answers `resolve` with the ordered hosts of a next hop. One loop serves many
 * look-ups at a time, each with a deadline. libunbound resolves and keeps the cache. No file is read after
 * resolver_new, so the resolver works in a jail. libunbound starts a thread with the first look-up.
 */
#ifndef DELIVERY_RESOLVER_RESOLVER_H
#define DELIVERY_RESOLVER_RESOLVER_H

#include "common/dns/dns.h"
#include "common/dns/self.h"

struct resolver;

/*
 * Reads the files that DNS names, and /etc/hosts. SELF: the hosts that are this server, so no next hop (borrowed); NULL
 * = none. DEADLINE_MS: for all look-ups of one `resolve`. Ends the process with a message if libunbound can't be set
 * up.
 */
struct resolver *resolver_new(const struct dns_settings *dns, const struct self *self, int64_t deadline_ms);
void resolver_free(struct resolver *r);

/*
 * Serves the link that comes with `attach` on CONTROL, and the questions of smtpd workers on NAMES (-1 = none), until
 * master says stop or ends. Returns the exit status.
 */
int resolver_run(struct resolver *r, int control, int names);

enum { RESOLVER_DEADLINE_MS = 25 * 1000 /* the queue waits 30 s, and needs the reason or the hosts before */ };

#endif
