#include "delivery/smtp/capabilities.h"

#include <string.h>

static void add_size(struct capabilities *c, struct span parameter)
{
	uint64_t max = 0;
	if (parameter.len && !span_to_u64(parameter, UINT64_MAX, &max))
		return;
	c->size = true;
	c->size_max = max;
}

/* Copies the name in upper case. False: it is no mechanism's name. */
static bool mechanism_name(struct span word, char out[CAPABILITIES_MECHANISM_MAX])
{
	if (word.len == 0 || word.len > CAPABILITIES_MECHANISM_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.at[i];
		out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		bool good = (out[i] >= 'A' && out[i] <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!good)
			return false;
	}
	return true;
}

static bool has_mechanism(const struct capabilities *c, struct span name)
{
	struct span all = {c->auth, c->auth_len};
	while (all.len)
		if (span_equal(span_take(&all, ' '), name))
			return true;
	return false;
}

static void add_mechanisms(struct capabilities *c, struct span words)
{
	while (words.len) {
		char name[CAPABILITIES_MECHANISM_MAX];
		struct span word = span_take(&words, ' ');
		if (!mechanism_name(word, name) || has_mechanism(c, (struct span){name, word.len}) ||
		    c->auth_len + word.len + 2 > sizeof(c->auth))
			continue;
		if (c->auth_len)
			c->auth[c->auth_len++] = ' ';
		memcpy(c->auth + c->auth_len, name, word.len);
		c->auth_len += word.len;
		c->auth[c->auth_len] = '\0';
	}
}

void capabilities_add(struct capabilities *c, struct span line)
{
	struct span parameters = span_trim(line);
	struct span keyword = span_take(&parameters, ' ');
	if (span_equal_nocase(keyword, SPAN("PIPELINING")))
		c->pipelining = true;
	else if (span_equal_nocase(keyword, SPAN("8BITMIME")))
		c->eight_bit = true;
	else if (span_equal_nocase(keyword, SPAN("DSN")))
		c->dsn = true;
	else if (span_equal_nocase(keyword, SPAN("SIZE")))
		add_size(c, span_trim(parameters));
	else if (span_equal_nocase(keyword, SPAN("STARTTLS")))
		c->starttls = true;
	else if (span_equal_nocase(keyword, SPAN("ETRN")))
		c->etrn = true;
	else if (span_equal_nocase(keyword, SPAN("AUTH")))
		add_mechanisms(c, parameters);
	else if (span_starts_nocase(keyword, SPAN("AUTH=")))
		add_mechanisms(c, span_skip(span_trim(line), sizeof("AUTH=") - 1));
}
