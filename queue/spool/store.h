/*
 * The queue's file operations in its spool: new/, cur/, badmail/ and the rename into a drop folder. The functions keep
 * in_cur and has_log of struct message up to date. They read a message body only to compare it (store_drop, and
 * store_is_zeros). They return 0 or a descriptor, or -errno. None of them logs. Only store_sync, store_try,
 * store_badmail across file systems, and store_journal_append when told so, call fsync.
 */
#ifndef QUEUE_SPOOL_STORE_H
#define QUEUE_SPOOL_STORE_H

#include "common/base/str.h"
#include "common/mail/journal.h"
#include "queue/model/message.h"

struct store {
	char *dir;                      /* the path of the spool, for log lines; owned */
	int new_fd, cur_fd, badmail_fd; /* owned */
	int lock_fd;                    /* DIR/lock, locked as long as the queue runs; owned */
};

/*
 * Waits for the lock DIR/lock, then opens the folders of spool DIR and the BADMAIL folder. On error WHAT (WHAT_SIZE
 * octets) names the path. Close S in either case.
 */
int store_open(struct store *s, const char *dir, const char *badmail, char *what, size_t what_size);
void store_close(struct store *s);

/* Opens the file of M for reading. A descriptor or -errno. */
int store_open_message(const struct store *s, const struct message *m);

/*
 * Locks the message file FD. Every process that works on a message holds its lock. ALONE: exclusive (an only job).
 * SHARED: beside other jobs of the same message. ALONE_THEN_SHARED: exclusive, then shared for more jobs. -EWOULDBLOCK
 * when another process holds a lock that excludes this one.
 */
enum store_lock { STORE_ALONE, STORE_SHARED, STORE_ALONE_THEN_SHARED };
int store_lock(int fd, enum store_lock how);

/*
 * Checks whether the file of M, which a scan found, may be delivered. 0, -EWOULDBLOCK (locked), -ENOENT (gone),
 * -ENODATA (0 octets), -EBADMSG (not a regular file, or not of the size in its name), or another -errno.
 */
int store_probe(const struct store *s, const struct message *m);

/*
 * True when FD, the file of M, holds only zeros and M is in new/ without journal. A power cut leaves such a file when
 * the message was not on disk yet, so it was never acknowledged. False for files beyond STORE_ZEROS_MAX, because the
 * queue stands still while it reads.
 */
enum { STORE_ZEROS_MAX = 64 * 1024 * 1024 };
bool store_is_zeros(int fd, const struct message *m);

/* Syncs FD to disk: for messages that a scan found, not an arrival. */
int store_sync(int fd);

/* Tests whether new/ and cur/ can be written: creates, syncs, moves and removes a file of its own. */
int store_try(const struct store *s);

/* Moves the file of M from new/ to cur/. Does nothing when it is in cur/. */
int store_to_cur(const struct store *s, struct message *m);

/*
 * Opens the journal of M for appending; creates it when missing. Reserves ROOM octets on disk, if the file system can,
 * so that the outcome of a job can be written even when the disk is full. ALONE: no other process writes to the
 * journal, so a torn last line is cut off. Otherwise the torn line may be one that is being written, and gets a line
 * end. A descriptor or -errno.
 */
int store_journal_open(const struct store *s, struct message *m, size_t room, bool alone);

/* Appends LINES, whole lines, to the journal of M in one write, while workers may do the same. DURABLE: with fsync. */
int store_journal_append(const struct store *s, struct message *m, struct span lines, bool durable);

/*
 * Calls TAKE for each valid line of M's journal, in order. 0 also without a journal. -EFBIG beyond JOURNAL_FILE_MAX,
 * -EBADMSG when it is no regular file. After an error the caller must not rely on the lines that it got.
 */
int store_journal_read(const struct store *s, const struct message *m,
		       void (*take)(void *context, const struct journal_line *line), void *context);

/* Appends to TO the last whole lines of M's journal, MAX octets at most. 0 also without a journal. */
int store_journal_tail(const struct store *s, const struct message *m, size_t max, struct str *to);

/*
 * The mtime of the journal is the time of the next try. STORE_HELD_MS, a time in 1970, means that the message is held.
 */
enum { STORE_HELD_MS = 1000 };
int store_set_next_try(const struct store *s, const struct message *m, int64_t wall_ms);
int store_next_try(const struct store *s, const struct message *m, int64_t *wall_ms);

/* Removes the file of M, then its journal. A file that is gone already is no error. */
int store_finish(const struct store *s, struct message *m);

/* Removes the journal ID, which has no message. */
int store_finish_log(const struct store *s, const char *id);

/*
 * Delivers M locally: renames its file to FOLDER/ID.eml and removes its journal. FOLDER is a path. When FOLDER has such
 * a file with the same octets already, M is removed instead. -EEXIST when that file differs, -EXDEV when FOLDER is on
 * another file system.
 */
int store_drop(const struct store *s, struct message *m, const char *folder);

/*
 * Moves M to badmail: the message becomes ID.eml, REASON (lines of text) ID.txt, the journal ID.log. A badmail folder
 * on another file system gets copies.
 */
int store_badmail(const struct store *s, struct message *m, struct span reason);

#endif
