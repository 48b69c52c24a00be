#include "common/mail/dsn.h"

#include <stdio.h>
#include <string.h>

#include "common/mail/xtext.h"

enum { NOTIFY_COUNT = 4 };

static const struct {
	const char *word;
	unsigned bit;
} notify_words[NOTIFY_COUNT] = {
	{"NEVER", DSN_NEVER}, {"SUCCESS", DSN_SUCCESS}, {"FAILURE", DSN_FAILURE}, {"DELAY", DSN_DELAY}};

bool dsn_parse_ret(struct span value, enum dsn_ret *out)
{
	*out = span_equal_nocase(value, SPAN("FULL"))   ? DSN_RET_FULL
	       : span_equal_nocase(value, SPAN("HDRS")) ? DSN_RET_HDRS
							: DSN_RET_UNSAID;
	return *out != DSN_RET_UNSAID;
}

static unsigned notify_bit(struct span word)
{
	for (size_t i = 0; i < NOTIFY_COUNT; i++)
		if (span_equal_nocase(word, span_of(notify_words[i].word)))
			return notify_words[i].bit;
	return 0;
}

bool dsn_parse_notify(struct span value, unsigned *out)
{
	*out = 0;
	if (value.len == 0 || value.at[value.len - 1] == ',')
		return false;
	while (value.len) {
		unsigned bit = notify_bit(span_take(&value, ','));
		if (!bit || *out & bit)
			return false;
		*out |= bit;
	}
	return *out == DSN_NEVER || !(*out & DSN_NEVER);
}

static bool printable(int c)
{
	return c >= ' ' && c <= '~';
}

/* xtext of printable US-ASCII. */
static bool is_xtext(struct span text)
{
	char plain[DSN_ORCPT_MAX + 1];
	if (text.len > DSN_ORCPT_MAX || !xtext_valid(text))
		return false;
	size_t len = xtext_decode(text, plain);
	for (size_t i = 0; i < len; i++)
		if (!printable(plain[i]))
			return false;
	return true;
}

bool dsn_parse_envid(struct span value, struct span *out)
{
	*out = value;
	return value.len <= DSN_ENVID_MAX && is_xtext(value);
}

static bool is_type(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alnum && c != '-')
			return false;
	}
	return text.len > 0;
}

bool dsn_parse_orcpt(struct span value, struct span *out)
{
	struct span rest = value;
	*out = value;
	return value.len <= DSN_ORCPT_MAX && is_type(span_take(&rest, ';')) && is_xtext(rest);
}

const char *dsn_ret_text(enum dsn_ret ret)
{
	static const char *const texts[] = {[DSN_RET_UNSAID] = "", [DSN_RET_HDRS] = "HDRS", [DSN_RET_FULL] = "FULL"};
	return texts[ret];
}

void dsn_notify_text(unsigned notify, char *to)
{
	to[0] = '\0';
	for (size_t i = 0; i < NOTIFY_COUNT; i++) {
		size_t len = strlen(to);
		if (notify & notify_words[i].bit)
			snprintf(to + len, DSN_NOTIFY_TEXT_MAX - len, "%s%s", len ? "," : "", notify_words[i].word);
	}
}

bool dsn_wants(unsigned notify, enum dsn_notify what)
{
	return (notify ? notify : DSN_FAILURE | DSN_DELAY) & what;
}

bool dsn_encode(struct span text, char *to, size_t size)
{
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool plain = c > ' ' && c != '+' && c != '=';
		if (!printable(c) || size < len + (plain ? 2 : 4))
			return false;
		len += (size_t)snprintf(to + len, size - len, plain ? "%c" : "+%02X", c);
	}
	return text.len > 0;
}
