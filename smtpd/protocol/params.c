#include "smtpd/protocol/params.h"

#include "common/mail/xtext.h"
#include "smtpd/protocol/limits.h"

static bool all_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return s.len > 0;
}

/* RFC 1870 allows 1 to 20 digits. A longer number still means "too big", which is another reply than "no number". */
static bool parse_size(struct span value, struct params *out)
{
	if (!all_digits(value))
		return false;
	if (!span_to_u64(value, UINT64_MAX, &out->size))
		out->size = UINT64_MAX;
	return true;
}

static bool parse_body(struct span value, struct params *out)
{
	out->eight_bit = span_equal_nocase(value, SPAN("8BITMIME"));
	return out->eight_bit || span_equal_nocase(value, SPAN("7BIT"));
}

static bool parse_auth(struct span value, struct params *out)
{
	(void)out;
	return xtext_valid(value);
}

static bool parse_ret(struct span value, struct params *out)
{
	return dsn_parse_ret(value, &out->message.ret);
}

static bool parse_envid(struct span value, struct params *out)
{
	return dsn_parse_envid(value, &out->message.envid);
}

static bool parse_notify(struct span value, struct params *out)
{
	return dsn_parse_notify(value, &out->rcpt.notify);
}

static bool parse_orcpt(struct span value, struct params *out)
{
	return dsn_parse_orcpt(value, &out->rcpt.orcpt);
}

static const struct {
	const char *keyword;
	unsigned bit;
	bool (*parse)(struct span value, struct params *out);
} known[] = {
	{"SIZE", PARAMS_SIZE, parse_size},    {"BODY", PARAMS_BODY, parse_body},
	{"AUTH", PARAMS_AUTH, parse_auth},    {"RET", PARAMS_RET, parse_ret},
	{"ENVID", PARAMS_ENVID, parse_envid}, {"NOTIFY", PARAMS_NOTIFY, parse_notify},
	{"ORCPT", PARAMS_ORCPT, parse_orcpt},
};

static enum params_result parse_one(struct span word, unsigned allowed, unsigned *seen, struct params *out)
{
	struct span value = word;
	struct span keyword = span_take(&value, '=');
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(allowed & known[i].bit) || !span_equal_nocase(keyword, span_of(known[i].keyword)))
			continue;
		if (*seen & known[i].bit)
			return PARAMS_BAD;
		*seen |= known[i].bit;
		return known[i].parse(value, out) ? PARAMS_OK : PARAMS_BAD;
	}
	return PARAMS_UNKNOWN;
}

enum params_result params_parse(struct span text, unsigned allowed, struct params *out)
{
	unsigned seen = 0, count = 0;
	*out = (struct params){0};
	for (text = span_trim(text); text.len; text = span_trim(text)) {
		out->culprit = span_take_word(&text);
		if (++count > LIMIT_PARAMS)
			return PARAMS_BAD;
		enum params_result result = parse_one(out->culprit, allowed, &seen, out);
		if (result != PARAMS_OK)
			return result;
	}
	out->culprit = (struct span){0};
	return PARAMS_OK;
}
