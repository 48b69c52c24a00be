/* The gateways of this machine, from the kernel's routes. */
#ifndef CTL_DOCTOR_ROUTES_H
#define CTL_DOCTOR_ROUTES_H

#include "common/mail/cidr.h"

enum { ROUTES_GATEWAYS_MAX = 8 };

/* Parses /proc/net/route, or with V6 /proc/net/ipv6_route, and adds the gateways of default routes. Pure. */
void routes_parse(struct span text, bool v6, struct ipaddr out[ROUTES_GATEWAYS_MAX], size_t *n);

/* Returns their number. */
size_t routes_gateways(struct ipaddr out[ROUTES_GATEWAYS_MAX]);

#endif
