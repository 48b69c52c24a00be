/*
 * What the children of a server say over their control links: that they are ready, paused, or in trouble. A packet that
 * a child may not send costs it its link.
 */
#ifndef MASTER_HEAR_H
#define MASTER_HEAR_H

#include "master/server.h"

/* The control link of children[CHILD] is readable. */
void hear_child(struct server *server, size_t child);

/* The process has ended: what it said of its trouble last may still stand in its link. */
void hear_last_words(struct supervised *child);

#endif
