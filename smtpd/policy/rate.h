/*
 * A counter that leaks: N events in a period, as the settings of `client` say. Pure; one word, so that workers can
 * share it. The word is the time at which the counter will be empty: each event moves it on by PERIOD/N, and an event
 * fits while the counter is no more than PERIOD ahead. So N events may come at once, and each PERIOD/N makes room for
 * one more.
 */
#ifndef SMTPD_POLICY_RATE_H
#define SMTPD_POLICY_RATE_H

#include "common/config/config.h"

/* Of LIMIT, in any number of words: another value means that the limit is another one, and its counter starts anew. */
uint64_t rate_mark(const struct config_rate *limit);

/*
 * How many milliseconds from MONO_MS on N more events do not fit into the counter WORD (0 = empty). 0 = they fit now,
 * or LIMIT is none. More events than LIMIT fit into an empty counter, since otherwise they would never fit.
 */
int64_t rate_wait_ms(uint64_t word, const struct config_rate *limit, uint64_t n, int64_t mono_ms);

/*
 * The counter after N more events, whether they fit or not. It is never more than two periods ahead, so a client waits
 * for a period at most.
 */
uint64_t rate_add(uint64_t word, const struct config_rate *limit, uint64_t n, int64_t mono_ms);

/* How many events are in the counter, rounded up; up to twice the number of LIMIT. 0 when LIMIT is none. */
uint64_t rate_used(uint64_t word, const struct config_rate *limit, int64_t mono_ms);

/* How full the counter is, in percent: 100 = no further event fits, or nearly so; up to 200. 0 when LIMIT is none. */
unsigned rate_percent(uint64_t word, const struct config_rate *limit, int64_t mono_ms);

#endif
