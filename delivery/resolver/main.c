/* mailroot-resolver: DNS look-ups for one virtual server, without a file system. Init, jail, ready, loop. */
#include <signal.h>
#include <time.h>

#include "common/process/child.h"
#include "common/process/privs.h"
#include "delivery/resolver/resolver.h"

int main(int argc, char **argv)
{
	struct child child;
	struct self self;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_RESOLVER, &child);
	const struct privs_jail jail = {.user = child.config.delivery_user, .may_fork = true};
	const struct dns_settings dns = {.servers = child.server->dns_server.n ? &child.server->dns_server
									       : &child.config.dns_server,
					 .dnssec = child.config.dnssec,
					 .trust_anchor = child.config.trust_anchor};
	self_load(child.server, &self);
	struct resolver *resolver = resolver_new(&dns, &self, RESOLVER_DEADLINE_MS);
	privs_enter(&jail);
	child_ready();
	int status = resolver_run(resolver, CHILD_FD_CONTROL, CHILD_FD_NAMES);
	resolver_free(resolver);
	return status;
}
