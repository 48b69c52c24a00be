/*
 * The recipients of one job and what became of each. Pure but for the arena, which owns everything here. An outcome for
 * which there is no memory waits until there is some, so nothing here fails halfway.
 */
#ifndef DELIVERY_REPORT_OUTCOME_H
#define DELIVERY_REPORT_OUTCOME_H

#include "common/base/arena.h"
#include "common/mail/envelope.h"
#include "common/mail/journal.h"

/* Octets of an arena that always suffice: ENVELOPE_RCPT_MAX recipients, each with an outcome of its own. */
enum { OUTCOME_ARENA_MAX = ENVELOPE_RCPT_MAX * 2048 };

struct outcome {
	enum journal_event event; /* delivered, delayed, failed, noticed */
	int code;                 /* of the reply; 0 = none */
	struct enhanced enhanced;
	struct span host; /* who said so; empty = we ourselves */
	struct span tls;  /* how the connection was secured, for the log; empty = in clear, or there was none */
	struct span text;
};

struct recipient {
	uint32_t ordinal; /* in the envelope */
	struct span address;
	struct dsn_rcpt dsn;           /* what was asked of notices */
	bool accepted;                 /* RCPT was answered 2xx; the end of data decides */
	const struct outcome *outcome; /* NULL = open */
};

struct outcomes {
	struct arena *arena;
	struct recipient *rcpts;
	size_t n;
	const struct outcome *last; /* made last: neighbours often share it */
};

/*
 * Recipients of ENVELOPE whose bit is set in BITMAP (bit 0 of octet 0 first; empty = all), all open. False when a bit
 * has no recipient, when there is none at all, or without memory.
 */
bool outcomes_select(struct outcomes *o, struct arena *arena, const struct envelope *envelope, struct span bitmap);

/* The first bit that is set in BITMAP; 0 when it is empty. */
uint32_t outcomes_first(struct span bitmap);

/* Decides for R; host and text are copied. */
void outcomes_decide(struct outcomes *o, struct recipient *r, const struct outcome *outcome);

/* Decides for all that are open; with ACCEPTED only for those that the host accepted. */
void outcomes_decide_open(struct outcomes *o, bool accepted, const struct outcome *outcome);

/* Forgets that hosts accepted recipients that are still open: the transaction came to nothing. */
void outcomes_unaccept(struct outcomes *o);

size_t outcomes_open(const struct outcomes *o);

/* Neighbours in the envelope with the same outcome: what one verdict packet and one journal line say. */
struct outcome_run {
	uint32_t first, last; /* ordinals */
	size_t at, count;     /* of rcpts */
	const struct outcome *outcome;
};

/* The run at rcpts[*at], moving *at behind it; false at the end. Open recipients belong to no run. */
bool outcomes_run(const struct outcomes *o, size_t *at, struct outcome_run *run);

#endif
