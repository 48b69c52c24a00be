/*
 * Which messages an operator means. What every message has in memory decides most of it: its id tells the age, its name
 * the size, and marks tell which domains and which sender it may have; so of a million messages only those that are
 * meant, or nearly, are read.
 */
#ifndef QUEUE_OPERATOR_SELECTION_H
#define QUEUE_OPERATOR_SELECTION_H

#include "common/mail/address.h"
#include "queue/model/loaded.h"
#include "queue/model/message.h"

enum { SELECTION_REASON_MAX = 200 };

/* Empty or 0 = any. Texts compare without case. */
struct selection {
	char id[MSGID_LEN + 1];
	char sender[ADDRESS_MAX + 1];          /* "<>" = null sender */
	char recipient[ADDRESS_MAX + 1];       /* one who waits for it */
	char domain[HOST_NAME_MAX_OCTETS + 1]; /* of a recipient who waits for it */
	char reason[SELECTION_REASON_MAX + 1]; /* is in the last reason why it waits */
	int64_t older_s;
	uint64_t larger;   /* octets */
	uint64_t attempts; /* failed ones, at least */
};

/* The fields of PACKET (wire.def: queue_list, queue_act), as far as they fit into *S; false otherwise. */
#define SELECTION_TAKE(packet, s)                                                                                      \
	(selection_take((packet).select_id, (packet).select_sender, (packet).select_recipient, (packet).select_domain, \
			(packet).select_reason, (s)) &&                                                                \
	 selection_bounds((packet).older_s, (packet).larger, (packet).attempts, (s)))

bool selection_take(struct span id, struct span sender, struct span recipient, struct span domain, struct span reason,
		    struct selection *out);
bool selection_bounds(uint64_t older_s, uint64_t larger, uint64_t attempts, struct selection *out);

/* False: M is certainly not meant. */
bool selection_may(const struct selection *s, const struct message *m, int64_t wall_ms);

/* Whether more must be known than selection_may looks at. */
bool selection_needs_loaded(const struct selection *s);

/* Whether M is meant, all but for the reason. */
bool selection_has(const struct selection *s, const struct loaded *w, int64_t wall_ms);

/* REASON: why it waits. */
bool selection_has_reason(const struct selection *s, struct span reason);

#endif
