/*
 * New processes for what a process can't change while it lives. A new smtpd starts beside the old one, which goes on
 * accepting until the new one is ready, then finishes its sessions, obeying each reload meanwhile, and goes: no session
 * is dropped. Any other child is told to stop, and started anew when it is gone: nothing is lost by that, as all of
 * them may die at any moment.
 */
#ifndef MASTER_RENEW_H
#define MASTER_RENEW_H

#include <stdbool.h>
#include <stdint.h>

struct server;

/*
 * ROLES, a set of (1 << role), are to be replaced by processes that know the configuration of SERVER. The queue hears
 * at once that those it works with go, before it can hear of the new configuration.
 */
void renew_ask(struct server *server, unsigned roles, int64_t now_ms);

/*
 * What is due; milliseconds until the next, -1 = none. New listeners that can't be opened are trouble of the server,
 * tried again, and all stays as it was meanwhile.
 */
int64_t renew_tend(struct server *server, int64_t now_ms);

/* The newest smtpd is ready: those before it retire, and listeners that are no longer wanted close. */
void renew_ready(struct server *server);

/* All smtpds stop accepting and finish their sessions; the listeners close. */
void renew_retire_all(struct server *server);

/* The smtpd, if there is a process, becomes an older one, and its place is free. False when there are too many. */
bool renew_set_aside(struct server *server);

#endif
