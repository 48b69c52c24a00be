/*
 * Replaces processes for changes that a running process can't take. A new smtpd starts beside the old one, which
 * accepts until the new one is ready. Then the old one finishes its sessions, following each reload meanwhile, and
 * ends: no session is dropped. Any other child is told to stop, and started again when it is gone. That loses nothing,
 * because all of them may die at any moment.
 */
#ifndef MASTER_RENEW_H
#define MASTER_RENEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/process/child.h"

struct server;

/*
 * Replaces ROLES, a set of (1 << role), by processes with the new configuration of SERVER. The queue is told first that
 * its helpers are leaving, and then of the new configuration.
 */
void renew_ask(struct server *server, unsigned roles, int64_t now_ms);

/*
 * Replaces every process, because the program is another one. Deliveries under way finish. The queue waits a moment for
 * their verdicts; its successor reads those that come later.
 */
void renew_all(struct server *server, int64_t now_ms);

/*
 * Does what is due. Milliseconds until the next task, -1 = none. If new listeners can't be opened, the server has
 * trouble and tries again; meanwhile nothing changes.
 */
int64_t renew_tend(struct server *server, int64_t now_ms);

/* The newest smtpd is ready: older ones retire, and listeners that are no longer wanted close. */
void renew_ready(struct server *server);

/* All smtpds stop accepting and finish their sessions; the listeners close. */
void renew_retire_all(struct server *server);

/*
 * Turns the process of ROLE, if there is one, into an older one, so that its slot is free. False: there are too many.
 */
bool renew_set_aside(struct server *server, enum child_role role);

#endif
