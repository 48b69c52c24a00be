#include "ctl/replay/moment.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FIRST_YEAR = 1970, CENTURY = 100, LAST_YEAR = 9999, NAME_DIGITS = 8 };

bool moment_day(uint64_t year, uint64_t month, uint64_t day, int64_t *out)
{
	if (year < CENTURY)
		year += year < FIRST_YEAR % CENTURY ? 2000 : 1900;
	if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	struct tm tm = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
	*out = timegm(&tm);
	return tm.tm_mday == (int)day; /* timegm takes 31 February as 3 March */
}

bool moment_iso_day(struct span text, int64_t *out)
{
	struct span year = span_take(&text, '-'), month = span_take(&text, '-');
	uint64_t y, m, d;
	return year.len == 4 && span_to_u64(year, LAST_YEAR, &y) && span_to_u64(month, 12, &m) &&
	       span_to_u64(text, 31, &d) && moment_day(y, m, d, out);
}

bool moment_time(struct span text, int64_t *out)
{
	struct span hour = span_take(&text, ':'), minute = span_take(&text, ':');
	uint64_t h, m, s;
	if (!span_to_u64(hour, 23, &h) || !span_to_u64(minute, 59, &m) || !span_to_u64(text, 60, &s))
		return false;
	*out = (int64_t)(h * MOMENT_HOUR_S + m * MOMENT_MINUTE_S + s);
	return true;
}

unsigned moment_month(struct span text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (unsigned i = 0; text.len == 3 && i < 12; i++)
		if (span_equal_nocase(text, (struct span){months + (size_t)i * 3, 3}))
			return i + 1;
	return 0;
}

/* The two digits at DIGITS + AT, or OTHERWISE behind the last one. */
static uint64_t pair(struct span digits, size_t at, uint64_t otherwise)
{
	uint64_t value = otherwise;
	if (at + 2 <= digits.len)
		span_to_u64((struct span){digits.at + at, 2}, 99, &value);
	return value;
}

bool moment_of_file(const char *path, int64_t *out)
{
	const char *slash = strrchr(path, '/');
	struct span name = span_of(slash ? slash + 1 : path), digits = {NULL, 0};
	if (span_starts_nocase(name, SPAN("u_")))
		name = span_skip(name, 2);
	if (!span_starts_nocase(name, SPAN("ex")) && !span_starts_nocase(name, SPAN("in")) &&
	    !span_starts_nocase(name, SPAN("nc")))
		return false;
	digits.at = name.at + 2;
	while (digits.len + 2 < name.len && isdigit((unsigned char)digits.at[digits.len]))
		digits.len++;
	if (digits.len < 4 || digits.len > NAME_DIGITS || digits.len % 2 || name.at[2 + digits.len] != '.')
		return false;
	uint64_t hour = pair(digits, 6, 0);
	if (hour > 23 || !moment_day(pair(digits, 0, 0), pair(digits, 2, 0), pair(digits, 4, 1), out))
		return false;
	*out += (int64_t)hour * MOMENT_HOUR_S;
	return true;
}

static void format(const char *format, int64_t time_s, char *to)
{
	time_t seconds = (time_t)time_s;
	struct tm tm;
	to[0] = '\0';
	if (time_s >= 0 && gmtime_r(&seconds, &tm))
		strftime(to, MOMENT_TEXT_MAX, format, &tm);
}

void moment_format(int64_t time_s, char *to)
{
	format("%Y-%m-%d %H:%M:%S", time_s, to);
}

void moment_format_hour(int64_t time_s, char *to)
{
	format("%Y-%m-%d %Hh", time_s, to);
}
