/*
 * The rows of rows.h that answer `explain route`, one function a kind; each appends to TO (report.h).
 */
#ifndef QUEUE_OPERATOR_EXPLAIN_SAY_H
#define QUEUE_OPERATOR_EXPLAIN_SAY_H

#include "queue/attempt/queue.h"
#include "queue/operator/not_taken.h"

/* KEY: name of the next hop, or the folder. SENDER: that the host hears of, if it is another one; or "". */
void explain_say_route(const struct route *route, const char *key, const char *sender, struct str *to);
void explain_say_rules(const struct route *route, struct str *to);
void explain_say_passed(const struct not_taken *passed, size_t n, struct str *to);

/* All that the queue may see of the block that holds for ROUTE, and of the block whose user the hosts see. */
void explain_say_settings(const struct route *route, struct str *to);

/* D has its hosts; they stand in the order in which the next job of it would try them, then those that it leaves out.
 */
void explain_say_hosts(struct queue *q, const struct destination *d, const struct config_outbound *outbound,
		       struct str *to);

/* D: as the configuration has it now. REAL: the same next hop with mail, or NULL. */
void explain_say_limits(const struct queue *q, const struct destination *d, const struct destination *real,
			struct str *to);

/* What TLS the outbound settings and DNS ask of HOST, in words. */
void explain_tls(const struct config_outbound *outbound, const struct host *host, struct str *to);

#endif
