#include "queue/attempt/settle.h"

#include "queue/attempt/etrn_wait.h"
#include "queue/attempt/record.h"
#include "queue/attempt/tally.h"
#include "queue/attempt/to_badmail.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/model/waiting.h"
#include "queue/rules/schedule.h"

enum { REASON_MAX = 64 * 1024 };

void settle_finish(struct queue *q, struct message *m)
{
	int err = store_finish(&q->store, m);
	if (!err) {
		tally_final(q, m);
		queue_forget(q, m);
		return;
	}
	record_lines(q, m, str_span(&m->loaded->last_lines), true, true);
	queue_put_off(q, m, "remove the finished message", err);
}

/* ID.txt in badmail quotes the journal. */
void settle_give_up(struct queue *q, struct message *m)
{
	struct str text;
	str_init(&text, REASON_MAX + 512);
	str_append_text(&text,
			"The message could not be delivered, and no notice can be sent because its sender is empty.\n");
	store_journal_tail(&q->store, m, REASON_MAX, &text);
	to_badmail(q, m, str_span(&text), COUNTER_BADMAIL_NOTICE);
	str_free(&text);
}

void settle_defer(struct queue *q, struct message *m)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	struct destination *unreachable = m->loaded->unreachable;
	bool local = m->destination && destination_is_local(m->destination);
	int64_t left;
	struct destination *asked = etrn_wait_for(q, m, &left);
	if (m->attempts < UINT16_MAX && !left)
		m->attempts++;
	int64_t delay = schedule_delay_until(&delivery->retry, m->attempts, schedule_age(m->id, q->wall_ms),
					     schedule_notice(delivery, local), schedule_expire(delivery, local));
	if (left)
		delay = left;
	if (asked)
		unreachable = asked;
	/* Routes have changed during the attempt: try the new ones at once. */
	bool moved = m->loaded->routes != q->routes;
	m->routes_hash = moved ? 0 : loaded_routes_hash(m->loaded, queue_server(q));
	if (moved)
		delay = 0;
	/* A message that waits for a folder or for ETRN is released by that. A restarted queue tries it at once. */
	bool called = asked || (unreachable && unreachable->kind == DESTINATION_FOLDER);
	if (m->has_log)
		store_set_next_try(&q->store, m, q->wall_ms + (called ? 0 : delay));
	loaded_unload(&q->messages, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + delay);
	if (!unreachable)
		return;
	destination_ref(&q->destinations, &m->destination, unreachable);
	waiting_begin(m, unreachable);
}

void settle_wait_on(struct queue *q, struct message *m, int64_t due_ms)
{
	loaded_unload(&q->messages, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, due_ms);
	if (m->waits_on)
		waiting_begin(m, m->destination);
}

void settle_take_back(struct queue *q, struct message *m, int64_t hold_ms)
{
	job_cancel_all(m, q->mono_ms);
	if (m->loaded->job_count)
		return;
	m->put_off = m->loaded->next_try != 0;
	loaded_unload(&q->messages, m);
	if (hold_ms)
		message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + hold_ms);
	else
		message_move(&q->messages, m, MESSAGE_READY);
}
