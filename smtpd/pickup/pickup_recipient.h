/* Takes the recipients of a file, as RCPT would: with the default domain, without alias domains, aliases expanded. */
#ifndef SMTPD_PICKUP_PICKUP_RECIPIENT_H
#define SMTPD_PICKUP_PICKUP_RECIPIENT_H

#include "smtpd/pickup/pickup_file.h"

/* For submission.take; CONTEXT is the struct pickup_file. Adds RCPT, or the members of that alias, to its rcpts. */
enum submission_taken pickup_recipient_take(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn);

#endif
