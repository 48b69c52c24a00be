/*
 * Dates and times of logs, in seconds since 1970 as if the clock of the log were UTC: only their differences, and the
 * text that they came from, matter. Pure.
 */
#ifndef CTL_REPLAY_MOMENT_H
#define CTL_REPLAY_MOMENT_H

#include "common/base/span.h"

enum { MOMENT_MINUTE_S = 60, MOMENT_HOUR_S = 3600, MOMENT_DAY_S = 86400, MOMENT_TEXT_MAX = 24 };

/* The midnight of a date; false: there is no such date, or it is before 1970. Years below 100 are those of 1970-2069.
 */
bool moment_day(uint64_t year, uint64_t month, uint64_t day, int64_t *out);

/* "2006-08-18". */
bool moment_iso_day(struct span text, int64_t *out);

/* "13:17:37" as seconds since midnight. */
bool moment_time(struct span text, int64_t *out);

/* "Aug" is 8, in any case; 0 = none. */
unsigned moment_month(struct span text);

/* "ex060818.log", "u_in06081813.log", "nc0608.log": the first moment of the period that the name says. */
bool moment_of_file(const char *path, int64_t *out);

/* "2006-08-18 13:17:37" and "2006-08-18 13h"; "" for a negative time. TO holds MOMENT_TEXT_MAX. */
void moment_format(int64_t time_s, char *to);
void moment_format_hour(int64_t time_s, char *to);

#endif
