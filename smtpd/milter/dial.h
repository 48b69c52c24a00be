/*
 * Asks mailroot-filters for a connection to a filter. It connects, which the jail of smtpd does not permit, and hands
 * the socket over.
 */
#ifndef SMTPD_MILTER_DIAL_H
#define SMTPD_MILTER_DIAL_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIAL_OURS = EBUSY, /* errno of a failure inside Mailroot: the filter has no fault */
	DIAL_WHY_MAX = 400,
	DIAL_MARGIN_MS = 1000 /* a caller waits longer than `timeout connect` by this, so that the reason arrives */
};

/* How an order to stop ends the wait: a signal handler sets *ORDERED, and shuts *WAITING_FD for reading unless it is
 * -1.
 */
struct dial_stop {
	volatile sig_atomic_t *ordered, *waiting_fd;
};

/*
 * Asks on LINK (CHILD_FD_FILTERS) for a connection to the filter NAME of this virtual server, and waits until UNTIL
 * (clock_mono_ms). Returns a connected stream socket that does not block, which the caller closes; or -errno, with the
 * reason and its remedy at WHY of SIZE octets (DIAL_WHY_MAX + 1 are enough). -DIAL_OURS: mailroot-filters did not
 * answer, is too busy, has no resources, or does not know the filter yet or any more. -ECANCELED: STOP, which may be
 * NULL, ended the wait. While the filter is known to be down, the answer comes at once.
 */
__attribute__((warn_unused_result)) int dial_filter(int link, const char *name, int64_t until,
						    const struct dial_stop *stop, char *why, size_t size);

/* Tells mailroot-filters on LINK that the filter NAME did not answer in time: it finds out whether the filter hangs. */
void dial_doubt(int link, const char *name);

#endif
