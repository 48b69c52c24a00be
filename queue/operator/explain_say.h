/* The rows of the answer to `explain route` (rows.h), one function for each kind. Each appends to TO (report.h). */
#ifndef QUEUE_OPERATOR_EXPLAIN_SAY_H
#define QUEUE_OPERATOR_EXPLAIN_SAY_H

#include "queue/attempt/queue.h"
#include "queue/operator/not_taken.h"

/* KEY: the name of the next hop, or the drop folder. SENDER: the masqueraded sender; "" = none. */
void explain_say_route(const struct route *route, const char *key, const char *sender, struct str *to);
void explain_say_rules(const struct route *route, struct str *to);
void explain_say_not_taken(const struct not_taken *others, size_t n, struct str *to);

/* The settings in effect for ROUTE, as far as the queue may see them, and those of the account that the hosts see. */
void explain_say_settings(const struct route *route, struct str *to);

/* The hosts of D, in the order in which its next job would try them; then the hosts that it would leave out. */
void explain_say_hosts(struct queue *q, const struct destination *d, const struct config_outbound *outbound,
		       struct str *to);

/* D: the next hop as configured now. REAL: the same next hop as mail uses it, or NULL. */
void explain_say_limits(const struct queue *q, const struct destination *d, const struct destination *real,
			struct str *to);

/* Appends to TO which TLS the OUTBOUND settings and DNS require of HOST, as text. */
void explain_tls(const struct config_outbound *outbound, const struct host *host, struct str *to);

#endif
