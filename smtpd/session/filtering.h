/*
 * What a session asks its filters (filters.h). Each returns REPLY_NONE or the refusal, for session_say. Without filters
 * each costs a comparison.
 */
#ifndef SMTPD_SESSION_FILTERING_H
#define SMTPD_SESSION_FILTERING_H

#include "smtpd/session/session.h"

/* Before the greeting, and after a hello. A refusal ends the session. */
enum reply_id filtering_connect(struct session *s);
enum reply_id filtering_hello(struct session *s);

/* After our own checks, before SENDER or RCPT is taken. */
enum reply_id filtering_mail(struct session *s, const struct address *sender);
enum reply_id filtering_rcpt(struct session *s, const struct address *rcpt);

/*
 * RCPT is dealt with, and the reply is at offset BEFORE of s->out. Some filters want to see recipients that were
 * refused, too. If a filter or an order to stop ends the session there, 421 follows the reply.
 */
void filtering_rcpt_over(struct session *s, const struct address *rcpt, size_t before);

/* Before the text of the message. */
enum reply_id filtering_data(struct session *s);

/* After a command that we don't know. */
enum reply_id filtering_unknown(struct session *s);

/* The text is complete in the store; it may be another one afterwards. *MESSAGE is filled with what it is then. */
enum reply_id filtering_message(struct session *s, struct content_message *message);

/* Whether a filter has discarded the message: the client gets 250, and no recipient gets the message. */
bool filtering_discards(const struct session *s);

/* The filter that refuses with reply ID; NULL = none does. */
const char *filtering_name(const struct session *s, enum reply_id id);

/* Appends the filter's own reply, REPLY_FILTER_REPLY. ENHANCED: with its enhanced status code. */
void filtering_append_reply(struct session *s, bool enhanced);

#endif
