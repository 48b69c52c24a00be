/*
 * Being a good daemon: leave the terminal, tell the one who waits how the start went, log to syslog, be the only one.
 */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdbool.h>

/*
 * Forks; returns in the child, which leads a session of its own, with the descriptor on which daemon_report ends the
 * wait of the process that was started. That one prints what comes and exits with the status told; it never returns. -1
 * when there can be no fork.
 */
int daemon_detach(void);

/* Tells the waiting process TEXT for its stderr and its exit STATUS; closes *report_fd. Harmless when that is -1. */
void daemon_report(int *report_fd, int status, const char *text);

/*
 * Descriptor 2 becomes a datagram socket to syslog, which children inherit. Connecting the same socket again serves
 * them too: a syslog daemon that was restarted is found by daemon_log_again. False: there is no syslog, all as it was.
 */
bool daemon_log_to_syslog(void);
void daemon_log_again(void);

/*
 * Makes RUN_DIR/mailrootd.pid and locks it for as long as the returned descriptor lives; -EWOULDBLOCK when another
 * mailrootd has it, its pid in *OTHER (0 = unknown); -EMEDIUMTYPE when it is a link or no regular file. Waits a moment
 * for one that is just being killed.
 */
int daemon_lock(const char *run_dir, int *other);

#endif
