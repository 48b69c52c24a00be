/*
 * The NCSA common log file format, as IIS and Mailroot write it; local time. Pure.
 *
 *	192.0.2.7 - printer [11/Oct/2006:13:16:41 -0600] "RCPT -?+TO:<pam@example.com> SMTP" 250 32
 *	192.0.2.7 - printer [11/Oct/2006:13:16:41 -0600] "RCPT TO:<pam@example.com> SMTP" 250 32
 */
#ifndef CTL_REPLAY_NCSALOG_H
#define CTL_REPLAY_NCSALOG_H

#include "ctl/replay/row.h"

/* Whether LINE may be one of this format. */
bool ncsalog_likely(struct span line);

/* False with *why. The spans point into LINE. */
bool ncsalog_row(struct span line, struct row *out, const char **why);

#endif
