/*
 * One text of a message that is being written: its file in new/, and its end that is not in the file yet. A part of
 * spool.h, which has the rules. Functions return 0 or -errno.
 */
#ifndef COMMON_SPOOL_SPOOL_TEXT_H
#define COMMON_SPOOL_SPOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mail/msgid.h"

struct spool;

enum {
	SPOOL_BUFFER = 64 * 1024, /* octets; a 4 KiB message is one write */
	SPOOL_MODE = 0644         /* of each file: the parent folders decide who can read it */
};

struct spool_text {
	int fd;                     /* -1 = no file yet */
	char hidden[MSGID_LEN + 1]; /* the file is new/.HIDDEN and must be unlinked on abort; "" = it has no name */
	uint64_t size;              /* octets written or buffered */
	bool eight_bit;             /* an octet above 127 was written to the file; the name shows it */
	char *buffer;               /* SPOOL_BUFFER octets, owned; kept between messages, freed by spool_file_free */
	size_t buffered;
};

/* Makes *text, of which no file is open, an empty text. -ENOMEM: there is no buffer. */
__attribute__((warn_unused_result)) int spool_text_begin(struct spool_text *text);

/*
 * Opens its file, which has no name or is new/.ID and locked. After an error nothing is left of the file.
 * -EWOULDBLOCK: a scan had the lock first and removes the file.
 */
__attribute__((warn_unused_result)) int spool_text_open(const struct spool *spool, const char *id,
							struct spool_text *text);

/* Octets that are in the file; those of the buffer follow. */
uint64_t spool_text_in_file(const struct spool_text *text);

/* Reads at most SIZE octets from offset AT. *got is 0 only at the end. -EIO: the file is shorter than what was written.
 */
__attribute__((warn_unused_result)) int spool_text_read(const struct spool_text *text, uint64_t at, char *to,
							size_t size, size_t *got);

/* Locks the file and gives it its name in new/. */
__attribute__((warn_unused_result)) int spool_text_name(const struct spool *spool, struct spool_text *text,
							const char *name);

/* Closes the file, and unlinks new/.HIDDEN. Harmless when none is open. */
void spool_text_drop(const struct spool *spool, struct spool_text *text);

#endif
