/*
 * All that the queue does in the file system of its spool: new/, cur/, badmail/ and the rename into a drop folder. A
 * message is named by its struct message; what changes there (in_cur, has_log) is noted in it. Bodies are never read,
 * but for the comparison of store_drop. Functions return 0 or a descriptor, or -errno; none logs, none calls fsync but
 * store_sync, store_try, store_journal_append where it says so, and store_badmail across file systems.
 */
#ifndef QUEUE_SPOOL_STORE_H
#define QUEUE_SPOOL_STORE_H

#include "common/base/str.h"
#include "common/mail/journal.h"
#include "queue/model/message.h"

struct store {
	char *dir;                      /* the path of the spool, for messages; owned */
	int new_fd, cur_fd, badmail_fd; /* owned */
	int lock_fd;                    /* held for life */
};

/*
 * Opens DIR/lock and waits until no other queue holds it, then opens the folders. When a step fails
 * *what is the path that did.
 */
int store_open(struct store *s, const char *dir, const char *badmail, char *what, size_t what_size);
void store_close(struct store *s);

/* The message file, for reading. */
int store_open_message(const struct store *s, const struct message *m);

/*
 * Who works on a message holds its lock. ALONE: nobody else may (a first job); SHARED: beside other jobs of ours;
 * ALONE_THEN_SHARED: nobody else may now, but further jobs of ours will. -EWOULDBLOCK when somebody does.
 */
enum store_lock { STORE_ALONE, STORE_SHARED, STORE_ALONE_THEN_SHARED };
int store_lock(int fd, enum store_lock how);

/*
 * May a file that a scan found be touched? 0, -EWOULDBLOCK (locked), -ENOENT (gone), -ENODATA (0 octets), -EBADMSG (not
 * a regular file of the size that its name says).
 */
int store_probe(const struct store *s, const struct message *m);

/*
 * FD, the file of M, is what a power cut leaves of a message whose octets were not on disk yet: M lies in new/, where
 * one that is acknowledged has an envelope, and there is nothing but zeros. Only looked at up to STORE_ZEROS_MAX
 * octets, for the queue waits meanwhile; a larger file is none.
 */
enum { STORE_ZEROS_MAX = 64 * 1024 * 1024 };
bool store_is_zeros(int fd, const struct message *m);

/* Makes the content of FD durable: for what a scan found and nobody vouches for. */
int store_sync(int fd);

/* Does in new/ and cur/ what deliveries do there, with a file of its own that is gone afterwards: can it be done? */
int store_try(const struct store *s);

/* Moves new/NAME to cur/NAME; nothing when it is there already. */
int store_to_cur(const struct store *s, struct message *m);

/*
 * Opens cur/ID.log for appending, made when missing, with room on the disk for ROOM octets more (as far as the file
 * system can promise that), so that what a job comes to can be written even if the disk is full by then. ALONE: nobody
 * else writes to it, and a torn tail is cut off. Else what looks torn may be a line that is being written: it is ended.
 */
int store_journal_open(const struct store *s, struct message *m, size_t room, bool alone);

/* Appends whole lines in one write, beside workers that may do the same. DURABLE: on disk afterwards. */
int store_journal_append(const struct store *s, struct message *m, struct span lines, bool durable);

/* Gives each line of the journal that counts to TAKE, in order. A message without journal has none. -EFBIG beyond
 * JOURNAL_FILE_MAX, -EBADMSG when it is no file; after any error nothing is known of the message. */
int store_journal_read(const struct store *s, const struct message *m,
		       void (*take)(void *context, const struct journal_line *line), void *context);

/* The journal as text, at most MAX octets, from its end; begins with a whole line. */
int store_journal_tail(const struct store *s, const struct message *m, size_t max, struct str *to);

/* The time of the next try is the mtime of the journal. */
enum { STORE_HELD_MS = 1000 }; /* and this one, long ago and exact, says that the message is held */
int store_set_next_try(const struct store *s, const struct message *m, int64_t wall_ms);
int store_next_try(const struct store *s, const struct message *m, int64_t *wall_ms);

/* Finished: removes the message, then the journal. What is gone already is no error. */
int store_finish(const struct store *s, struct message *m);

/* Removes a journal that has no message. */
int store_finish_log(const struct store *s, const char *id);

/*
 * Local delivery: the message becomes FOLDER/ID.eml, FOLDER being a path. Where a file of that name with the same
 * octets lies there already, the message is removed instead; where it differs: -EEXIST. The journal, if any, goes too.
 */
int store_drop(const struct store *s, struct message *m, const char *folder);

/* Gives up: the message becomes badmail/ID.eml, REASON (lines of text) badmail/ID.txt, the journal badmail/ID.log. A
 * badmail folder on another file system gets copies (badmail.h). */
int store_badmail(const struct store *s, struct message *m, struct span reason);

#endif
