#include "queue/attempt/to_badmail.h"

#include "common/base/log.h"
#include "queue/attempt/record.h"
#include "queue/attempt/tally.h"

bool to_badmail(struct queue *q, struct message *m, struct span why, enum counter reason)
{
	struct span rest = why, line;
	if (!record_unwritten(q, m))
		return false;
	int err = store_badmail(&q->store, m, why);
	if (err) {
		queue_put_off(q, m, "move the message to badmail/", err);
		return false;
	}
	if (!span_line(&rest, &line))
		line = why;
	log_warning("id=%s status=badmail text=\"%.*s\"", m->id, SPAN_ARGS(line));
	count(reason);
	tally_final(q, m);
	queue_forget(q, m);
	return true;
}
