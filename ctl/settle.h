/* Waits for the processes of a service after a reload, and reports whether all renewed ones came up. */
#ifndef CTL_SETTLE_H
#define CTL_SETTLE_H

#include "ctl/service.h"

enum {
	SETTLE_MS = 15000,
	SETTLE_RESTART_MS = 3000 /* a process that keeps dying is restarted for ever */
};

/*
 * Waits until no process is starting any more, at most SETTLE_MS, and appends the problems, one line each. False: a
 * process does not run that should, and the lines say which and why.
 */
bool settle_wait(const char *run_dir, struct str *to);

/* Whether a process is starting or ending after WAITED_MS. Pure. */
bool settle_busy(const struct service *service, int64_t waited_ms);

/* Whether the previous smtpd goes on serving because the new one does not start. Pure. */
bool settle_goes_on(const struct service_server *server);

/* The lines for the present state of a service; false as above. Pure. */
bool settle_tell(const struct service *service, struct str *to);

#endif
