#include "queue/whole.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "queue/selection.h"

static const char *const state_names[RECIPIENT_STATE_COUNT] = {
	[RECIPIENT_OPEN] = "open",           [RECIPIENT_DELAYED] = "delayed", [RECIPIENT_FAILED] = "failed",
	[RECIPIENT_DELIVERED] = "delivered", [RECIPIENT_NOTICED] = "noticed", [RECIPIENT_DELETED] = "deleted",
};

const char *recipient_state_name(enum recipient_state state)
{
	return state_names[state];
}

/* SPAN, which lies in FROM, at the same place of the copy TO. */
static struct span moved(struct span span, struct span from, const char *to)
{
	return span.at ? (struct span){to + (span.at - from.at), span.len} : span;
}

static struct address moved_address(const struct address *a, struct span from, const char *to)
{
	return (struct address){moved(a->text, from, to), moved(a->local, from, to), moved(a->domain, from, to)};
}

struct whole *whole_new(struct message *m, const struct envelope *envelope, struct span text)
{
	size_t n = envelope->rcpt_count, addresses = n * sizeof(struct address);
	struct whole *w = calloc(1, sizeof(*w) + addresses + n * (sizeof(uint16_t) + 1) + envelope->body_at);
	if (!w)
		return NULL;
	w->rcpts = (struct address *)(w + 1);
	w->tries = (uint16_t *)(w->rcpts + n);
	w->states = (uint8_t *)(w->tries + n);
	char *copy = (char *)(w->states + n);
	memcpy(copy, text.at, envelope->body_at);
	w->sender = moved_address(&envelope->sender, text, copy);
	for (size_t i = 0; i < n; i++)
		w->rcpts[i] = moved_address(&envelope->rcpts[i], text, copy);
	w->message = m;
	w->rcpt_count = n;
	w->octets = m->size > envelope->body_at ? m->size - envelope->body_at : 0;
	w->counts[RECIPIENT_OPEN] = n;
	w->fd = -1;
	TAILQ_INIT(&w->jobs);
	selection_mark(m, w);
	return w;
}

void whole_free(struct whole *w)
{
	fd_close(&w->fd);
	free(w);
}

void whole_route(const struct whole *w, size_t rcpt, const struct config_server *server, struct route *out)
{
	const struct connector_mail mail = {&w->sender, w->octets};
	route_decide(server, &w->rcpts[rcpt], &mail, out);
}

void whole_set(struct whole *w, size_t rcpt, enum recipient_state state)
{
	w->counts[w->states[rcpt]]--;
	w->counts[state]++;
	w->states[rcpt] = (uint8_t)state;
}

static void replay_one(struct whole *w, size_t rcpt, const struct journal_line *line)
{
	enum recipient_state now = w->states[rcpt];
	switch (line->event) {
	case JOURNAL_DELIVERED:
		whole_set(w, rcpt, RECIPIENT_DELIVERED);
		break;
	case JOURNAL_FAILED:
		if (now == RECIPIENT_OPEN) {
			whole_set(w, rcpt, RECIPIENT_FAILED);
			w->failed_at_ms = line->wall_ms;
		}
		break;
	case JOURNAL_NOTICED:
		if (now == RECIPIENT_FAILED)
			whole_set(w, rcpt, RECIPIENT_NOTICED);
		break;
	case JOURNAL_DELETED:
		if (now == RECIPIENT_OPEN || now == RECIPIENT_FAILED)
			whole_set(w, rcpt, RECIPIENT_DELETED);
		break;
	case JOURNAL_DELAYED:
		w->tries[rcpt] = (uint16_t)(w->tries[rcpt] + (w->tries[rcpt] < UINT16_MAX));
		break;
	case JOURNAL_RESENT:
		if (now == RECIPIENT_FAILED || now == RECIPIENT_DELETED)
			whole_set(w, rcpt, RECIPIENT_OPEN);
		w->tries[rcpt] = 0;
		break;
	default:
		break;
	}
}

void whole_replay(struct whole *w, const struct journal_line *line)
{
	if (line->event == JOURNAL_HELD)
		w->held = true;
	else if (line->event == JOURNAL_RELEASED || line->event == JOURNAL_FAILED || line->event == JOURNAL_RESENT)
		w->held = false;
	size_t end = line->last < w->rcpt_count ? (size_t)line->last + 1 : w->rcpt_count;
	for (size_t i = line->first; i < end; i++)
		replay_one(w, i, line);
}

unsigned whole_tries(const struct whole *w)
{
	unsigned most = 0;
	for (size_t i = 0; i < w->rcpt_count; i++)
		if (w->states[i] == RECIPIENT_OPEN && w->tries[i] > most)
			most = w->tries[i];
	return most;
}

bool whole_done(const struct whole *w)
{
	return !w->counts[RECIPIENT_OPEN] && !w->counts[RECIPIENT_DELAYED] && !w->counts[RECIPIENT_FAILED];
}
