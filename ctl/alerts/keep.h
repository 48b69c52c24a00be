/* The file in which alerts remember over a restart what was told (saved.h): `state` in their folder. */
#ifndef CTL_ALERTS_KEEP_H
#define CTL_ALERTS_KEEP_H

#include "ctl/alerts/saved.h"

struct keep {
	int folder;      /* owned; -1 = there is none, and nothing is remembered */
	struct str text; /* of the file, as last written */
	bool failing;    /* the last write failed, which was logged */
};

/* Opens the folder PATH. A failure is logged. */
void keep_open(struct keep *keep, const char *path);
void keep_close(struct keep *keep);

/* Reads the file into *W and *T, which are empty without a good one. */
void keep_load(struct keep *keep, struct watch *w, struct throttle *t);

/* Writes the file if it would change: a new one takes the place of the old one. A failure is logged once. */
void keep_save(struct keep *keep, const struct watch *w, const struct throttle *t);

#endif
