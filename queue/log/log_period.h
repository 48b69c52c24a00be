/*
 * The file that a time belongs to. Its name is that of the Windows service. A name stands for a period, so the period
 * ends at the first time that has another name; this is right for months, leap days and daylight saving time. Pure,
 * except for the time zone of tzset().
 *
 *	            w3c            iis            ncsa           json
 *	hourly      exYYMMDDHH     inYYMMDDHH     ncYYMMDDHH     jsYYMMDDHH
 *	daily       exYYMMDD       inYYMMDD       ncYYMMDD       jsYYMMDD
 *	weekly      exYYMMWW       inYYMMWW       ncYYMMWW       jsYYMMWW
 *	monthly     exYYMM         inYYMM         ncYYMM         jsYYMM
 *	unlimited   extend1        inetsv1        ncsa1          json1
 *	size        extendN        inetsvN        ncsaN          jsonN
 *
 * A week begins on Sunday. WW counts the Sundays of the month, 01 to 05. N counts from 1.
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

/* The naming that LOG asks for. NCSA always uses local time. */
struct log_naming log_period_naming(const struct config_log *log);

/* The name of the file for TIME_MS, or of file NUMBER if files are numbered. TO has LOG_PERIOD_NAME_MAX octets. */
void log_period_name(const struct log_naming *naming, int64_t time_ms, uint64_t number, char *to);

/* The first millisecond after TIME_MS that belongs to another file; INT64_MAX if files are numbered. */
int64_t log_period_end(const struct log_naming *naming, int64_t time_ms);

/* The number in NAME if it is the name of a numbered file, otherwise 0. */
uint64_t log_period_number(const struct log_naming *naming, struct span name);

#endif
