/*
 * The two clocks, and dates in the formats of mail. Decisions take times as arguments; only the edges call clock_*_ms.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include "common/base/span.h"

/* Milliseconds of CLOCK_MONOTONIC: for deadlines. */
int64_t clock_mono_ms(void);

/* Milliseconds since 1970 UTC: for timestamps. */
int64_t clock_wall_ms(void);

/* Sleeps before a retry: 10 ms if *PAUSE_MS is 0, then twice as long each time, up to a second. */
void clock_back_off(int *pause_ms);

/* The sooner of two times, or of two waits; a negative one = never. */
int64_t clock_sooner(int64_t a, int64_t b);

enum { CLOCK_TEXT_MAX = 48 };

/*
 * Writes "Sat, 21 Nov 2026 10:00:00 +0900" (RFC 5322 3.3), local time; TO holds CLOCK_TEXT_MAX octets. tzset() must be
 * called before a jail to read the time zone.
 */
void clock_rfc5322(int64_t wall_ms, char *to);

/* "2026-11-21T01:00:00Z"; TO holds CLOCK_TEXT_MAX octets. */
void clock_iso(int64_t wall_ms, char *to);

/* Parses exactly what clock_iso writes, years 1970 to 9999. */
bool clock_iso_parse(struct span text, int64_t *wall_ms);

/* "15m", "2d", "1h 5m", "30s": at most two units, for messages; TO holds CLOCK_TEXT_MAX octets. */
void clock_duration(int64_t ms, char *to);

#endif
