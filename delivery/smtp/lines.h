/*
 * The lines of a dialogue over the client's connection: commands out, replies in. A send that failed ends it at once:
 * the next read takes what the host has said before (one that refused and closed makes sending fail, too) and waits for
 * nothing.
 */
#ifndef DELIVERY_SMTP_LINES_H
#define DELIVERY_SMTP_LINES_H

#include "delivery/smtp/client.h"

/* Sends what the dialogue has to say, and tells the transcript, which never sees a secret. */
void lines_send(struct client *c);

/* A send over the connection failed with ERR. */
void lines_unsent(struct client *c, int err);

/* The next line of the host, or its end, into the dialogue. */
enum dialogue_next lines_read(struct client *c);

#endif
