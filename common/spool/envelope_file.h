/* Reads the envelope lines of a message file. common/mail/envelope.h has their format. */
#ifndef COMMON_SPOOL_ENVELOPE_FILE_H
#define COMMON_SPOOL_ENVELOPE_FILE_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/mail/envelope.h"

/*
 * Reads the envelope of the message in FD (its offset does not matter, and does not change). TEXT (limit: ENVELOPE_MAX)
 * receives the octets that *out points into. -EBADMSG with *why when it is no message of Mailroot; -ENOMEM when TEXT
 * can't hold it.
 */
__attribute__((warn_unused_result)) int envelope_file_read(int fd, struct str *text, struct arena *arena,
							   struct envelope *out, const char **why);

#endif
