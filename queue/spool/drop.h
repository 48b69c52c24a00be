/*
 * The drop folders of the local domains. A drop folder is known by its path only: a message goes to the folder that has
 * this path at that moment, and only a running count keeps its file system from being unmounted. The path is checked
 * again once a second at most, so that a folder that was missing, replaced or mounted over is counted anew. A count
 * reads the folder in slices; messages that are put there meanwhile are added.
 */
#ifndef QUEUE_SPOOL_DROP_H
#define QUEUE_SPOOL_DROP_H

#include <dirent.h>
#include <sys/types.h>

#include "common/config/config.h"

struct drop {
	char *path; /* owned */
	int error;  /* errno of the last check; 0 = it can be used, as far as known */
	dev_t dev;
	ino_t ino;
	int64_t looked_ms;
	int64_t quota;          /* drop_quota in octets; CONFIG_NONE = no quota */
	bool return_path;       /* files get a Return-Path field, so each is a copy of the message */
	int uncountable;        /* errno of the last count, if the process lacks something (EMFILE, ENOMEM); 0 = none */
	bool counted;           /* `used` is known */
	uint64_t used;          /* octets in it */
	int64_t counted_ms;     /* when the last count began */
	DIR *counting;          /* the count that runs, or NULL */
	uint64_t counting_used; /* octets that it has found so far */
	uint64_t lacks;         /* octets of the message that found no room last; 0 = there is room */
	bool trouble;           /* a delivery failed and mail waits for this folder (folder.h) */
	bool usable;            /* with `trouble`: the last check found nothing wrong */
};

struct drops {
	struct drop *at;
	size_t n;
};

/* Fills ALL with the drop folders of SERVER and checks each. Close ALL in either case. False without memory. */
bool drops_open(struct drops *all, const struct config_server *server, int64_t now_ms);
void drops_close(struct drops *all);

/* The drop folder at PATH, checked again if that is due; NULL when no local domain has it. */
struct drop *drop_find(struct drops *all, const char *path, int64_t now_ms);

/* True when A and B are the same folder, maybe by different paths. */
bool drop_same(const struct drop *a, const struct drop *b);

/*
 * True when D has a quota and was not counted yet, so that its room is not known. False for NULL, and when D can't be
 * used.
 */
bool drop_is_unknown(const struct drop *d);
/* True when drop_is_unknown holds for one of ALL. */
bool drops_are_unknown(const struct drops *all);

/* The octets that still fit; UINT64_MAX without a quota, 0 while it has not been counted. */
uint64_t drop_room(const struct drop *d);

/* True when SIZE more octets fit. */
bool drop_has_room(const struct drop *d, uint64_t size);

/* True when SIZE octets exceed the quota of the empty folder. */
bool drop_never_has_room(const struct drop *d, uint64_t size);

/* Notes that SIZE octets were put into D. */
void drop_add(struct drop *d, uint64_t size);

/* Counts a slice of one folder whose count is due. False when none is due. */
bool drops_count(struct drops *all, int64_t now_ms);

#endif
