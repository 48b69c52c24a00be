/* What an init that started us wants to know (sd_notify(3)): one datagram, no library. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>

/* Takes NOTIFY_SOCKET out of the environment. Without it notify_send does nothing. */
void notify_open(void);

/* Sends "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1", ... False when nobody takes it. */
bool notify_send(const char *state);

#endif
