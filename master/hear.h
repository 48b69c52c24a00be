/*
 * The packets of a server's children on their control links: ready, paused, trouble. A child that sends an invalid
 * packet loses its link.
 */
#ifndef MASTER_HEAR_H
#define MASTER_HEAR_H

#include "master/server.h"

/* Octets of the longest packet of a child, which is `trouble`. */
enum { HEAR_PACKET_MAX = CHILD_TROUBLE_MAX + 64 };

/* The control link of children[CHILD] is readable. */
void hear_child(struct server *server, size_t child);

/* The process has ended: reads the trouble that it reported last. */
void hear_last_words(struct supervised *child);

#endif
