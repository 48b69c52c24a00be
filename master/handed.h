/*
 * Listening sockets that were handed to this process at its start: those of a socket unit of systemd, which opens ports
 * below 1024 so that master need not be root (LISTEN_FDS, sd_listen_fds(3)).
 *
 * They stay open, and in the environment, for the life of master: a virtual server that closes its listener may want it
 * again, and so does a program that takes the place of this one by execve. Nothing may shut them down, because init
 * holds them, too.
 */
#ifndef MASTER_HANDED_H
#define MASTER_HANDED_H

#include "common/mail/cidr.h"

enum { HANDED_MAX = 512 };

/* Looks at the environment. What is no TCP listener of one family is logged and left alone. */
void handed_open(void);

/* Whether there is one. */
bool handed_any(void);

/* A duplicate of the one at IP (0.0.0.0, :: = every address) and PORT, non-blocking; -ENOENT: there is none. */
int handed_take(const struct ipaddr *ip, uint16_t port);

/* The one at IP and PORT, if there is one, is in use: the program before an upgrade has taken it. */
void handed_used(const struct ipaddr *ip, uint16_t port);

/* Whether there is one at IP and PORT. */
bool handed_has(const struct ipaddr *ip, uint16_t port);

/* Logs those that nothing has taken yet: no `listen` names them. */
void handed_report_idle(void);

#endif
