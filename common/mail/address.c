#include "common/mail/address.h"

#include <string.h>

#include "common/base/language.h"
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

/* The part taken off *in, which started at START. */
static struct span taken(const char *start, struct span in)
{
	return (struct span){start, (size_t)(in.at - start)};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct span *in)
{
	while (is_blank(peek(*in)))
		*in = span_skip(*in, 1);
}

/* Why NEXT can't continue an unquoted local part; NULL = the local part ends there. */
static const char *local_fault(struct span next)
{
	char c = peek(next);
	if (!next.len || c == '@' || c == '>' || is_blank(c))
		return NULL;
	if (c & '\x80')
		return N_("the local part has an 8-bit character, and SMTPUTF8 is not supported");
	if (c < ' ' || c == 0x7f)
		return N_("the local part has a control character");
	return N_("the local part has a character that needs quotes");
}

/*
 * RFC 5321 4.1.2 Dot-string, but also dots at the ends and in a row: Japanese providers gave such addresses to
 * millions. address_append writes them in a valid form.
 */
static bool take_dot_string(struct span *in, const char **why)
{
	bool text = false;
	for (; is_atext(peek(*in)) || peek(*in) == '.'; *in = span_skip(*in, 1))
		text = text || peek(*in) != '.';
	*why = local_fault(*in);
	if (*why)
		return false;
	*why = N_("the local part is missing");
	return text;
}

/* RFC 5321 4.1.2 Quoted-string: printable ASCII only. */
static bool take_quoted(struct span *in, const char **why)
{
	*in = span_skip(*in, 1);
	while (peek(*in) != '"') {
		if (peek(*in) == '\\')
			*in = span_skip(*in, 1);
		*why = N_("the quoted local part does not end");
		if (in->len == 0)
			return false;
		*why = N_("the local part has a character that is not printable ASCII");
		if (peek(*in) < ' ' || peek(*in) > '~')
			return false;
		*in = span_skip(*in, 1);
	}
	*in = span_skip(*in, 1);
	*why = N_("there is text between the quoted local part and '@'");
	return !local_fault(*in);
}

static bool take_local(struct span *in, struct span *local, const char **why)
{
	const char *start = in->at;
	bool ok = peek(*in) == '"' ? take_quoted(in, why) : take_dot_string(in, why);
	if (!ok)
		return false;
	*local = taken(start, *in);
	*why = N_("the local part is longer than 256 characters");
	return local->len <= ADDRESS_LOCAL_MAX;
}

/* What ends a domain that is no literal. Any other octet belongs to it, and domain_fault judges it. */
static bool ends_domain(char c)
{
	return is_blank(c) || c == '>' || c == ',' || c == ':' || c == '@' || c == '\r' || c == '\n';
}

/* Removes the dot at the end of a name (RFC 1034 3.1): mail programs pass it on as it was typed. */
static bool take_domain(struct span *in, struct span *domain, const char **why)
{
	size_t len = 0;
	bool literal = peek(*in) == '[';
	if (literal) {
		len = span_find(*in, ']');
		len += len < in->len;
	} else {
		while (len < in->len && !ends_domain(in->at[len]))
			len++;
	}
	*domain = (struct span){in->at, len};
	*in = span_skip(*in, len);
	if (literal) {
		*why = N_("the address literal is not one such as [192.0.2.1] or [IPv6:2001:db8::1]");
		return domain_is_literal(*domain);
	}
	if (len > 1 && domain->at[len - 1] == '.')
		domain->len--;
	*why = domain_fault(*domain);
	return !*why;
}

static bool take_mailbox(struct span *in, struct address *out, const char **why)
{
	*out = (struct address){.text = {in->at, 0}};
	if (!take_local(in, &out->local, why))
		return false;
	out->text = out->local;
	if (peek(*in) != '@')
		return true;
	*in = span_skip(*in, 1);
	if (!take_domain(in, &out->domain, why))
		return false;
	out->text.len = (size_t)(out->domain.at + out->domain.len - out->text.at);
	return true;
}

/* Ignores "@one,@two:" in front of a mailbox (RFC 5321 4.1.2 A-d-l). */
static bool take_source_route(struct span *in, const char **why)
{
	while (peek(*in) == '@') {
		struct span domain;
		*in = span_skip(*in, 1);
		if (!take_domain(in, &domain, why))
			return false;
		*why = N_("there is nothing before '@': no local part, and no source route that ends in ':'");
		bool comma = span_starts(*in, SPAN(",@"));
		if (!comma && peek(*in) != ':')
			return false;
		*in = span_skip(*in, 1);
		if (!comma)
			return true;
	}
	return true;
}

/* Why NEXT can't continue an address. */
static const char *rest_fault(struct span next, bool bracket)
{
	switch (peek(next)) {
	case '@':
		return N_("the address has two '@'; one in the local part needs quotes");
	case '>':
		return N_("there is '>' after the address, but no '<' before it");
	case ',':
	case ':':
		return N_("the address has a ',' or ':' after its domain");
	default:
		return !next.len ? N_("the address does not end in '>'")
		       : bracket
			       ? N_("there is text between the address and '>'; a blank in the local part needs quotes")
			       : N_("there is text after the address without a blank");
	}
}

bool address_parse_path(struct span in, struct address *out, struct span *rest, const char **why)
{
	skip_blanks(&in);
	bool bracket = peek(in) == '<';
	in = span_skip(in, bracket);
	skip_blanks(&in);
	if (bracket && peek(in) == '>') {
		*out = (struct address){.text = {in.at, 0}};
		*rest = span_skip(in, 1);
		return true;
	}
	if (!take_source_route(&in, why) || !take_mailbox(&in, out, why))
		return false;
	if (bracket)
		skip_blanks(&in);
	*why = rest_fault(in, bracket);
	if (bracket ? peek(in) != '>' : in.len && !is_blank(peek(in)))
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
	*why = N_("there is text after the address");
	return in.len == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return span_equal(a->local, b->local) && span_equal_nocase(a->domain, b->domain);
}

static bool is_dot_string(struct span local)
{
	while (local.len) {
		bool last = span_find(local, '.') == local.len - 1;
		if (last || !span_take(&local, '.').len)
			return false;
	}
	return true;
}

bool address_append(struct str *to, struct span text)
{
	size_t at = span_find(text, '@');
	struct span local = {text.at, at};
	if (peek(text) == '"' || is_dot_string(local))
		return str_append(to, text);
	return str_append(to, SPAN("\"")) && str_append(to, local) && str_append(to, SPAN("\"")) &&
	       str_append(to, span_skip(text, at));
}
