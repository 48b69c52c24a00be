/*
 * The links between the children of one virtual server (doc/architecture.md). Those with a descriptor of their own
 * (child.h), and the pages of shared memory, are made once and master holds both ends, so they outlive any child. The
 * links between the queue and its three helpers are made anew whenever one of the two ends has become ready, or lost
 * its end (attach.h).
 */
#ifndef MASTER_LINKS_H
#define MASTER_LINKS_H

#include "common/process/child.h"

/* One link between the queue and a helper; master does not keep its ends. */
struct peer_link {
	uint64_t serial;  /* of the newest; 0 = none yet */
	bool up;          /* both ends have it, as far as we know */
	int64_t again_ms; /* a link that broke is not made again before */
};

/* A kept link, or a page: its descriptors for reading and for writing. */
struct link_ends {
	int read, write; /* -1 = not made */
};

struct links {
	struct link_ends kept[CHILD_FD_KEPT]; /* by descriptor, from CHILD_FD_ARRIVALS on */
	struct peer_link peers[CHILD_LINK_RESOLVER + 1];
};

/* The name of kept[I]: "arrivals", "verdicts", ... */
const char *links_name(size_t i);

/* Sets all to -1, so that links_close is harmless. */
void links_init(struct links *links);

/* 0 or -errno. */
int links_open(struct links *links);
void links_close(struct links *links);

/*
 * Takes the descriptors KEPT, which an older master made. A page of counters with another list is closed, for
 * links_open to make a new one: the numbers begin at 0.
 */
void links_adopt(struct links *links, const struct link_ends kept[CHILD_FD_KEPT]);

/* The page of counters, to be read alone; -1 = not made. Borrowed. */
int links_counters(const struct links *links);

/* Counts an end of ROLE that nobody asked for. */
void links_count_restart(const struct links *links, enum child_role role);

/* What ROLE gets as FD, one of the kept ones; -1 = none. Borrowed. */
int links_of(const struct links *links, enum child_fd fd, enum child_role role);

/* The role at the other end of a link of the queue; CHILD_ROLE_COUNT when LINK is no such link. */
enum child_role links_peer(enum child_link link);

/*
 * The links that must be made because FRESH has become ready: a set of (1 << enum child_link). READY is the set of (1
 * << role) that are ready, including FRESH. Pure.
 */
unsigned links_due(unsigned ready, enum child_role fresh);

#endif
