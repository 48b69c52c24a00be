/*
 * What is wrong with the DNS lists that are asked, for the log and `mailrootctl status`: a list that refuses our name
 * server, one whose answers no list gives, one that is silent. Pure: times are clock_mono_ms of the caller.
 */
#ifndef DELIVERY_RESOLVER_LIST_WATCH_H
#define DELIVERY_RESOLVER_LIST_WATCH_H

#include <stdint.h>

#include "common/mail/dnsbl.h"

enum {
	LIST_WATCH_MAX = 2 * DNSBL_LISTS_MAX,
	LIST_WATCH_SILENT_MS = 10 * 60 * 1000, /* without any answer; then status names the list */
	LIST_WATCH_HOLD_MS = 60 * 1000,     /* between two log lines about silence; a refusal is remembered as long */
	LIST_WATCH_PATIENCE_MS = 60 * 1000, /* a list that is silent for longer is not asked for each client ... */
	LIST_WATCH_PROBE_MS = 10 * 1000,    /* ... but this often, so no client waits for it in vain */
	LIST_WATCH_FORGET_MS = 3600 * 1000  /* without a question: the list is no longer in the configuration */
};

struct watched_list {
	char zone[DNSBL_ZONE_MAX + 1];
	int64_t asked_ms; /* the last question */
	bool silent;      /* no answer since silent_ms */
	int64_t silent_ms;
	int64_t logged_ms;
	bool logged;
	enum dnsbl_sense bad;    /* LISTING = nothing is wrong */
	unsigned char record[4]; /* the first bad one */
	int64_t bad_ms;
};

struct list_watch {
	struct watched_list at[LIST_WATCH_MAX];
	size_t n;
};

/* Whether to ask ZONE now. False: it is silent, and was asked lately. */
bool list_watch_ask(struct list_watch *w, struct span zone, int64_t now_ms);

/* Takes the answer of ZONE, or that it gave none. True: it gave none, and that is to be logged. */
bool list_watch_note(struct list_watch *w, struct span zone, const struct dnsbl_answer *answer, int64_t now_ms);

/* Appends a line for each list with a problem. Keys in names are hidden. */
void list_watch_describe(const struct list_watch *w, int64_t now_ms, struct str *to);

/* Milliseconds until a line comes or goes by time alone, at least 1; -1 = none. */
int64_t list_watch_until(const struct list_watch *w, int64_t now_ms);

#endif
