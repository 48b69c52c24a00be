#include "queue/operator/index.h"

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/spool/spool.h"
#include "queue/attempt/queue.h"

enum { KNOWN_AT_ONCE = 4096 };

/* Making the whole form marks the message. What can't be read stays without marks, and any selection looks at it. */
void index_mark(struct queue *q, struct message *m)
{
	struct envelope envelope;
	const char *why;
	int fd = store_open_message(&q->store, m);
	if (fd < 0)
		return;
	arena_reset(&q->arena);
	str_clear(&q->text);
	if (spool_read_envelope(fd, &q->text, &q->arena, &envelope, &why) == 0) {
		struct whole *w = whole_new(m, &envelope);
		if (w)
			whole_free(w);
	}
	fd_close(&fd);
}

static bool is_due(const struct queue *q)
{
	return q->scan.listed && (!q->index.begun || q->index.left) && q->index.next_ms <= q->mono_ms;
}

void index_turn(struct queue *q)
{
	struct index *x = &q->index;
	int64_t until = clock_mono_ms() + INDEX_SLICE_MS;
	if (!is_due(q))
		return;
	if (!x->begun) {
		x->cursor = q->messages.table;
		x->left = messages_count(&q->messages);
		x->begun = true;
	}
	for (int i = 0; x->cursor && x->left && i < KNOWN_AT_ONCE; i++) {
		struct message *m = x->cursor;
		x->cursor = m->hh.next;
		x->left--;
		if (m->sender || !m->has_file)
			continue;
		index_mark(q, m);
		if (clock_mono_ms() >= until)
			break;
	}
	if (!x->cursor)
		x->left = 0;
	x->next_ms = q->mono_ms + INDEX_EVERY_MS;
}

int64_t index_next(const struct queue *q)
{
	return q->index.begun && !q->index.left ? INT64_MAX : q->index.next_ms;
}

void index_forget(struct queue *q, const struct message *m)
{
	if (q->index.cursor == m)
		q->index.cursor = m->hh.next;
}
