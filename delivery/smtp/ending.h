/*
 * How a dialogue ends: what its replies amount to for recipients, and taking leave. For dialogue.c and greeting.c.
 */
#ifndef DELIVERY_SMTP_ENDING_H
#define DELIVERY_SMTP_ENDING_H

#include "delivery/smtp/dialogue.h"

/* What REPLY means for a recipient. The class decides, also over an enhanced code that contradicts it. Borrows REPLY.
 */
struct outcome ending_outcome(const struct dialogue *d, const struct reply *reply);

/* What REPLY means when the host does not take us: nothing about a message, so it waits. 4.7.8 when REPLY asks for
 * authentication or TLS: the queue knows by it that no try helps before that is mended. Borrows REPLY. */
struct outcome ending_unwanted(const struct dialogue *d, const struct reply *reply);

enum { ENDING_QUOTE_MAX = 200 }; /* octets of a host's words where we have some of our own to add */

/* "550 5.7.1 go away", of its text MAX octets. */
void ending_quote(struct str *to, const struct reply *reply, size_t max);

/* The same of REPLY that asks for authentication or TLS (refusal.h), with words that say what is to be done. They are
 * written to TEXT, which has room for 2 * REPLY_TEXT_MAX and is borrowed. */
struct outcome ending_unproved(const struct dialogue *d, const struct reply *reply, struct str *text);

/* Nothing more can be said on this connection. Only what may have been handed over is decided here. */
enum dialogue_next ending_hang_up(struct dialogue *d, struct outcome outcome);

/* The same after a QUIT. */
enum dialogue_next ending_quit(struct dialogue *d, struct outcome outcome);

/* REPLY is of a class that can't be an answer to what was said: the host is lost, with words that say so. */
enum dialogue_next ending_out_of_order(struct dialogue *d, const struct reply *reply);

#endif
