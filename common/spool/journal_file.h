/* Reading the journal file of a message. The format of its lines: common/mail/journal.h. */
#ifndef COMMON_SPOOL_JOURNAL_FILE_H
#define COMMON_SPOOL_JOURNAL_FILE_H

#include "common/base/span.h"

enum { JOURNAL_FILE_MAX = 64 << 20 }; /* octets: 5,000 recipients with a line each for ten attempts */

/*
 * Gives the whole lines of the journal FD to TAKE, some at a time, from its beginning; FD's offset stays. A torn tail
 * and a line beyond any bound do not count. 0, -EFBIG beyond JOURNAL_FILE_MAX, or -errno: an error of reading is not
 * the end of the journal, and what TAKE got until then is not all.
 */
__attribute__((warn_unused_result)) int journal_file_read(int fd, void (*take)(void *context, struct span lines),
							  void *context);

#endif
