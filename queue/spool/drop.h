/*
 * Drop folders: one for each folder that a local domain names. They are known by their path alone, so that a message
 * goes to what stands there at that moment, and nothing keeps a file system from being unmounted but a count under way.
 * Looked at again at most once a second, so that one that was missing, replaced or mounted over is counted anew. A
 * folder knows how full it is by a scan of its own, in slices; what is put into it meanwhile is added.
 */
#ifndef QUEUE_SPOOL_DROP_H
#define QUEUE_SPOOL_DROP_H

#include <dirent.h>
#include <sys/types.h>

#include "common/config/config.h"

struct drop {
	char *path; /* owned */
	int error;  /* errno: it can't be used; 0 = it can, as far as is known */
	dev_t dev;
	ino_t ino;
	int64_t looked_ms;
	int64_t quota;    /* octets; CONFIG_NONE */
	bool return_path; /* a file has this field, so it is a copy */
	int uncountable;  /* errno of the last try to count it, where the folder is not to blame; 0 = none */
	bool counted;     /* `used` is known */
	uint64_t used;
	int64_t counted_ms;
	DIR *counting; /* the scan that runs */
	uint64_t counting_used;
	uint64_t lacks; /* octets of a message for which there was no room, while there is none; 0 = there is */
	bool trouble;   /* something could not be put there, and mail waits for it (folder.h) */
	bool usable;    /* the last look, while there is trouble, found nothing wrong */
};

struct drops {
	struct drop *at;
	size_t n;
};

/* The folders of SERVER, each looked at. False without memory. */
bool drops_open(struct drops *all, const struct config_server *server, int64_t now_ms);
void drops_close(struct drops *all);

/* The folder at PATH, looked at again where that is due; NULL when it is none of ours. */
struct drop *drop_find(struct drops *all, const char *path, int64_t now_ms);

/* The same folder, by whatever path. */
bool drop_same(const struct drop *a, const struct drop *b);

/* It has a quota, and was not counted yet: nobody knows whether there is room. Of NULL, and of what can't be used: no.
 */
bool drop_is_unknown(const struct drop *d);
bool drops_are_unknown(const struct drops *all); /* one of them is */

/* Octets that may still be put there; UINT64_MAX without a quota, 0 while it has not been counted. */
uint64_t drop_room(const struct drop *d);

/* Whether SIZE octets more may lie in it, and whether they never may, however empty it is; drop_add notes that they do.
 */
bool drop_has_room(const struct drop *d, uint64_t size);
bool drop_never_has_room(const struct drop *d, uint64_t size);
void drop_add(struct drop *d, uint64_t size);

/* Counts on, a slice of entries of one folder that is due. False when none is. */
bool drops_count(struct drops *all, int64_t now_ms);

#endif
