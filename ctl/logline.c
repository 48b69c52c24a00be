#include "ctl/logline.h"

#include <stdio.h>
#include <string.h>

enum { ISO_HOUR = 13, SYSLOG_HOUR = 9, SYSLOG_TIME = 15, TAG_MAX = 200 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "2026-11-21T01:..." */
static bool is_iso(struct span s)
{
	static const char shape[] = "dddd-dd-ddTdd:";
	if (s.len < sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'd' ? !is_digit(s.at[i]) : s.at[i] != shape[i])
			return false;
	return true;
}

/* "Nov 21 01:00:00" */
static bool is_syslog(struct span s)
{
	return s.len >= SYSLOG_TIME && s.at[3] == ' ' && s.at[6] == ' ' && is_digit(s.at[7]) && s.at[9] == ':' &&
	       s.at[12] == ':' && s.at[0] >= 'A' && s.at[0] <= 'Z';
}

static struct span time_of(struct span s)
{
	if (is_iso(s))
		return (struct span){s.at, span_find(s, ' ')};
	return is_syslog(s) ? (struct span){s.at, SYSLOG_TIME} : (struct span){s.at, 0};
}

static bool names_program(char c)
{
	return (c >= 'a' && c <= 'z') || c == '-';
}

/*
 * Takes "mailroot-queue[main]: ", "mailroot-queue/main[812]: ", "mailrootd[812]: " or "mailrootd: " from the front of
 * *text.
 */
static bool take_tag(struct span *text, struct logline *out)
{
	struct span rest = *text, inner;
	size_t n = 0;
	if (!span_starts(rest, SPAN("mailroot")))
		return false;
	while (n < rest.len && n < TAG_MAX && names_program(rest.at[n]))
		n++;
	struct span program = {rest.at, n};
	rest = span_skip(rest, n);
	struct span server = {rest.at, 0};
	if (rest.len && rest.at[0] == '/') {
		rest = span_skip(rest, 1);
		for (n = 0; n < rest.len && rest.at[n] != '[' && rest.at[n] != ':' && rest.at[n] != ' ';)
			n++;
		server = (struct span){rest.at, n};
		rest = span_skip(rest, n);
	}
	if (rest.len && rest.at[0] == '[') {
		rest = span_skip(rest, 1);
		n = span_find(rest, ']');
		inner = (struct span){rest.at, n};
		uint64_t pid;
		if (!server.len && !span_to_u64(inner, UINT32_MAX, &pid))
			server = inner;
		rest = span_skip(rest, n + 1);
	}
	if (!span_starts(rest, SPAN(": ")))
		return false;
	out->program = program;
	out->server = server;
	*text = span_skip(rest, 2);
	return true;
}

static struct span closed_by(struct span *rest, char closing)
{
	*rest = span_skip(*rest, 1);
	struct span value = span_take(rest, closing);
	return value;
}

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* Takes name=value, name="value" or name=<value> from the front of *rest. */
static bool take_field(struct span *rest, struct logline_field *out)
{
	size_t n = 0;
	while (n < rest->len && in_name(rest->at[n]))
		n++;
	if (!n || n == rest->len || rest->at[n] != '=')
		return false;
	out->name = (struct span){rest->at, n};
	*rest = span_skip(*rest, n + 1);
	if (rest->len && rest->at[0] == '"')
		out->value = closed_by(rest, '"');
	else if (rest->len && rest->at[0] == '<')
		out->value = closed_by(rest, '>');
	else
		out->value = (struct span){rest->at, span_find(*rest, ' ')}, *rest = span_skip(*rest, out->value.len);
	return true;
}

static void take_fields(struct span rest, struct logline *out)
{
	while (rest.len && out->field_count < LOGLINE_FIELDS_MAX) {
		if (rest.at[0] == ' ')
			rest = span_skip(rest, 1);
		else if (take_field(&rest, &out->fields[out->field_count]))
			out->field_count++;
		else
			span_take(&rest, ' ');
	}
}

bool logline_parse(struct span line, struct logline *out)
{
	*out = (struct logline){.time = time_of(line)};
	/* Time and host are a few words; a tag further back is other text. */
	struct span rest = out->time.len ? span_skip(line, out->time.len + 1) : line;
	if (span_starts(rest, SPAN("<")) && span_find(rest, '>') < 4)
		rest = span_skip(rest, span_find(rest, '>') + 1);
	if (out->time.len && !span_starts(rest, SPAN("mailroot")))
		span_take(&rest, ' ');
	if (!take_tag(&rest, out))
		return false;
	take_tag(&rest, out); /* journald puts its own in front */
	out->text = rest;
	take_fields(rest, out);
	return true;
}

struct span logline_get(const struct logline *line, const char *name)
{
	for (size_t i = 0; i < line->field_count; i++)
		if (span_equal(line->fields[i].name, span_of(name)))
			return line->fields[i].value;
	return (struct span){"", 0};
}

void logline_hour(const struct logline *line, char *to)
{
	to[0] = '\0';
	if (is_iso(line->time))
		snprintf(to, LOGLINE_HOUR_MAX, "%.10s %.2sh", line->time.at, line->time.at + ISO_HOUR - 2);
	else if (is_syslog(line->time))
		snprintf(to, LOGLINE_HOUR_MAX, "%.*sh", SYSLOG_HOUR, line->time.at);
}
