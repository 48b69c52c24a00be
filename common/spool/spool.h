/*
 * Message files of one virtual server (doc/spool.md). This module has every step of accepting a message: nothing else
 * creates one. A spool is a folder descriptor of new/; the writer needs only the right to create files there. Functions
 * return 0 or -errno; none logs.
 */
#ifndef COMMON_SPOOL_SPOOL_H
#define COMMON_SPOOL_SPOOL_H

#include "common/base/span.h"
#include "common/mail/msgid.h"
#include "common/spool/spool_text.h"

/* How this folder's file system and this kernel can accept messages; spool_probe finds out. */
struct spool {
	int new_fd;      /* O_PATH or O_RDONLY descriptor of new/; borrowed */
	bool unnamed;    /* O_TMPFILE and linkat(AT_EMPTY_PATH) work; otherwise new/.ID and rename */
	bool needs_mode; /* umask or a default ACL removes bits of 0644: fchmod each file */
	bool needs_sync; /* fsync of a file may not make its name durable: syncfs follows */
};

/*
 * Finds out with a temporary file what the file system can do. Call it in the jail, as the user that will write. An
 * error means that no message can be accepted here.
 */
__attribute__((warn_unused_result)) int spool_probe(int new_fd, struct spool *out);

/* A message being written. */
struct spool_file {
	const struct spool *spool;
	char id[MSGID_LEN + 1];
	struct spool_text text;
	struct spool_text replaced; /* while `replacing`: the text that `text` is to replace */
	bool replacing;
	bool staged; /* set by the writer: spool_commit gives a name that no scan takes; see spool_publish */
	char name[MSGNAME_MAX + 1];              /* after commit */
	unsigned char random[MSGID_RANDOM * 16]; /* for the next ids: one system call gets enough for 16 */
	size_t random_left;
};

/*
 * Begins a message with a new id (or ID unless NULL: notices derive theirs). Before its first use *file is zeroed, with
 * text.fd -1. One struct is used by one process only.
 */
__attribute__((warn_unused_result)) int spool_begin(const struct spool *spool, const char *id, struct spool_file *file);

/* After an error nothing is left of the message, and further writes and the commit fail with -EBADF. */
__attribute__((warn_unused_result)) int spool_write(struct spool_file *file, struct span text);

/*
 * Reads what was written of the open message: at most SIZE octets from offset AT to TO. *got is 0 only at the end.
 * After an error the message is as before.
 */
__attribute__((warn_unused_result)) int spool_read(const struct spool_file *file, uint64_t at, char *to, size_t size,
						   size_t *got);

/*
 * Begins a second text of the open message: spool_write writes it, while spool_read still reads the first. A text of at
 * most SPOOL_BUFFER octets gets no second file. After an error nothing is left of the message.
 */
__attribute__((warn_unused_result)) int spool_replace_begin(struct spool_file *file);

/*
 * TAKE: the second text becomes the message, with its size and its eight_bit. Otherwise it is dropped, and the message
 * is as it was before. Then another replacement may begin. After an error nothing is left of the message.
 */
__attribute__((warn_unused_result)) int spool_replace_end(struct spool_file *file, bool take);

/*
 * Flushes, locks (flock), names (new/ID,S=...), fsyncs. After success the message is durable, and text.fd still holds
 * the lock: send *arrived*, then spool_release; or, if that fails, spool_unlink. After an error everything is gone
 * already (an fsync error is final). -EEXIST: a message with that name exists, so of the same id and size. -EBADF: none
 * is open, or a replacement has no end.
 */
__attribute__((warn_unused_result)) int spool_commit(struct spool_file *file);

/*
 * For a writer that must do something between "the message is durable" and "the queue may have it", such as removing
 * the source file: a `staged` message is committed as new/.NAME, and spool_publish renames it to its own name. After an
 * error it is still there as new/.NAME.
 */
__attribute__((warn_unused_result)) int spool_publish(struct spool_file *file);

/*
 * Calls FOUND with the name (".NAME") of each staged message in new/. Size and name don't prove its text: after a power
 * cut both may exist without it. So its source, where that still exists, has priority.
 */
__attribute__((warn_unused_result)) int spool_staged(const struct spool *spool,
						     void (*found)(void *context, const char *name), void *context);

/*
 * Opens the staged message NAME for publishing: locked and durable. -EBADMSG: it was torn, and is removed. After
 * another error it is unchanged.
 */
__attribute__((warn_unused_result)) int spool_take_staged(const struct spool *spool, const char *name,
							  struct spool_file *file);

/* Removes the staged message NAME, durably. -ENOENT: it does not exist. */
__attribute__((warn_unused_result)) int spool_remove_staged(const struct spool *spool, const char *name);

void spool_release(struct spool_file *file); /* closes the file: the queue may take it */
void spool_unlink(struct spool_file *file);  /* after commit, when it was not acknowledged */
void spool_abort(struct spool_file *file);   /* before commit; harmless when none is open */
void spool_file_free(struct spool_file *file);

/*
 * Makes the message NAME of new/ durable: for a process that gets -EEXIST and finishes the work of an earlier process.
 */
__attribute__((warn_unused_result)) int spool_sync(const struct spool *spool, const char *name);

/* Takes the flock of FD without waiting: 0, -EWOULDBLOCK or another -errno. */
int spool_lock(int fd);

#endif
