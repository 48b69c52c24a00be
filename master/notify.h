/* Notifies an init that waits for the start (sd_notify(3)): one datagram, no library. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>

/* Takes NOTIFY_SOCKET out of the environment. Without it notify_send does nothing. */
void notify_open(void);

/* Sends "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1", ... False: it could not be sent. */
bool notify_send(const char *state);

#endif
