#include "queue/attempt/etrn_wait.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "queue/attempt/note.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

enum { LEFT_MIN_MS = 1000 };

static void expire(struct queue *q, struct message *m, const struct destination *d, size_t at, int64_t age)
{
	char duration[CLOCK_TEXT_MAX], text[DOMAIN_MAX + 120];
	clock_duration(age, duration);
	snprintf(text, sizeof(text), N_("expired after %s: no ETRN or ATRN has requested the mail of %s"), duration,
		 d->etrn->domain);
	const struct attempt_result result = {.event = JOURNAL_FAILED, .enhanced = {4, 4, 7}, .text = span_of(text)};
	log_info("id=%s to=<%.*s> status=failed enhanced=4.4.7 text=\"%s\"", m->id,
		 SPAN_ARGS(m->loaded->rcpts[at].text), text);
	note_result(q, m, NULL, at, at, &result);
}

bool etrn_wait_holds(struct queue *q, struct message *m, const struct destination *d, size_t at)
{
	if (etrn_hold_is_open(d, q->mono_ms))
		return false;
	int64_t age = schedule_age(m->id, q->wall_ms);
	if (age >= d->etrn->expire_ms)
		expire(q, m, d, at, age);
	else
		loaded_set(m->loaded, at, RECIPIENT_DELAYED);
	return true;
}

struct destination *etrn_wait_for(struct queue *q, const struct message *m, int64_t *left_ms)
{
	const struct loaded *w = m->loaded;
	int64_t age = schedule_age(m->id, q->wall_ms), left = INT64_MAX;
	struct destination *first = NULL;
	bool alone = true, all = true;
	struct route route;
	for (size_t i = 0; i < w->rcpt_count; i++) {
		if (w->states[i] != RECIPIENT_DELAYED)
			continue;
		loaded_route(w, i, queue_server(q), &route);
		all &= route.etrn != NULL;
		if (!route.etrn)
			continue;
		struct destination *d = destination_get(&q->destinations, &route, NULL);
		alone &= !first || first == d;
		first = d;
		if (route.etrn->expire - age < left)
			left = route.etrn->expire - age;
	}
	*left_ms = !all || !first ? 0 : left > LEFT_MIN_MS ? left : LEFT_MIN_MS;
	return !first || (alone && all) ? first : etrn_hold_several(&q->destinations);
}
