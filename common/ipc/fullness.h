/*
 * How much the drop folders of local domains can take (drop_quota), for RCPT, and whether the spool can be written, for
 * MAIL: a page that the queue writes and smtpd reads, without a packet or a system call. The queue's word on a message
 * stays what counts: the page may be a second old. Master makes it once for a virtual server and hands out a descriptor
 * that can write it and one that can't.
 */
#ifndef COMMON_IPC_FULLNESS_H
#define COMMON_IPC_FULLNESS_H

#include <stdint.h>

#include "common/base/span.h"

enum { FULLNESS_DOMAINS_MAX = 256 }; /* that have a quota; of more the queue alone knows */

struct fullness;

/* Master: a page where nothing is full. 0 or -errno. */
int fullness_create(int *write_fd, int *read_fd);

/* The page behind FD, which stays open; NULL when there is none. */
struct fullness *fullness_map_writable(int fd);
const struct fullness *fullness_map(int fd);

/* What one folder can take, in octets; UINT64_MAX = any. */
struct fullness_room {
	uint64_t most;  /* however empty it is */
	uint64_t now;   /* the largest message that is taken now */
	uint64_t least; /* a message whose size nobody knows is taken while `now` is at least that */
};
#define FULLNESS_UNBOUND ((struct fullness_room){UINT64_MAX, UINT64_MAX, UINT64_MAX})

enum fullness_verdict { FULLNESS_FITS, FULLNESS_FULL, FULLNESS_NEVER };

/* A message of SIZE octets, 0 = nobody knows. */
enum fullness_verdict fullness_judge(const struct fullness_room *room, uint64_t size);

/* Queue, with NULL nothing happens: from now on the folder of DOMAIN has ROOM; and none is bound any more. */
void fullness_set(struct fullness *page, struct span domain, const struct fullness_room *room);
void fullness_clear(struct fullness *page);

/* Queue, with NULL nothing happens: the spool can't be written (SHUT), or it can. Smtpd: is it so? NULL: it can. */
void fullness_shut(struct fullness *page, bool shut);
bool fullness_is_shut(const struct fullness *page);

/* What the queue said last of the folder of DOMAIN; FULLNESS_UNBOUND where it said nothing, or PAGE is NULL. */
struct fullness_room fullness_of(const struct fullness *page, struct span domain);

#endif
