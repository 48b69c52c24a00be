#include "delivery/resolver/list_watch.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"

enum { ADDRESS_MAX_OCTETS = 16 };

static bool is_forgotten(const struct watched_list *list, int64_t now_ms)
{
	return now_ms - list->asked_ms >= LIST_WATCH_FORGET_MS;
}

/* The entry of ZONE, or a new one in place of the one that was asked longest ago. */
static struct watched_list *find(struct list_watch *w, struct span zone)
{
	struct watched_list *oldest = &w->at[0];
	for (size_t i = 0; i < w->n; i++) {
		if (span_equal_nocase(span_of(w->at[i].zone), zone))
			return &w->at[i];
		if (w->at[i].asked_ms < oldest->asked_ms)
			oldest = &w->at[i];
	}
	struct watched_list *list = w->n < LIST_WATCH_MAX ? &w->at[w->n++] : oldest;
	*list = (struct watched_list){.bad = DNSBL_LISTING};
	span_copy(zone, list->zone, sizeof(list->zone));
	return list;
}

bool list_watch_ask(struct list_watch *w, struct span zone, int64_t now_ms)
{
	struct watched_list *list = find(w, zone);
	if (list->silent && now_ms - list->silent_ms >= LIST_WATCH_PATIENCE_MS &&
	    now_ms - list->asked_ms < LIST_WATCH_PROBE_MS)
		return false;
	list->asked_ms = now_ms;
	return true;
}

static void note_bad(struct watched_list *list, const struct dnsbl_answer *answer, int64_t now_ms)
{
	enum dnsbl_sense sense = dnsbl_answer_sense(answer);
	if (sense == DNSBL_LISTING) {
		if (now_ms - list->bad_ms >= LIST_WATCH_HOLD_MS)
			list->bad = DNSBL_LISTING;
		return;
	}
	list->bad_ms = now_ms;
	if (sense == list->bad)
		return; /* the first record remains: a new one for each client would be news for each client */
	list->bad = sense;
	for (size_t i = 0; i < answer->n; i++)
		if (dnsbl_sense(answer->at[i]) == sense)
			memcpy(list->record, answer->at[i], sizeof(list->record));
}

bool list_watch_note(struct list_watch *w, struct span zone, const struct dnsbl_answer *answer, int64_t now_ms)
{
	struct watched_list *list = find(w, zone);
	if (answer->answered) {
		list->silent = list->logged = false;
		note_bad(list, answer, now_ms);
		return false;
	}
	if (!list->silent)
		list->silent_ms = now_ms;
	list->silent = true;
	if (list->logged && now_ms - list->logged_ms < LIST_WATCH_HOLD_MS)
		return false;
	list->logged = true;
	list->logged_ms = now_ms;
	return true;
}

static void describe(const struct watched_list *list, int64_t now_ms, struct str *to)
{
	const unsigned char *octets = list->record;
	char zone[DOMAIN_MAX + 1], address[ADDRESS_MAX_OCTETS];
	dnsbl_shown(span_of(list->zone), zone);
	snprintf(address, sizeof(address), "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
	if (list->bad == DNSBL_REFUSAL)
		str_printf(
			to,
			N_("your resolver is refused by the DNS list %s, which answers %s, so it finds no client: name a resolver of your own in dns_server (those of large providers are refused), or remove the list from connect"),
			zone, address);
	else if (list->bad == DNSBL_INVENTION)
		str_printf(
			to,
			N_("%s is no answer of a DNS list, but came for %s, so its answers do not count: if your resolver invents answers, name another one in dns_server; if the list has ended, remove it from connect"),
			address, zone);
	else if (list->silent && now_ms - list->silent_ms >= LIST_WATCH_SILENT_MS)
		str_printf(
			to,
			N_("the DNS list %s has not answered for 10 minutes or longer, so it finds no client: see whether it still exists (mailrootctl doctor), or remove it from connect"),
			zone);
	else
		return;
	str_append_c(to, '\n');
}

void list_watch_describe(const struct list_watch *w, int64_t now_ms, struct str *to)
{
	for (size_t i = 0; i < w->n; i++)
		if (!is_forgotten(&w->at[i], now_ms))
			describe(&w->at[i], now_ms, to);
}

int64_t list_watch_until(const struct list_watch *w, int64_t now_ms)
{
	int64_t next = -1;
	for (size_t i = 0; i < w->n; i++) {
		const struct watched_list *list = &w->at[i];
		int64_t silent = list->silent_ms + LIST_WATCH_SILENT_MS - now_ms;
		int64_t forgotten = list->asked_ms + LIST_WATCH_FORGET_MS - now_ms;
		bool wrong = list->silent || list->bad != DNSBL_LISTING;
		if (list->silent && silent > 0)
			next = clock_sooner(next, silent);
		if (wrong && forgotten > 0)
			next = clock_sooner(next, forgotten);
	}
	return next;
}
