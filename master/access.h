/*
 * Describes how the rights of clients change when a list of clients, or its mode, changes: entry by entry, for people.
 * An entry that a wider one covers has the rights of the wider one. Pure.
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
 * Calls SAY for every entry that is in one list only. If the mode changed, calls it for all entries, and for clients in
 * neither list (ENTRY NULL).
 */
void access_compare(const struct access *before, const struct access *after,
		    void (*say)(void *context, const struct config_client *entry, enum access_change change),
		    void *context);

#endif
