/*
 * The memory of the lists, which workers share: a table of the files and their parsed forms in one area (snapshot.h).
 * A change adds what is new and another table. When the area is full, all lists move to a new one. For known_files.c.
 */
#ifndef COMMON_RECIPIENTS_KNOWN_AREA_H
#define COMMON_RECIPIENTS_KNOWN_AREA_H

#include "common/recipients/known.h"

/* One list that goes, or one that is new or replaced. */
struct known_change {
	size_t without; /* the list that goes; SIZE_MAX = none */
	size_t at;      /* the list that is new or replaced; SIZE_MAX = none */
	const char *file;
	struct span text;
	const struct recipient_map_size *size; /* of TEXT; NULL = the list has no map */
	struct str *bad;                       /* gets the bad lines, as recipient_map_parse says */
};

/*
 * Publishes the lists of K with change C. *FRESH: a new area was begun. 0 or -errno: the lists stay as they are. The
 * files of K are the caller's.
 */
int known_area_change(struct known *k, const struct known_change *c, bool *fresh);

#endif
