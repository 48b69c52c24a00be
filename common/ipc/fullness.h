/*
 * How much the drop folders of local domains can take (drop_quota), for RCPT, and whether the spool can be written, for
 * MAIL: a page that the queue writes, and smtpd and pickup read, without packets or system calls. It may be a second
 * old, so the queue's own check of a message decides. Master makes it once for a virtual server, and passes on a
 * descriptor that can write it and one that can't.
 */
#ifndef COMMON_IPC_FULLNESS_H
#define COMMON_IPC_FULLNESS_H

#include <stdint.h>

#include "common/base/span.h"

enum { FULLNESS_DOMAINS_MAX = 256 }; /* domains with a quota; only the queue knows of more */

struct fullness;

/* Master: makes a page where nothing is full. 0 or -errno. */
int fullness_create(int *write_fd, int *read_fd);

/* Maps the page of FD, which stays open; NULL on failure. */
struct fullness *fullness_map_writable(int fd);
const struct fullness *fullness_map(int fd);

/* What one folder can take, in octets; UINT64_MAX = unlimited. */
struct fullness_room {
	uint64_t most;  /* the largest message, even when the folder is empty */
	uint64_t now;   /* the largest message now */
	uint64_t least; /* a message of unknown size is accepted while `now` is at least this */
};
#define FULLNESS_UNBOUND ((struct fullness_room){UINT64_MAX, UINT64_MAX, UINT64_MAX})

enum fullness_verdict { FULLNESS_FITS, FULLNESS_FULL, FULLNESS_NEVER };

/* A message of SIZE octets, 0 = unknown. */
enum fullness_verdict fullness_judge(const struct fullness_room *room, uint64_t size);

/* Queue: sets ROOM for the folder of DOMAIN; removes all entries. Harmless with NULL. */
void fullness_set(struct fullness *page, struct span domain, const struct fullness_room *room);
void fullness_clear(struct fullness *page);

/*
 * Queue: sets whether nothing is accepted because the spool can't be written; harmless with NULL. Smtpd and pickup:
 * read it; false with NULL.
 */
void fullness_suspend(struct fullness *page, bool suspended);
bool fullness_is_suspended(const struct fullness *page);

/* The queue's last entry for the folder of DOMAIN; FULLNESS_UNBOUND if there is none, or PAGE is NULL. */
struct fullness_room fullness_of(const struct fullness *page, struct span domain);

#endif
