#include "ctl/replay/ncsalog.h"

#include <string.h>

#include "common/base/language.h"
#include "ctl/replay/moment.h"

enum { STATUS_MAX = 999 };

/* The date in brackets stands before the first quote; a name in HELO may have brackets, too. */
static bool find_date(struct span line, struct span *before, struct span *date, struct span *after)
{
	const char *close = line.len ? memmem(line.at, line.len, "] \"", 3) : NULL;
	const char *open = close ? memrchr(line.at, '[', (size_t)(close - line.at)) : NULL;
	if (!open)
		return false;
	*before = (struct span){line.at, (size_t)(open - line.at)};
	*date = (struct span){open + 1, (size_t)(close - open) - 1};
	*after = span_skip(line, (size_t)(close - line.at) + 3);
	return true;
}

bool ncsalog_likely(struct span line)
{
	struct span before, date, after;
	return find_date(line, &before, &date, &after);
}

/* "11/Oct/2006:13:16:41 -0600" */
static bool take_date(struct span text, int64_t *out)
{
	struct span day = span_take(&text, '/'), month = span_take(&text, '/'), year = span_take(&text, ':');
	uint64_t d, y;
	int64_t time_s;
	if (!span_to_u64(day, 31, &d) || !span_to_u64(year, 9999, &y) || !moment_time(span_take(&text, ' '), &time_s) ||
	    !moment_day(y, moment_month(month), d, out))
		return false;
	*out += time_s;
	return true;
}

/* "RCPT -?+TO:<a@b> SMTP" or "RCPT TO:<a@b> SMTP" */
static void take_request(struct span text, struct row *out)
{
	if (span_ends_nocase(text, SPAN(" SMTP")))
		text.len -= 5;
	out->verb = row_value(span_take(&text, ' '));
	out->plus = span_starts(text, SPAN("-?"));
	out->rest = row_value(out->plus ? span_skip(text, 2) : text);
}

bool ncsalog_row(struct span line, struct row *out, const char **why)
{
	struct span before, date, after;
	uint64_t status = 0;
	*out = (struct row){.octets = ROW_NO_OCTETS};
	*why = N_("not a row of any format that IIS wrote");
	if (!find_date(line, &before, &date, &after))
		return false;
	*why = N_("it does not begin with an address");
	if (!ipaddr_parse(span_take(&before, ' '), &out->client))
		return false;
	span_take(&before, ' '); /* the user of RFC 1413, which is never there */
	out->name = row_value(before);
	*why = N_("the text in brackets is not a date");
	if (!take_date(date, &out->time_s))
		return false;
	const char *quote = after.len ? memrchr(after.at, '"', after.len) : NULL;
	*why = N_("the second quote is missing");
	if (!quote)
		return false;
	take_request((struct span){after.at, (size_t)(quote - after.at)}, out);
	struct span numbers = span_trim(span_skip(after, (size_t)(quote - after.at) + 1));
	*why = N_("no reply code behind the second quote");
	if (!span_to_u64(span_take_word(&numbers), STATUS_MAX, &status))
		return false;
	out->status = (unsigned)status;
	out->outbound = span_starts_nocase(out->name, SPAN("OutboundConnection"));
	return true;
}
