/*
 * Selects messages for an operator. Most conditions are decided in memory: by the id (age), by the size, and by the
 * marks of sender and domains (marks.h). So of a million messages only the selected ones, and a few more, are read.
 */
#ifndef QUEUE_OPERATOR_SELECTION_H
#define QUEUE_OPERATOR_SELECTION_H

#include "common/mail/address.h"
#include "queue/model/loaded.h"
#include "queue/model/message.h"
#include "queue/rules/hop_name.h"

/* In a report each octet of a name may become \\xNN. */
enum { SELECTION_REASON_MAX = 200, SELECTION_HOP_MAX = 4 * HOP_NAME_MAX };

/* The conditions; empty or 0 = any. Texts compare without case. */
struct selection {
	char id[MSGID_LEN + 1];
	char sender[ADDRESS_MAX + 1];          /* "<>" = the null sender */
	char recipient[ADDRESS_MAX + 1];       /* a recipient that is not finished */
	char domain[HOST_NAME_MAX_OCTETS + 1]; /* the domain of such a recipient */
	char hop[SELECTION_HOP_MAX + 1];       /* the next hop as reports name it, without control characters */
	char reason[SELECTION_REASON_MAX + 1]; /* part of the reason why it waits */
	int64_t older_s;                       /* seconds since it was accepted, at least */
	uint64_t larger;                       /* octets, more than */
	uint64_t attempts;                     /* failed attempts, at least */
};

/* Fills *S from the fields of PACKET (queue_list or queue_act in wire.def). False when a field is too long. */
#define SELECTION_TAKE(packet, s)                                                                                      \
	(selection_take((packet).select_id, (packet).select_sender, (packet).select_recipient, (packet).select_domain, \
			(packet).select_hop, (packet).select_reason, (s)) &&                                           \
	 selection_bounds((packet).older_s, (packet).larger, (packet).attempts, (s)))

bool selection_take(struct span id, struct span sender, struct span recipient, struct span domain, struct span hop,
		    struct span reason, struct selection *out);
bool selection_bounds(uint64_t older_s, uint64_t larger, uint64_t attempts, struct selection *out);

/* False when what is in memory excludes M. WALL_MS: now. */
bool selection_may(const struct selection *s, const struct message *m, int64_t wall_ms);

/* True when selection_may alone can't decide. */
bool selection_needs_loaded(const struct selection *s);

/* True when message W meets all conditions except `reason`. */
bool selection_has(const struct selection *s, const struct loaded *w, int64_t wall_ms);

/* True when a message that waits for REASON meets the condition `reason`. */
bool selection_has_reason(const struct selection *s, struct span reason);

#endif
