#include "ctl/alerts/watch.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *word, *began, *ended, *advice;
	int64_t quiet_ms;
	bool stops_mail;
} kinds[ALERT_KINDS] = {
#define ALERT(kind, word, quiet_ms, stops_mail, began, ended, advice)                                                  \
	[ALERT_##kind] = {word, began, ended, advice, quiet_ms, stops_mail},
#include "ctl/alerts/alerts.def"
#undef ALERT
};

void watch_text(struct span text, char *to, size_t size)
{
	size_t len = text.len < size ? text.len : size - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = text.at[i] >= ' ' && text.at[i] <= '~' ? text.at[i] : '?';
	to[len] = '\0';
}

static bool is_about(const struct watch_alert *alert, enum alert_kind kind, const char *server)
{
	return alert->kind == kind && strcmp(alert->server, server) == 0;
}

static struct watch_alert *find(struct watch *w, const struct watch_alert *key)
{
	for (size_t i = 0; i < w->n; i++) {
		if (is_about(&w->at[i], key->kind, key->server) && strcmp(w->at[i].object, key->object) == 0)
			return &w->at[i];
	}
	return NULL;
}

/* The order of the others stays: the oldest news is told first. */
static void drop(struct watch *w, struct watch_alert *alert)
{
	size_t behind = (size_t)(w->at + w->n - (alert + 1));
	memmove(alert, alert + 1, behind * sizeof(*alert));
	w->n--;
}

/* A clock that was set back does not make a condition younger than now. */
static bool lasted(int64_t *since, int64_t now, int64_t ms)
{
	if (*since > now)
		*since = now;
	return now - *since >= ms;
}

static int64_t quiet_ms(const struct watch *w, enum alert_kind kind)
{
	int64_t ms = kinds[kind].quiet_ms;
	return w->quiet_max_ms && w->quiet_max_ms < ms ? w->quiet_max_ms : ms;
}

static void see_bad(struct watch_alert *alert, int64_t hold_ms, int64_t now)
{
	if (alert->state != WATCH_BEGINS || lasted(&alert->since_ms, now, hold_ms))
		alert->state = WATCH_HOLDS;
}

/* Whether ALERT is still there. */
static bool see_good(struct watch *w, struct watch_alert *alert, int64_t now)
{
	if (alert->state == WATCH_BEGINS) {
		drop(w, alert);
		return false;
	}
	if (alert->state == WATCH_HOLDS) {
		alert->state = WATCH_ENDS;
		alert->good_ms = now;
	}
	if (alert->state != WATCH_ENDS || !lasted(&alert->good_ms, now, quiet_ms(w, alert->kind)))
		return true;
	alert->state = WATCH_OVER;
	if (alert->told)
		return true;
	w->brief++;
	drop(w, alert);
	return false;
}

void watch_see(struct watch *w, const struct watch_sight *sight, int64_t now)
{
	struct watch_alert key = {.kind = sight->kind, .since_ms = now};
	watch_text(span_of(sight->server), key.server, sizeof(key.server));
	watch_text(span_of(sight->object), key.object, sizeof(key.object));
	struct watch_alert *alert = find(w, &key);
	if (!alert && sight->level != WATCH_BAD)
		return;
	if (!alert && w->n == WATCH_MAX) {
		w->lost++;
		return;
	}
	if (!alert) {
		alert = &w->at[w->n++];
		*alert = key;
	}
	alert->seen = true;
	if (sight->level == WATCH_GOOD) {
		see_good(w, alert, now);
		return;
	}
	if (sight->level == WATCH_BETWEEN)
		return;
	watch_text(span_of(sight->detail), alert->detail, sizeof(alert->detail));
	see_bad(alert, sight->hold_ms, now);
}

void watch_round(struct watch *w, enum alert_kind kind, const char *server, int64_t now)
{
	for (size_t i = 0; i < w->n;) {
		struct watch_alert *alert = &w->at[i];
		bool is_there = true;
		if (is_about(alert, kind, server)) {
			bool seen = alert->seen;
			alert->seen = false;
			is_there = seen || see_good(w, alert, now);
		}
		if (is_there)
			i++;
	}
}

void watch_forget(struct watch *w, enum alert_kind kind, const char *server)
{
	for (size_t i = 0; i < w->n;) {
		if (is_about(&w->at[i], kind, server))
			drop(w, &w->at[i]);
		else
			i++;
	}
}

static bool is_due(const struct watch_alert *alert)
{
	return alert->state == WATCH_OVER || (alert->state != WATCH_BEGINS && !alert->told);
}

size_t watch_due(const struct watch *w)
{
	size_t due = 0;
	for (size_t i = 0; i < w->n; i++)
		due += is_due(&w->at[i]);
	return due;
}

struct watch_alert *watch_first_due(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (is_due(&w->at[i]))
			return &w->at[i];
	}
	return NULL;
}

void watch_told(struct watch *w, struct watch_alert *alert)
{
	if (alert->state == WATCH_OVER)
		drop(w, alert);
	else
		alert->told = true;
}

bool watch_carries_mail(const struct watch *w, const char *server)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct watch_alert *alert = &w->at[i];
		if (kinds[alert->kind].stops_mail && alert->state != WATCH_OVER && strcmp(alert->server, server) == 0)
			return false;
	}
	return true;
}

uint64_t watch_untold(const struct watch *w)
{
	return w->lost + w->brief;
}

void watch_summed(struct watch *w)
{
	struct watch_alert *alert;
	while ((alert = watch_first_due(w)))
		watch_told(w, alert);
	w->brief = 0;
	w->lost = 0;
}

void watch_subject(const struct watch_alert *alert, char *to, size_t size)
{
	const char *format = alert->state == WATCH_OVER ? kinds[alert->kind].ended : kinds[alert->kind].began;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int n = snprintf(to, size, format, alert->object);
#pragma GCC diagnostic pop
	if (alert->server[0] && n >= 0 && (size_t)n < size)
		snprintf(to + n, size - (size_t)n, " (server %s)", alert->server);
}

const char *watch_word(enum alert_kind kind)
{
	return kinds[kind].word;
}

const char *watch_advice(enum alert_kind kind)
{
	return kinds[kind].advice;
}

bool watch_kind(struct span word, enum alert_kind *kind)
{
	for (int i = 0; i < ALERT_KINDS; i++) {
		if (span_equal(word, span_of(kinds[i].word))) {
			*kind = (enum alert_kind)i;
			return true;
		}
	}
	return false;
}
