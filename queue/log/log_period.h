/*
 * Which file a moment belongs to: names as the Windows service gave them. The name is the period, so its end is the
 * first moment with another name, whatever months, leap days and summer time do. Pure, but for the time zone of
 * tzset().
 *
 *	            w3c            iis            ncsa           json
 *	hourly      exYYMMDDHH     inYYMMDDHH     ncYYMMDDHH     jsYYMMDDHH
 *	daily       exYYMMDD       inYYMMDD       ncYYMMDD       jsYYMMDD
 *	weekly      exYYMMWW       inYYMMWW       ncYYMMWW       jsYYMMWW
 *	monthly     exYYMM         inYYMM         ncYYMM         jsYYMM
 *	unlimited   extend1        inetsv1        ncsa1          json1
 *	size        extendN        inetsvN        ncsaN          jsonN
 *
 * A week begins with Sunday, and WW counts the Sundays of its month, 01 to 05; N counts from 1.
 */
#ifndef QUEUE_LOG_LOG_PERIOD_H
#define QUEUE_LOG_LOG_PERIOD_H

#include "common/config/config.h"

enum { LOG_PERIOD_NAME_MAX = 40 };

struct log_naming {
	enum config_log_format format; /* not CONFIG_LOG_OFF */
	struct config_period period;
	bool local; /* local time instead of UTC */
};

/* As LOG says; NCSA goes by local time always. */
struct log_naming log_period_naming(const struct config_log *log);

/* The name of the file for TIME_MS, or the NUMBERth one where files are numbered; TO holds LOG_PERIOD_NAME_MAX. */
void log_period_name(const struct log_naming *naming, int64_t time_ms, uint64_t number, char *to);

/* The first millisecond after TIME_MS that belongs to another file; INT64_MAX where files are numbered. */
int64_t log_period_end(const struct log_naming *naming, int64_t time_ms);

/* The number in NAME where it is the name of a numbered file; 0 otherwise. */
uint64_t log_period_number(const struct log_naming *naming, struct span name);

#endif
