#include "queue/operator/index.h"

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "queue/model/loaded.h"
#include "queue/spool/read.h"

enum { KNOWN_AT_ONCE = 4096 };

/* read_envelope sets the marks. A message that can't be read has none, so every selection reads it. */
void index_mark(struct queue *q, struct message *m)
{
	const char *why;
	int err, fd = store_open_message(&q->store, m);
	if (fd < 0)
		return;
	struct loaded *w = read_envelope(fd, m, &q->arena, &q->text, &err, &why);
	if (w)
		loaded_free(w);
	fd_close(&fd);
}

static bool is_due(const struct index *x, const struct queue *q)
{
	return q->messages.all_known && (!x->begun || x->left) && x->next_ms <= q->mono_ms;
}

void index_turn(struct index *x, struct queue *q)
{
	int64_t until = clock_mono_ms() + INDEX_SLICE_MS;
	if (!is_due(x, q))
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

int64_t index_next(const struct index *x)
{
	return x->begun && !x->left ? INT64_MAX : x->next_ms;
}

void index_forget(struct index *x, const struct message *m)
{
	if (x->cursor == m)
		x->cursor = m->hh.next;
}
