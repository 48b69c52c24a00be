/*
 * Session keys of the last GSS_REPLAY_KEYS exchanges, in memory that all workers share. Only their hashes are kept. A
 * worker that was taken over could destroy the table, and with it only this one protection.
 */
#ifndef SMTPD_AUTH_GSS_REPLAY_H
#define SMTPD_AUTH_GSS_REPLAY_H

#include <stdbool.h>

#include "common/base/span.h"

/* An authenticator is valid for five minutes before and after: 100 log-ins a second are 60,000 keys. */
enum { GSS_REPLAY_KEYS = 1 << 16 };

struct gss_replay;

/* Before workers are forked. NULL: no memory. */
struct gss_replay *gss_replay_new(void);
void gss_replay_free(struct gss_replay *r);

/*
 * Notes KEY. Returns whether it was there already. Of two processes with the same key at the same time, at most one
 * gets false.
 */
bool gss_replay_seen(struct gss_replay *r, struct span key);

#endif
