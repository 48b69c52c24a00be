/*
 * The alternatives that a route did not take, and why: remote domains and connectors whose pattern fits the domain, and
 * the smart host. Only for `explain`: route.c decides without it. Pure.
 */
#ifndef QUEUE_OPERATOR_NOT_TAKEN_H
#define QUEUE_OPERATOR_NOT_TAKEN_H

#include "queue/rules/route.h"

enum { NOT_TAKEN_MAX = 100, NOT_TAKEN_WHY_MAX = 400 };

struct not_taken {
	const char *what; /* "remote_domain", "connector", "smart_host" */
	struct span name; /* of smart_host, its first host */
	struct config_origin origin;
	bool conditional; /* only a condition on size or sender keeps it from the mail */
	char why[NOT_TAKEN_WHY_MAX];
};

/*
 * Fills OUT, an array of NOT_TAKEN_MAX, with the alternatives to ROUTE in the order of evaluation; leaves out those
 * beyond NOT_TAKEN_MAX. Returns their number. ROUTE is the result of route_decide for SERVER and MAIL.
 */
size_t not_taken_list(const struct config_server *server, const struct connector_mail *mail, const struct route *route,
		      struct not_taken *out);

#endif
