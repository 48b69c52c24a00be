#include "queue/model/loaded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/hash.h"
#include "queue/model/marks.h"

static const char *const state_names[RECIPIENT_STATE_COUNT] = {
	[RECIPIENT_OPEN] = "open",           [RECIPIENT_DELAYED] = "delayed",     [RECIPIENT_FAILED] = "failed",
	[RECIPIENT_SUCCEEDED] = "delivered", [RECIPIENT_DELIVERED] = "delivered", [RECIPIENT_NOTICED] = "noticed",
	[RECIPIENT_DELETED] = "deleted",
};

const char *recipient_state_name(enum recipient_state state)
{
	return state_names[state];
}

/* SPAN of text FROM, at the same place in TO, a copy of FROM. */
static struct span moved(struct span span, struct span from, const char *to)
{
	return span.at ? (struct span){to + (span.at - from.at), span.len} : span;
}

static struct address moved_address(const struct address *a, struct span from, const char *to)
{
	return (struct address){moved(a->text, from, to), moved(a->local, from, to), moved(a->domain, from, to)};
}

static size_t text_octets(const struct envelope *envelope)
{
	size_t octets = envelope->sender.text.len + envelope->hold.len;
	for (size_t i = 0; i < envelope->rcpt_count; i++)
		octets += envelope->rcpts[i].text.len;
	return octets;
}

/* Copies FROM to *to, and moves *to behind it. */
static struct span copy_text(struct span from, char **to)
{
	struct span copy = moved(from, from, *to);
	if (from.len)
		memcpy(*to, from.at, from.len);
	*to += from.len;
	return copy;
}

/* Copies FROM with its text to *to, and moves *to behind the text. */
static struct address copy_address(const struct address *from, char **to)
{
	struct address copy = moved_address(from, from->text, *to);
	copy_text(from->text, to);
	return copy;
}

/* Sets the marks of M (marks.h). */
static void mark(struct message *m, const struct loaded *w)
{
	m->domains = 0;
	for (size_t i = 0; i < w->rcpt_count; i++)
		m->domains |= marks_domain(w->rcpts[i].domain);
	m->sender = marks_sender(w->sender.text.len ? w->sender.text : SPAN("<>"));
}

struct loaded *loaded_new(struct message *m, const struct envelope *envelope)
{
	size_t n = envelope->rcpt_count;
	size_t each = sizeof(struct address) + sizeof(uint32_t) + sizeof(uint16_t) + 2;
	struct loaded *w = calloc(1, sizeof(*w) + n * each + text_octets(envelope));
	if (!w)
		return NULL;
	w->rcpts = (struct address *)(w + 1);
	w->late_s = (uint32_t *)(w->rcpts + n);
	w->tries = (uint16_t *)(w->late_s + n);
	w->states = (uint8_t *)(w->tries + n);
	w->notify = w->states + n;
	char *text = (char *)(w->notify + n);
	w->sender = copy_address(&envelope->sender, &text);
	for (size_t i = 0; i < n; i++) {
		w->rcpts[i] = copy_address(&envelope->rcpts[i], &text);
		w->notify[i] = (uint8_t)envelope_notify(envelope, i);
		w->wants_success |= w->sender.text.len && dsn_wants(w->notify[i], DSN_SUCCESS);
	}
	w->hold = copy_text(envelope->hold, &text);
	w->held = w->hold.len > 0;
	w->message = m;
	w->rcpt_count = n;
	w->octets = m->size > envelope->body_at ? m->size - envelope->body_at : 0;
	w->counts[RECIPIENT_OPEN] = n;
	for (size_t i = 0; i < n; i++)
		if (envelope_expanded(envelope, i))
			loaded_set(w, i, w->sender.text.len ? RECIPIENT_SUCCEEDED : RECIPIENT_DELIVERED);
	w->fd = -1;
	TAILQ_INIT(&w->jobs);
	mark(m, w);
	return w;
}

void loaded_free(struct loaded *w)
{
	fd_close(&w->fd);
	str_free(&w->last_lines);
	free(w);
}

void loaded_route(const struct loaded *w, size_t rcpt, const struct config_server *server, struct route *out)
{
	const struct connector_mail mail = {&w->sender, w->octets};
	route_decide(server, &w->rcpts[rcpt], &mail, out);
	route_choose_mailbox(server, &w->sender, out);
}

void loaded_keep(struct messages *all, struct message *m, struct loaded *w, int fd)
{
	m->loaded = w;
	w->fd = fd;
	all->loaded_count++;
	all->file_count++;
}

int loaded_take_file(struct messages *all, struct loaded *w)
{
	int fd = w->fd;
	if (fd >= 0)
		all->file_count--;
	w->fd = -1;
	return fd;
}

void loaded_close_file(struct messages *all, struct loaded *w)
{
	int fd = loaded_take_file(all, w);
	fd_close(&fd);
}

void loaded_unload(struct messages *all, struct message *m)
{
	if (!m->loaded)
		return;
	loaded_close_file(all, m->loaded);
	loaded_free(m->loaded);
	m->loaded = NULL;
	all->loaded_count--;
}

enum { MANNER_MAX = 64 * 1024 };

/* A hash of the next hop of ROUTE, and of how we speak to it. */
static uint64_t hash_route(const struct route *route, const struct config_server *server)
{
	char key[HOP_NAME_MAX] = "nowhere";
	struct str manner;
	str_init(&manner, MANNER_MAX);
	if (route->kind != ROUTE_NONE)
		hop_name_format(route, route->kind == ROUTE_DROP ? route->local->drop_dir : NULL, key);
	if (route->kind != ROUTE_NONE && route->kind != ROUTE_DROP)
		route_append_manner(server, route, &manner);
	uint64_t hash = hash_octet(hash_span(HASH_START, span_of(key)), '\n');
	hash = hash_span(hash, str_span(&manner));
	str_free(&manner);
	return hash;
}

uint32_t loaded_routes_hash(const struct loaded *w, const struct config_server *server)
{
	struct span domain = {NULL, 0};
	struct route route;
	uint64_t hash = HASH_START, next_hop = 0;
	for (size_t i = 0; i < w->rcpt_count; i++) {
		if (w->states[i] != RECIPIENT_OPEN && w->states[i] != RECIPIENT_DELAYED)
			continue;
		if (!domain.at || !span_equal_nocase(domain, w->rcpts[i].domain)) {
			domain = w->rcpts[i].domain;
			loaded_route(w, i, server, &route);
			next_hop = hash_route(&route, server);
		}
		hash = hash_span(hash, (struct span){(const char *)&next_hop, sizeof(next_hop)});
	}
	return (uint32_t)hash ? (uint32_t)hash : 1;
}

void loaded_set(struct loaded *w, size_t rcpt, enum recipient_state state)
{
	w->counts[w->states[rcpt]]--;
	w->counts[state]++;
	w->states[rcpt] = (uint8_t)state;
}

static bool wants(const struct loaded *w, size_t rcpt, enum dsn_notify what)
{
	return dsn_wants(w->notify[rcpt] & (LOADED_WARNED - 1u), what);
}

/* The null sender can't get a notice. Its mail that fails stays FAILED, whatever NOTIFY says, and goes to badmail. */
static enum recipient_state state_after(const struct loaded *w, size_t rcpt, enum journal_event event, bool ours)
{
	bool has_sender = w->sender.text.len;
	switch (event) {
	case JOURNAL_DELIVERED:
	case JOURNAL_RELAYED:
		ours |= event == JOURNAL_RELAYED;
		return ours && has_sender && wants(w, rcpt, DSN_SUCCESS) ? RECIPIENT_SUCCEEDED : RECIPIENT_DELIVERED;
	case JOURNAL_FAILED:
		return has_sender && !wants(w, rcpt, DSN_FAILURE) ? RECIPIENT_NOTICED : RECIPIENT_FAILED;
	case JOURNAL_NOTICED:
		return RECIPIENT_NOTICED;
	case JOURNAL_DELETED:
		return RECIPIENT_DELETED;
	default:
		return RECIPIENT_DELAYED;
	}
}

/* True when EVENT can happen to a recipient in STATE. */
static bool may_become(enum recipient_state state, enum journal_event event)
{
	bool told = state == RECIPIENT_FAILED || state == RECIPIENT_SUCCEEDED;
	switch (event) {
	case JOURNAL_DELIVERED:
	case JOURNAL_RELAYED:
	case JOURNAL_FAILED:
	case JOURNAL_DELAYED:
		return state == RECIPIENT_OPEN;
	case JOURNAL_NOTICED:
		return told;
	case JOURNAL_WARNED:
		return state == RECIPIENT_OPEN || state == RECIPIENT_DELAYED;
	case JOURNAL_DELETED:
		return state == RECIPIENT_OPEN || state == RECIPIENT_DELAYED || told;
	default:
		return false;
	}
}

static void note_try(struct loaded *w, size_t rcpt, int64_t wall_ms)
{
	int64_t late = wall_ms / 1000 - msgid_time(w->message->id);
	w->tries[rcpt] = (uint16_t)(w->tries[rcpt] + (w->tries[rcpt] < UINT16_MAX));
	w->late_s[rcpt] = late < 0 ? 0 : late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
}

bool loaded_note(struct loaded *w, size_t rcpt, enum journal_event event, bool ours, int64_t wall_ms)
{
	if (!may_become(w->states[rcpt], event))
		return false;
	if (event == JOURNAL_DELAYED)
		note_try(w, rcpt, wall_ms);
	if (event == JOURNAL_WARNED)
		w->notify[rcpt] |= LOADED_WARNED;
	else
		loaded_set(w, rcpt, state_after(w, rcpt, event, ours));
	return true;
}

static void reopen(struct loaded *w, size_t rcpt)
{
	if (w->states[rcpt] == RECIPIENT_FAILED || w->states[rcpt] == RECIPIENT_DELETED)
		loaded_set(w, rcpt, RECIPIENT_OPEN);
	w->tries[rcpt] = 0;
	w->late_s[rcpt] = 0;
}

/* A delivery counts whatever the lines before it say: the message must not be delivered twice. */
static void replay_one(struct loaded *w, size_t rcpt, const struct journal_line *line)
{
	bool ours = line->host.len == 0;
	if (line->event == JOURNAL_DELAYED)
		note_try(w, rcpt, line->wall_ms);
	else if (line->event == JOURNAL_DELIVERED || line->event == JOURNAL_RELAYED)
		loaded_set(w, rcpt, state_after(w, rcpt, line->event, ours));
	else if (line->event == JOURNAL_RESENT)
		reopen(w, rcpt);
	else
		loaded_note(w, rcpt, line->event, ours, line->wall_ms);
}

static void set_held(struct loaded *w, bool held)
{
	w->held = held;
	w->hold = (struct span){0};
}

void loaded_replay(struct loaded *w, const struct journal_line *line)
{
	if (line->event == JOURNAL_HELD)
		set_held(w, true);
	else if (line->event == JOURNAL_RELEASED || line->event == JOURNAL_FAILED || line->event == JOURNAL_RESENT)
		set_held(w, false);
	size_t end = line->last < w->rcpt_count ? (size_t)line->last + 1 : w->rcpt_count;
	for (size_t i = line->first; i < end; i++)
		replay_one(w, i, line);
}

void loaded_replay_lines(struct loaded *w, struct span lines)
{
	struct span text;
	struct journal_line line;
	while (span_line(&lines, &text))
		if (journal_parse(text, &line))
			loaded_replay(w, &line);
}

unsigned loaded_tries(const struct loaded *w)
{
	unsigned most = 0;
	for (size_t i = 0; i < w->rcpt_count; i++)
		if (w->states[i] == RECIPIENT_OPEN && w->tries[i] > most)
			most = w->tries[i];
	return most;
}

bool loaded_done(const struct loaded *w)
{
	return !w->counts[RECIPIENT_OPEN] && !w->counts[RECIPIENT_DELAYED] && !w->counts[RECIPIENT_FAILED] &&
	       !w->counts[RECIPIENT_SUCCEEDED];
}
