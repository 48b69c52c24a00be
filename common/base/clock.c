#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DIGITS = 10, BACK_OFF_FIRST_MS = 10, BACK_OFF_LONGEST_MS = 1000 };
static const int64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z: all forms have four digits of year */

static int64_t read_clock(clockid_t which)
{
	struct timespec now;
	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

void clock_back_off(int *pause_ms)
{
	int ms = *pause_ms ? 2 * *pause_ms : BACK_OFF_FIRST_MS;
	*pause_ms = ms < BACK_OFF_LONGEST_MS ? ms : BACK_OFF_LONGEST_MS;
	struct timespec pause = {.tv_sec = *pause_ms / 1000, .tv_nsec = *pause_ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
}

static time_t to_seconds(int64_t wall_ms)
{
	int64_t seconds = wall_ms < 0 ? 0 : wall_ms / 1000;
	return (time_t)(seconds > last_second ? last_second : seconds);
}

void clock_rfc5322(int64_t wall_ms, char *to)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = to_seconds(wall_ms);
	struct tm tm;
	localtime_r(&seconds, &tm);
	int offset = (int)(tm.tm_gmtoff / 60);
	int minutes = offset < 0 ? -offset : offset;
	snprintf(to, CLOCK_TEXT_MAX, "%.3s, %02d %.3s %04d %02d:%02d:%02d %c%02d%02d", days + tm.tm_wday * 3,
		 tm.tm_mday, months + tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 offset < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}

void clock_iso(int64_t wall_ms, char *to)
{
	time_t seconds = to_seconds(wall_ms);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	snprintf(to, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The number of LEN digits at AT. */
static int number_at(const char *at, size_t len)
{
	int value = 0;
	for (size_t i = 0; i < len; i++)
		value = value * DIGITS + (at[i] - '0');
	return value;
}

bool clock_iso_parse(struct span text, int64_t *wall_ms)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	if (text.len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool digit = text.at[i] >= '0' && text.at[i] <= '9';
		if (shape[i] == 'd' ? !digit : text.at[i] != shape[i])
			return false;
	}
	struct tm tm = {
		.tm_year = number_at(text.at, 4) - 1900,
		.tm_mon = number_at(text.at + 5, 2) - 1,
		.tm_mday = number_at(text.at + 8, 2),
		.tm_hour = number_at(text.at + 11, 2),
		.tm_min = number_at(text.at + 14, 2),
		.tm_sec = number_at(text.at + 17, 2),
	};
	int64_t result = (int64_t)timegm(&tm) * 1000;
	/* timegm takes 31 February as 3 March; a date that does not come back unchanged is invalid. */
	char again[CLOCK_TEXT_MAX];
	clock_iso(result, again);
	if (!span_equal(text, span_of(again)))
		return false;
	*wall_ms = result;
	return true;
}

void clock_duration(int64_t ms, char *to)
{
	static const struct {
		char name;
		int64_t seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	int64_t seconds = ms < 0 ? 0 : ms / 1000;
	size_t i = 0;
	while (i < 3 && seconds < units[i].seconds)
		i++;
	int64_t large = seconds / units[i].seconds;
	int64_t small = i < 3 ? seconds % units[i].seconds / units[i + 1].seconds : 0;
	if (small)
		snprintf(to, CLOCK_TEXT_MAX, "%lld%c %lld%c", (long long)large, units[i].name, (long long)small,
			 units[i + 1].name);
	else
		snprintf(to, CLOCK_TEXT_MAX, "%lld%c", (long long)large, units[i].name);
}
