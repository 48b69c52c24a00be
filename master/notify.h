/* Notifies an init that waits for the start (sd_notify(3)): one datagram, no library. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment. Without the first notify_send does nothing. */
void notify_open(void);

/* Puts both back into the environment, for the program that takes over (upgrade.h). */
void notify_hand_on(void);

/* Sends "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1", ... False: it could not be sent. */
bool notify_send(const char *state);

/*
 * Tells init that the loop which calls this turns, if init asks (WatchdogSec of systemd) and it is time: several times
 * in each of its periods. Milliseconds until the next time, -1 = init does not ask.
 */
int64_t notify_alive(int64_t now_ms);

#endif
