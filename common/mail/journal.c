#include "common/mail/journal.h"

#include <string.h>

#include "common/base/clock.h"

enum { TEXT_MAX = 800 }; /* with all other fields at their longest a line stays below JOURNAL_LINE_MAX */

static const char *const event_names[JOURNAL_EVENT_COUNT] = {
	[JOURNAL_DELIVERED] = "delivered", [JOURNAL_DELAYED] = "delayed", [JOURNAL_FAILED] = "failed",
	[JOURNAL_NOTICED] = "noticed",     [JOURNAL_DELETED] = "deleted", [JOURNAL_RETRY] = "retry",
	[JOURNAL_RELAYED] = "relayed",     [JOURNAL_WARNED] = "warned",   [JOURNAL_HELD] = "held",
	[JOURNAL_RELEASED] = "released",   [JOURNAL_RESENT] = "resent",   [JOURNAL_IMPORTED] = "imported",
};

const char *journal_event_name(enum journal_event event)
{
	return event_names[event];
}

static void append_rcpts(const struct journal_line *line, struct str *to)
{
	if (line->first == 0 && line->last == UINT32_MAX)
		str_append_c(to, '*');
	else if (line->first == line->last)
		str_printf(to, "%u", line->first);
	else
		str_printf(to, "%u-%u", line->first, line->last);
}

/* One word: no blank, no control character. */
static void append_host(struct span host, struct str *to)
{
	if (host.len == 0)
		str_append_c(to, '-');
	for (size_t i = 0; i < host.len && i < JOURNAL_HOST_MAX; i++)
		str_append_c(to, host.at[i] > ' ' && host.at[i] <= '~' ? host.at[i] : '?');
}

void journal_format(const struct journal_line *line, struct str *to)
{
	char text[TEXT_MAX + 1];
	char time[CLOCK_TEXT_MAX];
	char enhanced[ENHANCED_TEXT_MAX];
	clock_iso(line->wall_ms, time);
	enhanced_format(line->enhanced, enhanced);
	span_clean(line->text, text, sizeof(text));

	str_printf(to, "%s ", time);
	append_rcpts(line, to);
	str_printf(to, " %s %d %s ", event_names[line->event], line->code, *enhanced ? enhanced : "-");
	append_host(line->host, to);
	str_printf(to, "%s%s\n", *text ? " " : "", text);
}

/* Parses an ordinal without leading zeros. UINT32_MAX is no recipient. */
static bool parse_ordinal(struct span text, uint32_t *out)
{
	uint64_t value;
	if (!span_to_u64(text, UINT32_MAX - 1, &value) || (text.len > 1 && text.at[0] == '0'))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool parse_rcpts(struct span text, struct journal_line *out)
{
	if (span_equal(text, SPAN("*"))) {
		out->first = 0;
		out->last = UINT32_MAX;
		return true;
	}
	bool range = span_find(text, '-') < text.len;
	struct span first = span_take(&text, '-');
	if (!parse_ordinal(first, &out->first))
		return false;
	out->last = out->first;
	return !range || (parse_ordinal(text, &out->last) && out->last > out->first);
}

static bool parse_event(struct span text, enum journal_event *out)
{
	for (enum journal_event event = 0; event < JOURNAL_EVENT_COUNT; event++) {
		if (span_equal(text, span_of(event_names[event]))) {
			*out = event;
			return true;
		}
	}
	return false;
}

static bool parse_code(struct span text, int *out)
{
	uint64_t code = 0;
	if (!span_equal(text, SPAN("0")) && (text.len != 3 || !span_to_u64(text, 599, &code) || code < 200))
		return false;
	*out = (int)code;
	return true;
}

static bool parse_enhanced(struct span text, struct enhanced *out)
{
	struct span rest;
	*out = (struct enhanced){0};
	return span_equal(text, SPAN("-")) || (enhanced_parse(text, out, &rest) && rest.len == 0);
}

static bool parse_host(struct span text, struct span *out)
{
	*out = span_equal(text, SPAN("-")) ? (struct span){text.at, 0} : text;
	return text.len > 0 && text.len <= JOURNAL_HOST_MAX;
}

static bool is_printable(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return true;
}

bool journal_parse(struct span text, struct journal_line *out)
{
	if (text.len > JOURNAL_LINE_MAX || !is_printable(text))
		return false;
	struct journal_line line = {0};
	struct span rest = text;
	if (!clock_iso_parse(span_take(&rest, ' '), &line.wall_ms) || !parse_rcpts(span_take(&rest, ' '), &line) ||
	    !parse_event(span_take(&rest, ' '), &line.event) || !parse_code(span_take(&rest, ' '), &line.code) ||
	    !parse_enhanced(span_take(&rest, ' '), &line.enhanced) || !parse_host(span_take(&rest, ' '), &line.host))
		return false;
	bool blank_end = text.at[text.len - 1] == ' ';
	if (rest.len == 0 && blank_end)
		return false;
	line.text = rest;
	*out = line;
	return true;
}

size_t journal_whole(struct span text)
{
	const char *last = text.len ? memrchr(text.at, '\n', text.len) : NULL;
	return last ? (size_t)(last - text.at) + 1 : 0;
}
