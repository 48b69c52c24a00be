/*
 * When a message is tried again, and when it expires. Pure. Durations are milliseconds. Times of the wall clock come
 * only from the disk (the message id, the mtime of the journal). The retry ladder bounds what such a time can cause, so
 * a clock that jumps does no harm.
 */
#ifndef QUEUE_RULES_SCHEDULE_H
#define QUEUE_RULES_SCHEDULE_H

#include "common/config/config.h"

/* The age of message ID; 0 when the clock puts its arrival in the future. */
int64_t schedule_age(const char *id, int64_t wall_ms);

/* The age at which mail for a drop folder (LOCAL) or for other hosts expires, and at which a delay notice is due. */
int64_t schedule_expire(const struct config_delivery *delivery, bool local);
int64_t schedule_notice(const struct config_delivery *delivery, bool local);

/* The wait after failed attempt number ATTEMPTS (1 = the first). */
int64_t schedule_delay(const struct config_durations *ladder, unsigned attempts);

/*
 * As schedule_delay for a message of age AGE_MS, but a wait never leads past the ages NOTICE and EXPIRE: one attempt is
 * made when a delay notice is due, and the last one when the message expires.
 */
int64_t schedule_delay_until(const struct config_durations *ladder, unsigned attempts, int64_t age_ms, int64_t notice,
			     int64_t expire);

/*
 * The wait until WRITTEN_WALL_MS: between 0 and the longest step of the ladder. A longer wait could only come from a
 * clock that was set back.
 */
int64_t schedule_remaining(const struct config_durations *ladder, int64_t written_wall_ms, int64_t wall_ms);

/*
 * True when a message has expired, or a delay notice is due: it has reached the age LIMIT, and at least half of the
 * attempts that the ladder makes in that time have failed. The second condition keeps mail that was hardly tried from
 * being returned after the clock was set forward or Mailroot was down for long.
 */
bool schedule_over(const struct config_durations *ladder, int64_t limit, int64_t age_ms, unsigned attempts);

/* The longest back-off of a next hop that is down: never longer than the first step of the ladder. */
int64_t schedule_down_max(const struct config_durations *ladder);

#endif
