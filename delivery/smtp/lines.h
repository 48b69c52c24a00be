/*
 * The lines of a dialogue over the client's connection: commands out, replies in. A failed send ends the dialogue: the
 * next read takes what the host sent before (a host that refuses and closes makes the send fail, too) and waits for
 * nothing.
 */
#ifndef DELIVERY_SMTP_LINES_H
#define DELIVERY_SMTP_LINES_H

#include "delivery/smtp/client.h"

/* Sends the dialogue's output, and records it in the transcript, without secrets. */
void lines_send(struct client *c);

/* A send over the connection failed with ERR. */
void lines_unsent(struct client *c, int err);

/* Reads the host's next line, or the end of the connection, into the dialogue. */
enum dialogue_next lines_read(struct client *c);

#endif
