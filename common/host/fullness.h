/*
 * Which local domains have a drop folder that is full (drop_quota), for RCPT, and whether the spool can be written, for
 * MAIL: a page that the queue writes and smtpd reads, without a packet or a system call. The queue's word on a message
 * stays what counts: the page may be a second old. Master makes it once for a virtual server and hands out a descriptor
 * that can write it and one that can't.
 */
#ifndef COMMON_HOST_FULLNESS_H
#define COMMON_HOST_FULLNESS_H

#include "common/base/span.h"

enum { FULLNESS_DOMAINS_MAX = 256 }; /* that can be full at a time; of more the queue alone knows */

struct fullness;

/* Master: a page where nothing is full. 0 or -errno. */
int fullness_create(int *write_fd, int *read_fd);

/* The page behind FD, which stays open; NULL when there is none. */
struct fullness *fullness_map_writable(int fd);
const struct fullness *fullness_map(int fd);

/* Queue, with NULL nothing happens: from now on DOMAIN is FULL or not; and no domain is. */
void fullness_set(struct fullness *page, struct span domain, bool full);
void fullness_clear(struct fullness *page);

/* Queue, with NULL nothing happens: the spool can't be written (SHUT), or it can. Smtpd: is it so? NULL: it can. */
void fullness_shut(struct fullness *page, bool shut);
bool fullness_is_shut(const struct fullness *page);

/* NULL: nothing is full. */
bool fullness_has(const struct fullness *page, struct span domain);

#endif
