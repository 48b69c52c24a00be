#include "ctl/replay/iislog.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/base/language.h"
#include "ctl/replay/moment.h"

enum { VALUES = 15, STATUS_MAX = 999, YEAR_MAX = 9999 };
enum { CLIENT = 0, NAME = 1, DATE = 2, TIME = 3, OCTETS = 8, STATUS = 10, VERB = 12, ARGUMENT = 14 };

bool iislog_likely(struct span line)
{
	size_t commas = 0, first = span_find(line, ',');
	for (size_t i = first; i < line.len; i++)
		commas += line.at[i] == ',';
	return commas >= VALUES - 1 && first < span_find(line, ' ');
}

static size_t take_number(struct span *text, uint64_t *out)
{
	size_t len = 0;
	while (len < text->len && isdigit((unsigned char)text->at[len]))
		len++;
	bool good = span_to_u64((struct span){text->at, len}, YEAR_MAX, out);
	*text = span_skip(*text, len + 1);
	return good ? len : 0;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* 8/18/06, 18.08.2006 or 2006/08/18. */
static bool take_date(struct span text, int64_t near_s, int64_t *out)
{
	uint64_t a, b, c;
	int64_t other;
	size_t first = take_number(&text, &a);
	if (!first || !take_number(&text, &b) || !take_number(&text, &c) || text.len)
		return false;
	if (first == 4)
		return moment_day(a, b, c, out);
	bool month_first = moment_day(c, a, b, out), day_first = moment_day(c, b, a, &other);
	if (day_first && (!month_first || (near_s >= 0 && distance(other, near_s) < distance(*out, near_s))))
		*out = other;
	return month_first || day_first;
}

bool iislog_row(struct span line, int64_t day_s, struct row *out, const char **why)
{
	struct span values[VALUES];
	uint64_t octets = 0, status = 0;
	int64_t day, time;
	for (size_t i = 0; i + 1 < VALUES; i++)
		values[i] = row_value(span_take(&line, ','));
	line = span_trim(line); /* the argument may have commas */
	if (line.len && line.at[line.len - 1] == ',')
		line.len--;
	values[ARGUMENT] = row_value(line);
	*out = (struct row){.name = values[NAME], .verb = values[VERB], .rest = values[ARGUMENT]};
	*why = NULL;
	if (!ipaddr_parse(values[CLIENT], &out->client))
		*why = N_("the first value is not an address");
	else if (!take_date(values[DATE], day_s, &day))
		*why = N_("the third value is not a date");
	else if (!moment_time(values[TIME], &time))
		*why = N_("the fourth value is not a time");
	else if (values[OCTETS].len && !span_to_u64(values[OCTETS], INT64_MAX, &octets))
		*why = N_("the ninth value is not a number");
	else if (values[STATUS].len && !span_to_u64(values[STATUS], STATUS_MAX, &status))
		*why = N_("the eleventh value is not a reply code");
	if (*why)
		return false;
	out->time_s = day + time;
	out->octets = values[OCTETS].len ? (int64_t)octets : ROW_NO_OCTETS;
	out->status = (unsigned)status;
	out->outbound = span_starts_nocase(out->name, SPAN("OutboundConnection"));
	return true;
}
