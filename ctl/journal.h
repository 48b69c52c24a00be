/* What `systemctl reload` and other units run writes to the journal, which takes <3> in front of a line for an error.
 */
#ifndef CTL_JOURNAL_H
#define CTL_JOURNAL_H

/* What stands before each line of an error written to FD: "<3>" where the journal reads it, else "". */
const char *journal_mark(int fd);

#endif
