/*
 * The process that walks the ways (courier.h): it may connect to any host and run the command of the administrator, and
 * it knows nothing but the alert that it is given. The process that watches asks it over a socket, and goes on.
 */
#ifndef CTL_ALERTS_SENDER_H
#define CTL_ALERTS_SENDER_H

#include "ctl/alerts/courier.h"

/*
 * As root: forks the process for CONFIG on the machine HOST, which then becomes `stat_user`. Returns the socket to it.
 * Exits with EXIT_TEMPORARY on a failure.
 */
int sender_start(const struct config *config, const char *host);

/* Gives it ALERT. False: the process has ended. */
bool sender_give(int fd, const struct courier_alert *alert);

/* Takes its answer. 1; 0 = there is none yet; -1 = the process has ended. */
int sender_take(int fd, struct courier_answer *answer);

/* Makes what came from another process safe to use: all texts end, and no number is too large. Pure. */
void sender_bound_alert(struct courier_alert *alert);
void sender_bound_answer(struct courier_answer *answer);

#endif
