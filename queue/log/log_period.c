#include "queue/log/log_period.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, NUMBER_MAX = 1000000000 };

static const struct {
	const char *by_time, *by_number;
} prefixes[CONFIG_LOG_FORMAT_COUNT] = {
	[CONFIG_LOG_OFF] = {"", ""},        [CONFIG_LOG_W3C] = {"ex", "extend"}, [CONFIG_LOG_IIS] = {"in", "inetsv"},
	[CONFIG_LOG_NCSA] = {"nc", "ncsa"}, [CONFIG_LOG_JSON] = {"js", "json"},
};

/* Longer than any such period, daylight saving time included; 0 = it never ends. */
static const int64_t longer_s[CONFIG_PERIOD_COUNT] = {
	[CONFIG_PERIOD_HOURLY] = 3 * HOUR_S,
	[CONFIG_PERIOD_DAILY] = 27 * HOUR_S,
	[CONFIG_PERIOD_WEEKLY] = 8 * DAY_S,
	[CONFIG_PERIOD_MONTHLY] = 32 * DAY_S,
};

struct log_naming log_period_naming(const struct config_log *log)
{
	return (struct log_naming){log->format, log->period, log->local_time || log->format == CONFIG_LOG_NCSA};
}

/* Sets *tm to the Sunday on or before its day. It counts in UTC, so daylight saving time has no effect. */
static void go_to_sunday(struct tm *tm)
{
	struct tm day = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday - tm->tm_wday};
	time_t seconds = timegm(&day);
	gmtime_r(&seconds, tm);
}

void log_period_name(const struct log_naming *naming, int64_t time_ms, uint64_t number, char *to)
{
	const char *prefix = prefixes[naming->format].by_time;
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	if (naming->local)
		localtime_r(&seconds, &tm);
	else
		gmtime_r(&seconds, &tm);
	if (naming->period.kind == CONFIG_PERIOD_WEEKLY)
		go_to_sunday(&tm);
	int year = tm.tm_year % 100, month = tm.tm_mon + 1, day = tm.tm_mday;
	switch (naming->period.kind) {
	case CONFIG_PERIOD_HOURLY:
		snprintf(to, LOG_PERIOD_NAME_MAX, "%s%02d%02d%02d%02d.log", prefix, year, month, day, tm.tm_hour);
		break;
	case CONFIG_PERIOD_DAILY:
		snprintf(to, LOG_PERIOD_NAME_MAX, "%s%02d%02d%02d.log", prefix, year, month, day);
		break;
	case CONFIG_PERIOD_WEEKLY:
		snprintf(to, LOG_PERIOD_NAME_MAX, "%s%02d%02d%02d.log", prefix, year, month, (day - 1) / 7 + 1);
		break;
	case CONFIG_PERIOD_MONTHLY:
		snprintf(to, LOG_PERIOD_NAME_MAX, "%s%02d%02d.log", prefix, year, month);
		break;
	default:
		snprintf(to, LOG_PERIOD_NAME_MAX, "%s%llu.log", prefixes[naming->format].by_number,
			 (unsigned long long)number);
	}
}

static bool same_name(const struct log_naming *naming, const char *name, int64_t seconds)
{
	char other[LOG_PERIOD_NAME_MAX];
	log_period_name(naming, seconds * 1000, 0, other);
	return strcmp(name, other) == 0;
}

int64_t log_period_end(const struct log_naming *naming, int64_t time_ms)
{
	char name[LOG_PERIOD_NAME_MAX];
	int64_t inside = time_ms / 1000, outside = inside + longer_s[naming->period.kind];
	if (inside == outside)
		return INT64_MAX;
	log_period_name(naming, time_ms, 0, name);
	while (outside - inside > 1) {
		int64_t middle = inside + (outside - inside) / 2;
		if (same_name(naming, name, middle))
			inside = middle;
		else
			outside = middle;
	}
	return outside * 1000;
}

uint64_t log_period_number(const struct log_naming *naming, struct span name)
{
	struct span prefix = span_of(prefixes[naming->format].by_number);
	uint64_t number;
	if (!span_starts(name, prefix) || !span_ends_nocase(name, SPAN(".log")))
		return 0;
	struct span digits = {name.at + prefix.len, name.len - prefix.len - (sizeof(".log") - 1)};
	return span_to_u64(digits, NUMBER_MAX, &number) ? number : 0;
}
