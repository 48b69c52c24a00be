/*
 * When a message is tried again, and when it is given up. Pure. Durations are milliseconds; a moment is of the wall
 * clock only where it was written down (the id, the journal's mtime), and such a moment is never trusted beyond what
 * the ladder allows, so that a clock that jumps does no harm.
 */
#ifndef QUEUE_RULES_SCHEDULE_H
#define QUEUE_RULES_SCHEDULE_H

#include "common/config/config.h"

/* Time since the message was accepted; 0 when the clock says that it comes from the future. */
int64_t schedule_age(const char *id, int64_t wall_ms);

/* At which age mail for a drop folder (LOCAL) or for other hosts is given up, and its sender told of the delay. */
int64_t schedule_expire(const struct config_delivery *delivery, bool local);
int64_t schedule_notice(const struct config_delivery *delivery, bool local);

/* How long to wait after failed attempt number ATTEMPTS (1 = the first). */
int64_t schedule_delay(const struct config_durations *ladder, unsigned attempts);

/*
 * As schedule_delay, but a wait that leads past NOTICE or EXPIRE (ages) ends there: an attempt is made when it is time
 * to tell the sender of the delay, and the last one when the time is over.
 */
int64_t schedule_delay_until(const struct config_durations *ladder, unsigned attempts, int64_t age_ms, int64_t notice,
			     int64_t expire);

/*
 * What is left to wait until WRITTEN, a moment of the wall clock: between 0 and the longest step of the ladder. A
 * longer wait can only come from a clock that was set back.
 */
int64_t schedule_remaining(const struct config_durations *ladder, int64_t written_wall_ms, int64_t wall_ms);

/*
 * Whether the time LIMIT of a message is over after ATTEMPTS failed ones: to give it up, or to tell its sender that it
 * is delayed. Besides its age it needs half of the attempts that the ladder makes in that time: neither a clock set
 * forward nor a long outage of our own returns mail that was hardly tried.
 */
bool schedule_over(const struct config_durations *ladder, int64_t limit, int64_t age_ms, unsigned attempts);

/* How long a next hop that can't be reached is left alone, at most: no longer than a message waits the first time. */
int64_t schedule_down_max(const struct config_durations *ladder);

#endif
