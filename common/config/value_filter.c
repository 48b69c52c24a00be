/* The settings of filters: where a filter listens, and how long it may take. */
#include <string.h>

#include "common/base/language.h"
#include "common/config/value.h"

static bool parse_path(struct config_parse *parse, const struct config_item *item, struct span path,
		       struct config_filter_address *out)
{
	if (!span_starts(path, SPAN("/")))
		return config_value_refuse(parse, item,
					   N_("the path must begin with /: write unix:/run/NAME/NAME.sock"));
	if (path.len > CONFIG_FILTER_PATH_MAX)
		return config_value_refuse(
			parse, item,
			N_("the path is too long for a socket: at most 107 octets; let the filter listen at a shorter one"));
	out->path = config_value_keep(parse, path);
	return out->path != NULL;
}

static bool parse_port(struct config_parse *parse, const struct config_item *item, struct span text, uint16_t *port)
{
	uint64_t number;
	if (!span_to_u64(text, UINT16_MAX, &number) || !number)
		return config_value_refuse(parse, item,
					   N_("a port is a number from 1 to 65535: write inet:ADDRESS:PORT"));
	*port = (uint16_t)number;
	return true;
}

/* HOST:PORT or [IPV6]:PORT. Milters themselves write PORT@HOST. */
static bool parse_inet(struct config_parse *parse, const struct config_item *item, struct span text,
		       struct config_filter_address *out)
{
	bool bracket = span_starts(text, SPAN("["));
	if (span_find(text, '@') < text.len)
		return config_value_refuse(parse, item, N_("the port comes last here: write inet:localhost:8891"));
	size_t end = span_find(text, bracket ? ']' : ':');
	struct span host = {text.at + bracket, end - bracket}, port = span_skip(text, end + bracket);
	if (!span_starts(port, SPAN(":")))
		return config_value_refuse(parse, item, N_("the port is missing: write inet:ADDRESS:PORT"));
	port = span_skip(port, 1);
	if (!bracket && span_find(port, ':') < port.len)
		return config_value_refuse(parse, item, N_("an IPv6 address needs brackets: write inet:[::1]:8891"));
	if (span_equal_nocase(host, SPAN("localhost")))
		host = SPAN("127.0.0.1");
	if (!ipaddr_parse(host, &out->ip))
		return config_value_refuse(
			parse, item,
			N_("not an address: write that of the filter, as in inet:192.0.2.1:8891, or localhost; other names are not looked up"));
	return parse_port(parse, item, port, &out->port);
}

bool config_filter_address(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	struct config_filter_address *out = to;
	struct span rest = item->text;
	struct span kind = span_take(&rest, ':');
	*out = (struct config_filter_address){.text = config_value_keep(parse, item->text)};
	if (!out->text)
		return false;
	if (span_equal_nocase(kind, SPAN("unix")))
		return parse_path(parse, item, rest, out);
	if (span_equal_nocase(kind, SPAN("inet")))
		return parse_inet(parse, item, rest, out);
	if (span_equal_nocase(kind, SPAN("local")) || span_starts(item->text, SPAN("/")))
		return config_value_refuse(parse, item, N_("a socket in a folder is written as unix:/PATH"));
	return config_value_refuse(parse, item, N_("write unix:/PATH, inet:ADDRESS:PORT or inet:[IPV6]:PORT"));
}

enum { TIMEOUT_MIN_MS = 1000, TIMEOUT_MAX_MS = 3600000 };

static const char *const parts[] = {"connect", "command", "content", NULL};

/* The part that WORD names; NULL: an error was reported. */
static int64_t *find_part(struct config_parse *parse, const struct config_item *word, struct config_timeouts *timeouts)
{
	int64_t *const values[] = {&timeouts->connect_ms, &timeouts->command_ms, &timeouts->content_ms};
	int part = config_value_choice(parse, word, parts);
	return part < 0 ? NULL : values[part];
}

bool config_filter_timeouts(struct config_parse *parse, void *to)
{
	struct config_timeouts *timeouts = to, given = {0};
	struct config_setting duration = *parse->setting;
	struct config_parse inner = *parse;
	duration.type = CONFIG_DURATION;
	duration.min = TIMEOUT_MIN_MS;
	duration.max = TIMEOUT_MAX_MS;
	inner.setting = &duration;
	*timeouts = (struct config_timeouts){.connect_ms = 5000, .command_ms = 30000, .content_ms = 300000};
	for (size_t i = 0; i < parse->n; i += 2) {
		const struct config_item *word = &parse->items[i];
		int64_t *value = find_part(parse, word, &given);
		if (!value)
			return false;
		if (*value)
			return config_value_refuse(parse, word, N_("it is given twice"));
		if (i + 1 == parse->n)
			return config_value_refuse(parse, word, N_("a duration must follow, such as 30s"));
		if (!config_value_duration(&inner, &parse->items[i + 1], value))
			return false;
	}
	timeouts->connect_ms = given.connect_ms ? given.connect_ms : timeouts->connect_ms;
	timeouts->command_ms = given.command_ms ? given.command_ms : timeouts->command_ms;
	timeouts->content_ms = given.content_ms ? given.content_ms : timeouts->content_ms;
	return true;
}

void config_format_timeouts(struct str *to, const struct config_timeouts *timeouts)
{
	str_append_text(to, "connect ");
	config_format_duration(to, timeouts->connect_ms);
	str_append_text(to, " command ");
	config_format_duration(to, timeouts->command_ms);
	str_append_text(to, " content ");
	config_format_duration(to, timeouts->content_ms);
}
