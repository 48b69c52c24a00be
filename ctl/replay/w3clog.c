#include "ctl/replay/w3clog.h"

#include <string.h>

#include "common/base/language.h"
#include "ctl/replay/moment.h"

enum { STATUS_MAX = 999, HALF_DAY_S = MOMENT_DAY_S / 2 };

enum column { OTHER, DATE, TIME, CLIENT, NAME, VERB, ARGUMENT, STATUS, OCTETS, SESSION, COLUMNS };

static const char *const names[COLUMNS] = {
	[DATE] = "date",        [TIME] = "time",       [CLIENT] = "c-ip",
	[NAME] = "cs-username", [VERB] = "cs-method",  [ARGUMENT] = "cs-uri-query",
	[STATUS] = "sc-status", [OCTETS] = "cs-bytes", [SESSION] = "x-session",
};

void w3clog_init(struct w3clog *w3c, int64_t day_s)
{
	*w3c = (struct w3clog){.day_s = day_s};
}

static enum column column_of(struct span name)
{
	for (enum column i = DATE; i < COLUMNS; i++)
		if (span_equal_nocase(name, span_of(names[i])))
			return i;
	return OTHER;
}

static bool take_word(struct span *text, struct span *word)
{
	*text = span_trim(*text);
	*word = span_take_word(text);
	return word->len > 0;
}

static const char *lacks(const struct w3clog *w3c)
{
	if (!memchr(w3c->columns, CLIENT, w3c->count))
		return N_("the field c-ip is not logged");
	if (!memchr(w3c->columns, VERB, w3c->count))
		return N_("the field cs-method is not logged");
	if (!memchr(w3c->columns, STATUS, w3c->count))
		return N_("the field sc-status is not logged");
	return NULL;
}

static bool take_fields(struct w3clog *w3c, struct span fields, const char **why)
{
	struct span name;
	w3c->count = 0;
	while (take_word(&fields, &name)) {
		if (w3c->count == W3CLOG_FIELDS_MAX) {
			*why = N_("too many fields");
			w3c->count = 0;
			return false;
		}
		w3c->columns[w3c->count++] = (unsigned char)column_of(name);
	}
	*why = lacks(w3c);
	return !*why;
}

bool w3clog_directive(struct w3clog *w3c, struct span line, const char **why)
{
	struct span word = span_take_word(&line);
	if (span_equal_nocase(word, SPAN("#Fields:")))
		return take_fields(w3c, line, why);
	if (span_equal_nocase(word, SPAN("#Date:"))) {
		line = span_trim(line);
		if (moment_iso_day(span_take_word(&line), &w3c->day_s))
			w3c->time_s = 0;
	}
	return true;
}

/* Without the field date, a clock that jumps back by more than half a day has passed midnight. */
static void pass_midnight(struct w3clog *w3c, int64_t time_s)
{
	if (w3c->day_s >= 0 && time_s + HALF_DAY_S < w3c->time_s)
		w3c->day_s += MOMENT_DAY_S;
	w3c->time_s = time_s;
}

static bool take_number(struct span text, uint64_t max, uint64_t *out)
{
	*out = 0;
	return !row_value(text).len || span_to_u64(text, max, out);
}

/* A phrase, or NULL when VALUE fits. */
static const char *take_value(struct w3clog *w3c, enum column column, struct span value, struct row *out, bool *dated)
{
	uint64_t number;
	int64_t time_s;
	switch (column) {
	case DATE:
		*dated = true;
		return moment_iso_day(value, &w3c->day_s) ? NULL : N_("not a date");
	case TIME:
		if (!moment_time(value, &time_s))
			return N_("not a time");
		if (*dated)
			w3c->time_s = time_s;
		else
			pass_midnight(w3c, time_s);
		return NULL;
	case CLIENT:
		return ipaddr_parse(value, &out->client) ? NULL : N_("c-ip is not an address");
	case NAME:
		out->name = row_value(value);
		return NULL;
	case VERB:
		out->verb = row_value(value);
		return NULL;
	case ARGUMENT:
		out->rest = row_value(value);
		return NULL;
	case STATUS:
		if (!take_number(value, STATUS_MAX, &number))
			return N_("sc-status is not a reply code");
		out->status = (unsigned)number;
		return NULL;
	case OCTETS:
		if (!take_number(value, INT64_MAX, &number))
			return N_("cs-bytes is not a number");
		if (row_value(value).len)
			out->octets = (int64_t)number;
		return NULL;
	case SESSION:
		return take_number(value, UINT64_MAX, &out->session) ? NULL : N_("x-session is not a number");
	default:
		return NULL;
	}
}

bool w3clog_row(struct w3clog *w3c, struct span line, struct row *out, const char **why)
{
	bool dated = false;
	struct span value;
	*out = (struct row){.plus = true, .octets = ROW_NO_OCTETS, .time_s = ROW_NO_TIME};
	*why = w3c->count ? lacks(w3c) : N_("no #Fields line above says what these values are");
	for (size_t i = 0; i < w3c->count && !*why; i++) {
		if (take_word(&line, &value))
			*why = take_value(w3c, w3c->columns[i], value, out, &dated);
		else
			*why = N_("fewer values than #Fields has names");
	}
	if (!*why && span_trim(line).len)
		*why = N_("more values than #Fields has names");
	if (*why)
		return false;
	if (w3c->day_s >= 0)
		out->time_s = w3c->day_s + w3c->time_s;
	out->outbound = span_starts_nocase(out->name, SPAN("OutboundConnection"));
	return true;
}
