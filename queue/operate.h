/*
 * What an operator may do to messages: select them, look into them, have them retried or deleted. Nothing here changes
 * a message that a worker has in hand.
 */
#ifndef QUEUE_OPERATE_H
#define QUEUE_OPERATE_H

#include "common/host/rows.h"
#include "queue/queue.h"

/* Empty or 0 = any. Addresses and domains compare without case. */
struct operate_selection {
	char id[MSGID_LEN + 1];
	char sender[ADDRESS_MAX + 1]; /* "<>" = null sender */
	char recipient[ADDRESS_MAX + 1];
	char domain[HOST_NAME_MAX_OCTETS + 1]; /* of a recipient */
	int64_t older_s;
};

bool operate_selects(const struct queue *q, const struct operate_selection *selection, const struct whole *w);

/*
 * The whole form of M to look at: its own while an attempt runs, otherwise one made for the purpose and given back with
 * operate_unpeek. NULL when it can't be read.
 */
struct whole *operate_peek(struct queue *q, struct message *m);
void operate_unpeek(struct whole *w); /* NULL is fine */

/* Does ACTION to M, which may be gone afterwards. False: it can't be done to it now. */
bool operate_act(struct queue *q, struct message *m, enum row_action action);

#endif
