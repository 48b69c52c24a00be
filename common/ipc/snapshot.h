/*
 * Live policy: the parent publishes objects (a parsed configuration), and workers see the newest by one atomic load.
 * The memory is one memfd, append only, sealed against every writer but the parent's own mapping (SHRINK, GROW,
 * FUTURE_WRITE). Forked workers map it read-only at the same address, so an object may hold pointers into itself, and
 * it is never copied. Nothing is overwritten; when the area is full the parent makes a new one and replaces its
 * workers.
 */
#ifndef COMMON_IPC_SNAPSHOT_H
#define COMMON_IPC_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot;

/* Parent: makes an area of SIZE octets, which take memory only as they are used. NULL with errno. */
struct snapshot *snapshot_new(size_t size);
void snapshot_free(struct snapshot *s); /* NULL is fine */

/*
 * Parent: where the next object is to be built, aligned for any type. Zeroed, unless an object was begun here before.
 * *ROOM is its size in octets.
 */
void *snapshot_room(struct snapshot *s, size_t *room);

/* Parent: publishes the first USED octets there as the next generation (the first is 1). */
void snapshot_publish(struct snapshot *s, size_t used);

/* Forked worker, before it reads anything from outside: gives up the writable mapping. */
void snapshot_read_only(struct snapshot *s);

/* The newest generation, 0 = none yet: one acquire load, no system call. */
uint64_t snapshot_generation(const struct snapshot *s);

/* The newest object and its generation; NULL = none yet. Valid for the life of the process. */
const void *snapshot_current(const struct snapshot *s, uint64_t *generation);

#endif
