#include "common/mail/address.h"

#include <string.h>

#include "common/mail/domain.h"

static char peek(struct span s)
{
	return s.len ? s.at[0] : '\0';
}

static bool is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* What is taken off *in, which started at START. */
static struct span taken(const char *start, struct span in)
{
	return (struct span){start, (size_t)(in.at - start)};
}

/* RFC 5321 4.1.2 Dot-string: no dot at an end, no two in a row. */
static bool take_dot_string(struct span *in, const char **why)
{
	bool after_dot = true;
	while (is_atext(peek(*in)) || peek(*in) == '.') {
		bool dot = peek(*in) == '.';
		*why = "a dot of the local part has no text beside it";
		if (dot && after_dot)
			return false;
		after_dot = dot;
		*in = span_skip(*in, 1);
	}
	*why = "the local part is missing or has a character that needs quotes";
	return !after_dot;
}

/* RFC 5321 4.1.2 Quoted-string: printable ASCII only. */
static bool take_quoted(struct span *in, const char **why)
{
	*in = span_skip(*in, 1);
	while (peek(*in) != '"') {
		if (peek(*in) == '\\')
			*in = span_skip(*in, 1);
		*why = "the quoted local part does not end";
		if (in->len == 0)
			return false;
		*why = "the local part has a character that is not printable ASCII";
		if (peek(*in) < ' ' || peek(*in) > '~')
			return false;
		*in = span_skip(*in, 1);
	}
	*in = span_skip(*in, 1);
	return true;
}

static bool take_local(struct span *in, struct span *local, const char **why)
{
	const char *start = in->at;
	bool ok = peek(*in) == '"' ? take_quoted(in, why) : take_dot_string(in, why);
	if (!ok)
		return false;
	*local = taken(start, *in);
	*why = "the local part is longer than 64 characters";
	return local->len <= ADDRESS_LOCAL_MAX;
}

/* A domain reaches to the first octet that can't be in one; what that octet is, the caller judges. */
static bool take_domain(struct span *in, struct span *domain, const char **why)
{
	size_t len = 0;
	if (peek(*in) == '[') {
		len = span_find(*in, ']');
		len += len < in->len;
	} else {
		while (len < in->len && in->at[len] && !strchr(" \t>,:@\r\n", in->at[len]))
			len++;
	}
	*domain = (struct span){in->at, len};
	*in = span_skip(*in, len);
	*why = "the domain is not valid";
	return domain_valid(*domain) || domain_is_literal(*domain);
}

static bool take_mailbox(struct span *in, struct address *out, const char **why)
{
	*out = (struct address){.text = {in->at, 0}};
	if (!take_local(in, &out->local, why))
		return false;
	if (peek(*in) == '@') {
		*in = span_skip(*in, 1);
		if (!take_domain(in, &out->domain, why))
			return false;
	}
	out->text = taken(out->text.at, *in);
	return true;
}

/* "@one,@two:" in front of a mailbox (RFC 5321 4.1.2 A-d-l), to be ignored. */
static bool take_source_route(struct span *in, const char **why)
{
	while (peek(*in) == '@') {
		struct span domain;
		*in = span_skip(*in, 1);
		if (!take_domain(in, &domain, why))
			return false;
		*why = "the source route does not end in a colon and a mailbox";
		bool comma = span_starts(*in, SPAN(",@"));
		if (!comma && peek(*in) != ':')
			return false;
		*in = span_skip(*in, 1);
		if (!comma)
			return true;
	}
	return true;
}

bool address_parse_path(struct span in, struct address *out, struct span *rest, const char **why)
{
	while (peek(in) == ' ')
		in = span_skip(in, 1);
	bool bracket = peek(in) == '<';
	in = span_skip(in, bracket);
	if (bracket && peek(in) == '>') {
		*out = (struct address){.text = {in.at, 0}};
		*rest = span_skip(in, 1);
		return true;
	}
	if (!take_source_route(&in, why) || !take_mailbox(&in, out, why))
		return false;
	*why = bracket ? "the address does not end in '>'" : "something stands after the address without a blank";
	if (bracket ? peek(in) != '>' : in.len && peek(in) != ' ')
		return false;
	*rest = span_skip(in, bracket);
	return true;
}

bool address_parse(struct span in, struct address *out, const char **why)
{
	if (in.len == 0) {
		*out = (struct address){.text = in};
		return true;
	}
	if (!take_mailbox(&in, out, why))
		return false;
	*why = "something stands after the address";
	return in.len == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return span_equal(a->local, b->local) && span_equal_nocase(a->domain, b->domain);
}
