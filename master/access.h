/*
 * What becomes of clients when a list of them, or its mode, changes: entry by entry, for people. An entry that a wider
 * one covers shares its fate. Pure.
 */
#ifndef MASTER_ACCESS_H
#define MASTER_ACCESS_H

#include "common/config/config.h"

struct access {
	enum config_allow allow;
	const struct config_clients *list;
};

enum access_change { ACCESS_GAINED, ACCESS_LOST, ACCESS_STILL, ACCESS_STILL_NOT, ACCESS_CHANGE_COUNT };

/*
 * Tells SAY of every entry that stands in one list only; of all entries, and of whoever is in neither list (ENTRY
 * NULL), when the mode was flipped.
 */
void access_compare(const struct access *before, const struct access *after,
		    void (*say)(void *context, const struct config_client *entry, enum access_change change),
		    void *context);

#endif
