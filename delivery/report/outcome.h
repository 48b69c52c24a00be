/*
 * The recipients of one job and their outcomes. Pure but for the arena, which owns everything here. An outcome waits
 * until there is memory for it, so nothing here fails halfway.
 */
#ifndef DELIVERY_REPORT_OUTCOME_H
#define DELIVERY_REPORT_OUTCOME_H

#include "common/base/arena.h"
#include "common/mail/envelope.h"
#include "common/mail/journal.h"

/* An arena of this many octets always suffices: ENVELOPE_RCPT_MAX recipients, each with an outcome of its own. */
enum { OUTCOME_ARENA_MAX = ENVELOPE_RCPT_MAX * 2048 };

struct outcome {
	enum journal_event event; /* delivered, delayed, failed, noticed */
	int code;                 /* of the reply; 0 = none */
	struct enhanced enhanced;
	struct span host; /* the host that replied; empty = this server */
	struct span tls;  /* TLS parameters for the log; empty = no TLS, or no connection */
	struct span text;
};

struct recipient {
	uint32_t ordinal; /* its index in the envelope */
	struct span address;
	struct dsn_rcpt dsn;           /* what was asked of notices */
	bool accepted;                 /* RCPT was accepted; the reply to the data decides */
	const struct outcome *outcome; /* NULL = open */
};

struct outcomes {
	struct arena *arena;
	struct recipient *rcpts;
	size_t n;
	const struct outcome *last; /* the newest: neighbours often share it */
};

/* The text for a message file that can't be read: ERR is the errno, EPIPE = the file is shorter than its name says. */
const char *outcome_unreadable(int err);

/*
 * Selects the recipients of ENVELOPE whose bit is set in BITMAP (bit 0 of octet 0 first; empty = all), all open. False:
 * a bit has no recipient, no bit is set, or no memory.
 */
bool outcomes_select(struct outcomes *o, struct arena *arena, const struct envelope *envelope, struct span bitmap);

/* The first bit that is set in BITMAP; 0 when it is empty. */
uint32_t outcomes_first(struct span bitmap);

/* Decides for R; copies host and text. */
void outcomes_decide(struct outcomes *o, struct recipient *r, const struct outcome *outcome);

/* Decides for all that are open; with ACCEPTED only for those that the host has accepted. */
void outcomes_decide_open(struct outcomes *o, bool accepted, const struct outcome *outcome);

/* The transaction failed: recipients that are still open no longer count as accepted. */
void outcomes_unaccept(struct outcomes *o);

size_t outcomes_open(const struct outcomes *o);

/* Neighbours in the envelope with the same outcome: the contents of one verdict packet and one journal line. */
struct outcome_run {
	uint32_t first, last; /* ordinals */
	size_t at, count;     /* of rcpts */
	const struct outcome *outcome;
};

/* Sets the run at rcpts[*at] and moves *at behind it; false at the end. Open recipients belong to no run. */
bool outcomes_run(const struct outcomes *o, size_t *at, struct outcome_run *run);

#endif
