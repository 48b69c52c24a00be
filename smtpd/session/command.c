#include "smtpd/session/command.h"

#include "smtpd/auth/auth.h"

static const struct {
	const char *word;
	enum command_verb verb;
} verbs[] = {
	{"HELO", COMMAND_HELO},         {"EHLO", COMMAND_EHLO},    {"MAIL", COMMAND_MAIL},
	{"RCPT", COMMAND_RCPT},         {"DATA", COMMAND_DATA},    {"BDAT", COMMAND_BDAT},
	{"STARTTLS", COMMAND_STARTTLS}, {"AUTH", COMMAND_AUTH},    {"RSET", COMMAND_RSET},
	{"NOOP", COMMAND_NOOP},         {"VRFY", COMMAND_VRFY},    {"HELP", COMMAND_HELP},
	{"QUIT", COMMAND_QUIT},         {"GET", COMMAND_HTTP},     {"HEAD", COMMAND_HTTP},
	{"POST", COMMAND_HTTP},         {"PUT", COMMAND_HTTP},     {"DELETE", COMMAND_HTTP},
	{"CONNECT", COMMAND_HTTP},      {"OPTIONS", COMMAND_HTTP}, {"TRACE", COMMAND_HTTP},
	{"PATCH", COMMAND_HTTP},        {"ETRN", COMMAND_ETRN},    {"ATRN", COMMAND_ATRN},
	{"XCLIENT", COMMAND_XCLIENT},
};

static enum command_verb find_verb(struct span word)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (span_equal_nocase(word, span_of(verbs[i].word)))
			return verbs[i].verb;
	return COMMAND_UNKNOWN;
}

static bool is_clean(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] != '\t' && (line.at[i] < ' ' || line.at[i] > '~'))
			return false;
	return true;
}

void command_parse(struct span line, struct command *out)
{
	struct span rest = line;
	out->line = line;
	out->verb = find_verb(span_take_word(&rest));
	out->args = span_trim(rest);
	out->clean = is_clean(line);
}

bool command_path(struct span args, struct span keyword, struct span *path)
{
	struct span word = {keyword.at, keyword.len - 1};
	if (!span_starts_nocase(args, word))
		return false;
	args = span_trim(span_skip(args, word.len));
	if (!args.len || args.at[0] != ':')
		return false;
	*path = span_trim(span_skip(args, 1));
	return true;
}

bool command_chunk(struct span args, uint64_t *octets, bool *last)
{
	struct span number = span_take_word(&args);
	struct span word = span_trim(args);
	*last = word.len > 0;
	if (*last && !span_equal_nocase(word, SPAN("LAST")))
		return false;
	return span_to_u64(number, INT64_MAX, octets);
}

struct span command_shown(struct span line, bool after_auth)
{
	struct span rest = span_trim(line);
	const char *begin = rest.at;
	if (span_starts_nocase(rest, SPAN("AUTH"))) {
		rest = span_trim(span_skip(rest, SPAN("AUTH").len));
		struct span mechanism = span_take_word(&rest);
		if (auth_method_of(mechanism) == AUTH_METHOD_COUNT)
			return SPAN("AUTH");
		return (struct span){begin, (size_t)(mechanism.at + mechanism.len - begin)};
	}
	rest = line;
	if (after_auth && find_verb(span_take_word(&rest)) == COMMAND_UNKNOWN)
		return SPAN("(hidden)");
	return line;
}
