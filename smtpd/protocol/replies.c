#include "smtpd/protocol/replies.h"

#include "common/base/installed.h"

static const struct reply_text {
	int code;
	const char *enhanced;
	const char *text;
} texts[REPLY_ID_COUNT] = {
#define REPLY(name, code, enhanced, text) [REPLY_##name] = {code, enhanced, text},
#include "smtpd/protocol/replies.def"
};

int replies_code(enum reply_id id)
{
	return texts[id].code;
}

bool replies_name_rule(enum reply_id id)
{
	return id >= REPLY_RULE_TLS_FIRST && id <= REPLY_RULE_TOO_BIG;
}

bool replies_of_filter(enum reply_id id)
{
	return id >= REPLY_FILTER_CLOSING && id <= REPLY_FILTER_REPLY;
}

static void append_argument(struct str *to, struct span argument)
{
	if (argument.len > REPLIES_ARGUMENT_MAX)
		argument.len = REPLIES_ARGUMENT_MAX;
	str_append_clean(to, argument);
}

static void append_line(struct str *to, struct span line, struct span first, struct span second)
{
	while (line.len) {
		size_t dollar = span_find(line, '$');
		str_append(to, (struct span){line.at, dollar});
		line = span_skip(line, dollar);
		if (line.len >= 2)
			append_argument(to, line.at[1] == '1' ? first : second);
		line = span_skip(line, 2);
	}
}

void replies_append(struct str *to, enum reply_id id, bool enhanced, struct span first, struct span second)
{
	const struct reply_text *reply = &texts[id];
	struct span text = span_of(reply->text), line;
	bool goes_on = span_ends_nocase(text, SPAN("\n"));
	while (span_line(&text, &line)) {
		str_printf(to, "%d%c", reply->code, text.len || goes_on ? '-' : ' ');
		if (enhanced && reply->enhanced[0])
			str_printf(to, "%s ", reply->enhanced);
		append_line(to, line, first, second);
		str_append(to, SPAN("\r\n"));
	}
}

void replies_append_keyword(struct str *to, struct span keyword, bool last)
{
	str_append(to, last ? SPAN("250 ") : SPAN("250-"));
	str_append(to, keyword);
	str_append(to, SPAN("\r\n"));
}
