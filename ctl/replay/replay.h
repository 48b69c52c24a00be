/* Replays the rows of logs against a configuration: what mailroot-replay does, but for its command line and output. */
#ifndef CTL_REPLAY_REPLAY_H
#define CTL_REPLAY_REPLAY_H

#include "ctl/replay/cases.h"
#include "ctl/replay/census.h"
#include "ctl/replay/sessions.h"
#include "ctl/replay/traffic.h"

struct replay {
	const struct config_server *server;
	int64_t since_s; /* rows before this time, or without one, are left out; ROW_NO_TIME = none is */
	struct reader reader;
	struct sessions *sessions;
	struct cases cases;
	struct census census;
	struct traffic traffic;
	int64_t first_s, last_s;              /* of the rows that count */
	uint64_t outbound;                    /* rows of connections to other hosts */
	uint64_t left_out;                    /* rows because of since_s */
	uint64_t same, otherwise, unknowable; /* recipients */
	uint64_t undecided;                   /* recipients that the old server neither accepted nor refused */
	uint64_t senders_refused;             /* MAIL that the old server refused, before any recipient */
	uint64_t unnamed;                     /* rows of RCPT without an address: the argument was not logged */
	bool authenticated;                   /* a row says that a client authenticated */
	bool no_memory;                       /* the counts are not complete */
};

/* Borrows SERVER. False: no memory. */
bool replay_init(struct replay *replay, const struct config_server *server, int64_t since_s);
void replay_free(struct replay *replay);

/* Takes the next row; the reader calls it. */
void replay_take(void *context, const struct row *row, const struct place *place);

/* Number of recipients that were compared. */
uint64_t replay_compared(const struct replay *replay);

#endif
