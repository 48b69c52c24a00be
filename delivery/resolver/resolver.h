/*
 * The resolver of one virtual server: answers `resolve` with the ordered hosts of a next hop. One loop, any number of
 * look-ups at once, each with a deadline; libunbound resolves and keeps the cache. No file is read after resolver_new,
 * so it works in a jail; libunbound starts a thread with the first look-up.
 */
#ifndef DELIVERY_RESOLVER_RESOLVER_H
#define DELIVERY_RESOLVER_RESOLVER_H

#include "delivery/resolver/dns.h"
#include "delivery/resolver/self.h"

struct resolver;

/*
 * Reads what DNS names, and /etc/hosts. SELF: what is no next hop (borrowed); NULL = everything may be one. Dies with a
 * reason when libunbound can't be set up. DEADLINE_MS: for one `resolve`, all look-ups of it.
 */
struct resolver *resolver_new(const struct dns_settings *dns, const struct self *self, int64_t deadline_ms);
void resolver_free(struct resolver *r);

/*
 * Serves the link that comes with `attach` on CONTROL, and the questions of smtpd workers on NAMES (-1 = none), until
 * master says stop or is gone.
 */
int resolver_run(struct resolver *r, int control, int names);

enum { RESOLVER_DEADLINE_MS = 25 * 1000 /* the queue waits 30 s: it shall hear the reason, and what is known */ };

#endif
