/* The replies to RCPT for what the lists of recipients say. */
#ifndef SMTPD_POLICY_RCPT_REPLY_H
#define SMTPD_POLICY_RCPT_REPLY_H

#include "common/recipients/alias.h"
#include "smtpd/protocol/replies.h"

/* REPLY_NONE when VERDICT accepts. */
enum reply_id rcpt_reply_known(enum known_verdict verdict);

/* REPLY_NONE for EXPANDED. */
enum reply_id rcpt_reply_alias(enum alias_result result);

#endif
