/*
 * Message files of one virtual server (doc/spool.md). This module owns every step of
 * accepting: nothing else creates a message. A spool is a folder descriptor of new/; the writer needs only the right to
 * create there. Functions return 0 or -errno; none logs.
 */
#ifndef COMMON_SPOOL_SPOOL_H
#define COMMON_SPOOL_SPOOL_H

#include "common/base/str.h"
#include "common/mail/envelope.h"
#include "common/mail/msgid.h"

/* How this folder's file system and this kernel let us accept; found out once by spool_probe. */
struct spool {
	int new_fd;      /* O_PATH or O_RDONLY descriptor of new/; borrowed */
	bool unnamed;    /* O_TMPFILE and linkat(AT_EMPTY_PATH) work; otherwise new/.ID and rename */
	bool needs_mode; /* the umask or a default ACL takes from 0644: fchmod each file */
	bool needs_sync; /* fsync of a file may leave its name behind: syncfs follows */
};

/*
 * Tries once, with a file that is gone afterwards, what the file system can do. Call it in the jail, as the user that
 * will write. An error means that no message can be accepted here.
 */
__attribute__((warn_unused_result)) int spool_probe(int new_fd, struct spool *out);

/* A message being written. Buffers SPOOL_BUFFER octets; a 4 KiB message is one write. */
enum { SPOOL_BUFFER = 64 * 1024 };
struct spool_file {
	const struct spool *spool;
	int fd; /* -1 = none open */
	char id[MSGID_LEN + 1];
	uint64_t size;  /* octets written or buffered */
	bool eight_bit; /* an octet above 127 was written to the file; becomes part of the name */
	bool staged;    /* set by the writer: spool_commit gives a name that no scan takes, see spool_publish */
	bool named;     /* new/.ID exists and must be unlinked on abort */
	char name[MSGNAME_MAX + 1]; /* after commit */
	char *buffer;               /* SPOOL_BUFFER octets, owned; kept between messages, freed by spool_file_free */
	size_t buffered;
	unsigned char random[MSGID_RANDOM * 16]; /* for the next ids: one system call for 16 of them */
	size_t random_left;
};

/*
 * Begins a message with a fresh id (or ID when not NULL: notices derive theirs). file zeroed before its first use, fd
 * -1; one file struct is used by one process only.
 */
__attribute__((warn_unused_result)) int spool_begin(const struct spool *spool, const char *id, struct spool_file *file);

/* After an error nothing is left of the message, and further writes and the commit fail with -EBADF. */
__attribute__((warn_unused_result)) int spool_write(struct spool_file *file, struct span text);

/*
 * Flushes, locks (flock), names (new/ID,S=...), fsyncs. After success the message is durable and file->fd still holds
 * the lock: send *arrived*, then spool_release; or, when that fails, spool_unlink. After an error everything is gone
 * already (an fsync error is final). -EEXIST: a message of that name is there, that is one of the same id and size.
 */
__attribute__((warn_unused_result)) int spool_commit(struct spool_file *file);

/*
 * For a writer that must do something between "the message is durable" and "the queue may have it", such as removing
 * the file that the message was made of: a `staged` message is committed as new/.NAME, and spool_publish gives it its
 * own name, in one step. After an error it is still there as new/.NAME.
 */
__attribute__((warn_unused_result)) int spool_publish(struct spool_file *file);

/*
 * Calls FOUND with the name (".NAME") of each staged message in new/. A size and a name are no proof of its text: after
 * a power cut both may be there without it. So what it was made of goes first, where that is still there.
 */
__attribute__((warn_unused_result)) int spool_staged(const struct spool *spool,
						     void (*found)(void *context, const char *name), void *context);

/*
 * Opens the staged message NAME to be published: locked and durable. -EBADMSG: it was torn, and is removed. After
 * another error it lies there as before.
 */
__attribute__((warn_unused_result)) int spool_take_staged(const struct spool *spool, const char *name,
							  struct spool_file *file);

/* Removes the staged message NAME, durably. -ENOENT: there is none. */
__attribute__((warn_unused_result)) int spool_remove_staged(const struct spool *spool, const char *name);

void spool_release(struct spool_file *file); /* closes: the queue may take it */
void spool_unlink(struct spool_file *file);  /* after commit: it was never acknowledged */
void spool_abort(struct spool_file *file);   /* before commit; harmless when none is open */
void spool_file_free(struct spool_file *file);

/* Makes the message NAME of new/ durable: for whoever meets -EEXIST and finishes what a process before it began. */
__attribute__((warn_unused_result)) int spool_sync(const struct spool *spool, const char *name);

/*
 * Reads the envelope of the message in FD (any offset, kept). TEXT (bound: ENVELOPE_MAX) receives the octets that *out
 * points into. -EBADMSG with *why when it is not a message of ours; -ENOMEM when TEXT can't hold it.
 */
__attribute__((warn_unused_result)) int spool_read_envelope(int fd, struct str *text, struct arena *arena,
							    struct envelope *out, const char **why);

/* Takes the flock of FD without waiting: 0, -EWOULDBLOCK or another -errno. */
int spool_lock(int fd);

#endif
