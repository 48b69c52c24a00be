/* What became of the processes of a service after a reload: whether all that it renewed came up. */
#ifndef CTL_SETTLE_H
#define CTL_SETTLE_H

#include "ctl/service.h"

enum {
	SETTLE_MS = 15000,
	SETTLE_RESTART_MS = 3000 /* what keeps dying is started again for ever */
};

/*
 * Waits until no process is starting any more, at most SETTLE_MS, and appends what should be mended, a line each.
 * False: one that should run does not, and the lines say which and why.
 */
bool settle_wait(const char *run_dir, struct str *to);

/* A process is on its way up or down, after so many milliseconds of waiting. Pure. */
bool settle_busy(const struct service *service, int64_t waited_ms);

/* Beside an smtpd that does not start the one before it serves. Pure. */
bool settle_goes_on(const struct service_server *server);

/* The lines for a service that is as it is; false likewise. Pure. */
bool settle_tell(const struct service *service, struct str *to);

#endif
