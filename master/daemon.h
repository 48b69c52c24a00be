/*
 * What a daemon does: detach from the terminal, report the start to the starting process, log to syslog, run only once.
 */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdbool.h>

/*
 * Forks and returns in the child, which leads a new session, with the descriptor for daemon_report. The parent prints
 * the report and exits with its status; it never returns. -1: fork failed.
 */
int daemon_detach(void);

/* Sends the starting process TEXT for its stderr and its exit STATUS; closes *report_fd. Harmless when that is -1. */
void daemon_report(int *report_fd, int status, const char *text);

/*
 * Makes descriptor 2 a datagram socket to syslog, which children inherit. daemon_log_again connects the same socket
 * again, for the children, too, after a restart of syslog. False: there is no syslog, and nothing changed.
 */
bool daemon_log_to_syslog(void);
void daemon_log_again(void);

/*
 * Makes RUN_DIR/mailrootd.pid and locks it while the returned descriptor is open. -EWOULDBLOCK: another mailrootd holds
 * the lock, its pid is in *OTHER (0 = unknown). -EMEDIUMTYPE: it is a link or no regular file. Waits a moment for a
 * process that is just being killed.
 */
int daemon_lock(const char *run_dir, int *other);

#endif
