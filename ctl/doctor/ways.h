/* How mail leaves a virtual server: directly or by smart hosts, from which addresses, and in whose name. */
#ifndef CTL_DOCTOR_WAYS_H
#define CTL_DOCTOR_WAYS_H

#include "ctl/doctor/ask.h"

enum { WAYS_HOPS_MAX = 16, WAYS_DOMAINS_MAX = 32, WAYS_SOURCES_MAX = 2 };

/* Whether some mail goes to the mail exchangers of its domains. */
bool ways_direct(const struct config_server *server);

/* A next hop that the configuration names. */
struct ways_hop {
	const char *setting; /* "smart_host", "route" */
	const struct config_host *host;
	const struct config_outbound *outbound;
};

/* The next hops, the virtual server's own first; each host and port once. Returns their number. */
size_t ways_hops(const struct config_server *server, struct ways_hop out[WAYS_HOPS_MAX]);

/* A domain in whose name mail is sent. */
struct ways_domain {
	const char *name;
	const struct config_origin *at;
};

/* The domains of From: local domains, those of send_as, and those that sign. Names without a dot are left out. Returns
 * their number. *WHOLE: there are no others. */
size_t ways_domains(const struct config_server *server, struct ways_domain out[WAYS_DOMAINS_MAX], bool *whole);

/* The domain of MAIL FROM for a sender of DOMAIN. */
const char *ways_envelope_domain(const struct config_server *server, const char *domain);

/*
 * The addresses of this machine from which mail goes to the Internet: those of source_address, or those that the kernel
 * would take, one of each family at most. Sends nothing. Returns their number.
 */
size_t ways_sources(const struct config_server *server, struct ipaddr out[WAYS_SOURCES_MAX]);

/*
 * The addresses that other hosts see: those of ways_sources that are not private. If all are, a gateway replaces them,
 * and *behind becomes true: then they are those that DNS has for fqdn, and mostly that of the gateway.
 */
size_t ways_public(const struct config_server *server, struct ask *ask, struct ipaddr out[WAYS_SOURCES_MAX],
		   bool *behind);

#endif
