/*
 * Output of commands that systemd units run (`systemctl reload`): the journal takes <3> in front of a line for an
 * error.
 */
#ifndef CTL_JOURNAL_H
#define CTL_JOURNAL_H

/* The prefix of each error line on FD: "<3>" where the journal reads it, else "". */
const char *journal_mark(int fd);

#endif
