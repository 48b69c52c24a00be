/*
 * What could have had a recipient's mail and has not, and why: blocks whose pattern fits the domain, and the smart
 * host. For people: route.h decides without it. Pure.
 */
#ifndef QUEUE_OPERATOR_NOT_TAKEN_H
#define QUEUE_OPERATOR_NOT_TAKEN_H

#include "queue/rules/route.h"

enum { NOT_TAKEN_MAX = 100, NOT_TAKEN_WHY_MAX = 400 };

struct not_taken {
	const char *what; /* "remote_domain", "connector", "smart_host" */
	struct span name; /* of a smart host its first host */
	struct config_origin origin;
	bool conditional; /* it would have it, but for a condition on size or sender */
	char why[NOT_TAKEN_WHY_MAX];
};

/*
 * OUT of NOT_TAKEN_MAX gets those that ROUTE passed over, in the order in which they are looked at, and how many is
 * returned; what is beyond NOT_TAKEN_MAX is left out. ROUTE is what route_decide made of SERVER and MAIL.
 */
size_t not_taken_list(const struct config_server *server, const struct connector_mail *mail, const struct route *route,
		      struct not_taken *out);

#endif
