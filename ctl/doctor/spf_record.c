#include "ctl/doctor/spf_record.h"

#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "ctl/doctor/spf_macro.h"

static const struct {
	const char *name;
	bool takes_domain, needs_domain, takes_bits;
} kinds[SPF_KIND_COUNT] = {
	[SPF_ALL] = {"all", false, false, false}, [SPF_INCLUDE] = {"include", true, true, false},
	[SPF_A] = {"a", true, false, true},       [SPF_MX] = {"mx", true, false, true},
	[SPF_PTR] = {"ptr", true, false, false},  [SPF_IP4] = {"ip4", true, true, false},
	[SPF_IP6] = {"ip6", true, true, false},   [SPF_EXISTS] = {"exists", true, true, false},
};

static const struct span version = {"v=spf1", 6};

bool spf_record_is(struct span text)
{
	return span_starts_nocase(text, version) && (text.len == version.len || text.at[version.len] == ' ');
}

static bool fault(char *why, const char *what, struct span term)
{
	char clean[100];
	span_clean(term, clean, sizeof(clean));
	snprintf(why, SPF_WHY_MAX, "%s: \"%s\"", what, clean);
	return false;
}

/* Takes "/NUMBER" behind SLASHES off the end of *text. False: the number is none, or above MAX. */
static bool take_bits(struct span *text, struct span slashes, unsigned max, unsigned *bits)
{
	size_t digits = 0;
	uint64_t value;
	while (digits < text->len && text->at[text->len - 1 - digits] >= '0' && text->at[text->len - 1 - digits] <= '9')
		digits++;
	struct span before = {text->at, text->len - digits};
	if (!span_ends_nocase(before, slashes))
		return true;
	struct span number = span_skip(*text, before.len);
	if (!span_to_u64(number, max, &value) || (number.len > 1 && number.at[0] == '0'))
		return false;
	*bits = (unsigned)value;
	text->len = before.len - slashes.len;
	return true;
}

static bool parse_net(struct span text, struct spf_term *term)
{
	bool v4 = term->kind == SPF_IP4;
	unsigned bits = v4 ? SPF_V4_BITS : SPF_V6_BITS;
	struct ipaddr ip;
	if (!take_bits(&text, SPAN("/"), bits, &bits) || !ipaddr_parse(text, &ip) ||
	    v4 != (memchr(text.at, ':', text.len) == NULL))
		return false;
	term->net = cidr_of(&ip, v4 ? bits + SPF_V6_BITS - SPF_V4_BITS : bits);
	return true;
}

/* VALUE: what comes behind the name, with its ':' or '/'. */
static bool parse_value(struct span value, struct spf_term *term, char *why)
{
	bool net = term->kind == SPF_IP4 || term->kind == SPF_IP6;
	if (kinds[term->kind].takes_bits && (!take_bits(&value, SPAN("//"), SPF_V6_BITS, &term->v6_bits) ||
					     !take_bits(&value, SPAN("/"), SPF_V4_BITS, &term->v4_bits)))
		return fault(why, _("the length of a prefix is wrong"), term->text);
	if (value.len && (value.at[0] != ':' || !kinds[term->kind].takes_domain))
		return fault(why, _("there is something behind the mechanism that it can't have"), term->text);
	bool colon = value.len;
	value = span_skip(value, 1);
	if (!value.len && (colon || kinds[term->kind].needs_domain))
		return fault(why, _("the mechanism lacks its value"), term->text);
	if (net)
		return parse_net(value, term) || fault(why, _("this is no address or network"), term->text);
	term->domain = value;
	return !value.len || spf_macro_valid(value) || fault(why, _("this is no domain"), term->text);
}

static bool parse_mechanism(struct span text, struct spf_record *out, char *why)
{
	struct spf_term term = {.qualifier = '+', .text = text, .v4_bits = SPF_V4_BITS, .v6_bits = SPF_V6_BITS};
	struct span rest = text;
	size_t name = 0;
	if (rest.len && strchr("+-~?", rest.at[0])) {
		term.qualifier = rest.at[0];
		rest = span_skip(rest, 1);
	}
	while (name < rest.len && rest.at[name] != ':' && rest.at[name] != '/')
		name++;
	for (term.kind = 0; term.kind < SPF_KIND_COUNT; term.kind++)
		if (span_equal_nocase((struct span){rest.at, name}, span_of(kinds[term.kind].name)))
			break;
	if (term.kind == SPF_KIND_COUNT)
		return fault(why, _("no such mechanism"), text);
	if (out->n == SPF_TERMS_MAX)
		return fault(why, _("too many mechanisms"), text);
	if (!parse_value(span_skip(rest, name), &term, why))
		return false;
	out->terms[out->n++] = term;
	return true;
}

static bool is_name(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);
		bool letter = c >= 'a' && c <= 'z';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')))
			return false;
	}
	return text.len;
}

/* Other modifiers than redirect and exp are for the future, and ignored. */
static bool parse_modifier(struct span name, struct span value, bool *explained, struct spf_record *out, char *why)
{
	bool redirect = span_equal_nocase(name, SPAN("redirect")), exp = span_equal_nocase(name, SPAN("exp"));
	if ((redirect || exp) && (!value.len || !spf_macro_valid(value)))
		return fault(why, _("the modifier lacks a domain"), name);
	if ((redirect && out->redirect.len) || (exp && *explained))
		return fault(why, _("the modifier is there twice"), name);
	if (redirect)
		out->redirect = value;
	*explained |= exp;
	return true;
}

static bool parse_term(struct span term, bool *explained, struct spf_record *out, char *why)
{
	struct span value = term, name = span_take(&value, '=');
	if (name.len < term.len && is_name(name))
		return parse_modifier(name, value, explained, out, why);
	return parse_mechanism(term, out, why);
}

bool spf_record_parse(struct span text, struct spf_record *out, char *why)
{
	bool explained = false;
	*out = (struct spf_record){.n = 0};
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return fault(why, _("there is a character that is no ASCII text"), span_skip(text, i));
	text = span_skip(text, version.len);
	while (text.len) {
		struct span term = span_take(&text, ' ');
		if (term.len && !parse_term(term, &explained, out, why))
			return false;
	}
	return true;
}
