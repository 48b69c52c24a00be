/*
 * Session keys of the last GSS_REPLAY_KEYS exchanges, in memory that all workers share. Only hashes are there. A worker
 * that was taken over could spoil it, and then no more than this one protection is lost.
 */
#ifndef SMTPD_AUTH_GSS_REPLAY_H
#define SMTPD_AUTH_GSS_REPLAY_H

#include <stdbool.h>

#include "common/base/span.h"

/* An authenticator is good for five minutes to both sides: 100 log-ins a second would be 60,000. */
enum { GSS_REPLAY_KEYS = 1 << 16 };

struct gss_replay;

/* Before workers are forked. NULL: no memory. */
struct gss_replay *gss_replay_new(void);
void gss_replay_free(struct gss_replay *r);

/* Notes KEY; whether it was there already. Of two processes with the same key at the same time at most one hears no. */
bool gss_replay_seen(struct gss_replay *r, struct span key);

#endif
