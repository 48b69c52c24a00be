/* How a dialogue ends: what its replies mean for recipients, and QUIT. For dialogue.c and greeting.c. */
#ifndef DELIVERY_SMTP_ENDING_H
#define DELIVERY_SMTP_ENDING_H

#include "delivery/smtp/dialogue.h"

/*
 * What REPLY means for a recipient. The class decides, even if the enhanced code contradicts it; but a 5xx reply that
 * will pass (refusal.h) delays. Borrows REPLY.
 */
struct outcome ending_outcome(const struct dialogue *d, const struct reply *reply);

/*
 * What REPLY means when the host does not accept us: it says nothing about the message, so the message waits. 4.7.8
 * when REPLY requires authentication or TLS: the queue then knows that retries do not help until the configuration
 * changes. Borrows REPLY.
 */
struct outcome ending_unwanted(const struct dialogue *d, const struct reply *reply);

enum { ENDING_QUOTE_MAX = 200 }; /* octets of a host's text when our own text follows */

/* Appends "550 5.7.1 go away", with at most MAX octets of its text. */
void ending_quote(struct str *to, const struct reply *reply, size_t max);

/*
 * The same for a REPLY that requires authentication or TLS (refusal.h), with advice. Writes the text to TEXT, which has
 * room for 2 * REPLY_TEXT_MAX and is borrowed.
 */
struct outcome ending_unproved(const struct dialogue *d, const struct reply *reply, struct str *text);

/* Closes the connection. Decides only for recipients whose message may have been handed over. */
enum dialogue_next ending_hang_up(struct dialogue *d, struct outcome outcome);

/* The same after QUIT. */
enum dialogue_next ending_quit(struct dialogue *d, struct outcome outcome);

/*
 * REPLY is of a class that is no valid answer to the command: the connection counts as lost, with a text that says so.
 */
enum dialogue_next ending_out_of_order(struct dialogue *d, const struct reply *reply);

#endif
