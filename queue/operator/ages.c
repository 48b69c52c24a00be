#include "queue/operator/ages.h"

#include "common/base/clock.h"
#include "queue/rules/schedule.h"

enum { LOOK_AT_CLOCK = 256 };

static void count(struct ages *a, const struct message *m, int64_t wall_ms)
{
	if (m->state == MESSAGE_HELD)
		return;
	int64_t accepted_ms = wall_ms - schedule_age(m->id, wall_ms);
	int64_t *oldest = &a->oldest_ms[a->pass & 1];
	if (accepted_ms < *oldest)
		*oldest = accepted_ms;
	if (!m->destination)
		return;
	struct destination_mail *mail = &m->destination->mail[a->pass & 1];
	if (mail->pass != a->pass)
		*mail = (struct destination_mail){.pass = a->pass, .oldest_ms = INT64_MAX};
	mail->messages++;
	if (accepted_ms < mail->oldest_ms)
		mail->oldest_ms = accepted_ms;
}

static void end(struct ages *a, int64_t mono_ms)
{
	a->cursor = NULL;
	a->ended = a->pass;
	a->again_ms = mono_ms + AGES_PASS_MS;
}

static void go_on(struct ages *a, const struct queue *q)
{
	int64_t until = clock_mono_ms() + AGES_SLICE_MS;
	for (size_t n = 1; a->cursor && a->left; n++) {
		const struct message *m = a->cursor;
		a->cursor = m->hh.next;
		a->left--;
		count(a, m, q->wall_ms);
		if (n % LOOK_AT_CLOCK == 0 && clock_mono_ms() >= until)
			break;
	}
	a->next_ms = q->mono_ms + AGES_EVERY_MS;
	if (!a->cursor || !a->left)
		end(a, q->mono_ms);
}

void ages_want(struct ages *a, struct queue *q)
{
	if (a->cursor || (a->ended && q->mono_ms < a->again_ms))
		return;
	a->pass++;
	a->oldest_ms[a->pass & 1] = INT64_MAX;
	a->cursor = q->messages.table;
	a->left = messages_count(&q->messages);
	go_on(a, q);
}

void ages_turn(struct ages *a, struct queue *q)
{
	if (a->cursor && a->next_ms <= q->mono_ms)
		go_on(a, q);
}

int64_t ages_next(const struct ages *a)
{
	return a->cursor ? a->next_ms : INT64_MAX;
}

void ages_forget(struct ages *a, const struct message *m)
{
	if (a->cursor == m)
		a->cursor = m->hh.next;
}

int64_t ages_oldest(const struct ages *a)
{
	int64_t oldest = a->ended ? a->oldest_ms[a->ended & 1] : INT64_MAX;
	return oldest == INT64_MAX ? 0 : oldest;
}

struct destination_mail ages_of(const struct ages *a, const struct destination *d)
{
	const struct destination_mail *mail = &d->mail[a->ended & 1];
	return a->ended && mail->pass == a->ended ? *mail : (struct destination_mail){.pass = a->ended};
}
