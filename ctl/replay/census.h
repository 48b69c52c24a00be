/*
 * The clients in the logs, and those of them that need relay list. Bounded: clients after CENSUS_MAX are only counted
 * by their rows.
 */
#ifndef CTL_REPLAY_CENSUS_H
#define CTL_REPLAY_CENSUS_H

#include "common/base/hash.h"
#include "common/config/config.h"
#include "ctl/replay/row.h"

enum { CENSUS_MAX = 200000, CENSUS_NAME_MAX = 48, CENSUS_NETWORK_FROM = 8 };

struct client {
	UT_hash_handle hh;
	struct ipaddr ip;
	uint64_t sessions, messages, accepted, refused; /* recipients that the old server accepted and refused */
	uint64_t relayed;       /* accepted recipients in domains to which not every client may send, without AUTH */
	uint64_t authenticated; /* the same after AUTH */
	int64_t last_s;
	char name[CENSUS_NAME_MAX]; /* the last one in HELO, printable */
};

struct census {
	struct client *all;
	uint64_t others; /* rows of clients that have no room here */
};

/* The client of ROW; NULL: there is no room for one more, and the row is counted. */
struct client *census_take(struct census *census, const struct row *row);
void census_free(struct census *census);

/* Sorts them by address. */
void census_sort(struct census *census);

/* Several relaying clients that one line of relay list covers: one, or a private network from CENSUS_NETWORK_FROM on.
 */
struct relay_entry {
	const struct client *first; /* the clients from here on, in the order of census_sort */
	size_t clients;             /* relaying ones */
	bool network;
	bool ours;           /* private or loopback: what strangers can't have */
	bool listed;         /* relay list has them all already */
	uint64_t recipients; /* relayed */
	int64_t last_s;
};

/* After census_sort: the first entry at or after *NEXT, which moves on. False: no more. */
bool census_next_entry(const struct config_server *server, const struct client **next, struct relay_entry *out);

#endif
