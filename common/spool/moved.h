/*
 * The folder moved/ of a spool: mail on its way from or to another queue (doc/moving-mail.md). mailrootctl makes what
 * is in it, the queue takes it from there:
 *
 *	moved/.in-N     an import that is being read; removed by the next import
 *	moved/in-N      a whole import: the queue moves its mail to cur/ and its list to done-N
 *	moved/out-N     mail that an export takes out of the queue, locked. Unlocked = the export has ended before its
 *	                archive was whole: the queue takes the mail back
 *	moved/sent-N    mail whose copy in the archive is safe; removed by the export, or when it is repeated
 *	moved/done-N    the `list` of an import: for MOVED_DAYS the same mail is not imported again
 *
 * Each folder has message files and journals, named as in cur/. N are 16 hexadecimal digits. The next import removes
 * empty folders.
 */
#ifndef COMMON_SPOOL_MOVED_H
#define COMMON_SPOOL_MOVED_H

#define MOVED_FOLDER  "moved"
#define MOVED_READING ".in-"
#define MOVED_IN      "in-"
#define MOVED_OUT     "out-"
#define MOVED_SENT    "sent-"
#define MOVED_DONE    "done-"
#define MOVED_LIST    "list" /* ids that the messages had before, sorted, one a line of MOVED_LINE octets */

enum { MOVED_NAME_MAX = 24, MOVED_LINE = 25, MOVED_DAYS = 90 };

#endif
