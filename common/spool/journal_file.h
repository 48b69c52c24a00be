/* Reads the journal file of a message. common/mail/journal.h has the format of its lines. */
#ifndef COMMON_SPOOL_JOURNAL_FILE_H
#define COMMON_SPOOL_JOURNAL_FILE_H

#include "common/base/span.h"

enum { JOURNAL_FILE_MAX = 64 << 20 }; /* octets: 5,000 recipients with a line each for ten attempts */

/*
 * Passes the complete lines of the journal FD to TAKE, in pieces, from its beginning; FD's offset does not change. A
 * torn tail and a line beyond any limit are skipped. 0, -EFBIG beyond JOURNAL_FILE_MAX, or -errno: after a read error
 * what TAKE has got is incomplete.
 */
__attribute__((warn_unused_result)) int journal_file_read(int fd, void (*take)(void *context, struct span lines),
							  void *context);

#endif
