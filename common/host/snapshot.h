/*
 * Live policy: the parent publishes texts (canonical configuration), workers see the newest by one atomic load. One
 * memfd, append only, sealed against every writer but the parent's own mapping (SHRINK, GROW, FUTURE_WRITE); forked
 * workers map it read-only. Nothing is ever overwritten; when it is full the parent makes a new one and replaces its
 * workers.
 */
#ifndef COMMON_HOST_SNAPSHOT_H
#define COMMON_HOST_SNAPSHOT_H

#include "common/base/span.h"

struct snapshot;

/* Parent: an area of SIZE octets. NULL with errno. */
struct snapshot *snapshot_new(size_t size);
void snapshot_free(struct snapshot *s); /* NULL is fine */

/* Parent: appends TEXT and publishes it as the next generation (the first is 1). False when it does not fit any more.
 */
bool snapshot_publish(struct snapshot *s, struct span text);

/* Forked worker, before it reads anything from outside: gives up the writable mapping. */
void snapshot_read_only(struct snapshot *s);

/* The newest generation, 0 = none yet: one relaxed-then-acquire load, no system call. */
uint64_t snapshot_generation(const struct snapshot *s);

/* The newest text and its generation. Valid for the life of the process. */
struct span snapshot_text(const struct snapshot *s, uint64_t *generation);

#endif
