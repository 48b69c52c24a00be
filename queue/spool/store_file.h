/* What store.c and store_journal.c share. */
#ifndef QUEUE_SPOOL_STORE_FILE_H
#define QUEUE_SPOOL_STORE_FILE_H

#include <stdio.h>
#include <sys/stat.h>

#include "queue/spool/store.h"

enum { STORE_FILE_NAME = MSGID_LEN + 8 };

/* ID with SUFFIX; TO holds STORE_FILE_NAME. */
static inline void store_file_name(const char *id, const char *suffix, char *to)
{
	snprintf(to, STORE_FILE_NAME, "%s%s", id, suffix);
}

/* The journal of M for reading, with *st filled. A descriptor or -errno: -EBADMSG where it is no regular file. */
int store_journal_to_read(const struct store *s, const struct message *m, struct stat *st);

#endif
