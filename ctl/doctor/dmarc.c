#include "ctl/doctor/dmarc.h"

#include <stdio.h>

#include "common/base/language.h"

static bool fault(char *why, const char *what, struct span value)
{
	char clean[60];
	span_clean(value, clean, sizeof(clean));
	snprintf(why, DMARC_WHY_MAX, "%s: \"%s\"", what, clean);
	return false;
}

/* Takes "name = value" and its ';' off the front of *text. */
static void take_tag(struct span *text, struct span *name, struct span *value)
{
	struct span tag = span_take(text, ';');
	*name = span_trim(span_take(&tag, '='));
	*value = span_trim(tag);
}

bool dmarc_is(struct span text)
{
	struct span name, value;
	take_tag(&text, &name, &value);
	return span_equal(name, SPAN("v")) && span_equal(value, SPAN("DMARC1"));
}

static bool parse_policy(struct span value, enum dmarc_policy *out)
{
	static const char *const words[] = {"none", "quarantine", "reject"};
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*out = (enum dmarc_policy)i;
		if (span_equal_nocase(value, span_of(words[i])))
			return true;
	}
	return false;
}

static bool parse_alignment(struct span value, bool *strict)
{
	*strict = span_equal_nocase(value, SPAN("s"));
	return *strict || span_equal_nocase(value, SPAN("r"));
}

/* Unknown tags are ignored. */
static bool take_value(struct span name, struct span value, struct dmarc *out, char *why)
{
	uint64_t percent = 100;
	if (span_equal_nocase(name, SPAN("sp")) && !parse_policy(value, &out->subdomain_policy))
		return fault(why, _("sp is neither none, quarantine nor reject"), value);
	if (span_equal_nocase(name, SPAN("adkim")) && !parse_alignment(value, &out->strict_dkim))
		return fault(why, _("adkim is neither r nor s"), value);
	if (span_equal_nocase(name, SPAN("aspf")) && !parse_alignment(value, &out->strict_spf))
		return fault(why, _("aspf is neither r nor s"), value);
	if (span_equal_nocase(name, SPAN("pct")) && !span_to_u64(value, 100, &percent))
		return fault(why, _("pct is no number from 0 to 100"), value);
	if (span_equal_nocase(name, SPAN("pct")))
		out->percent = (unsigned)percent;
	if (span_equal_nocase(name, SPAN("rua")))
		out->reports = value;
	return true;
}

bool dmarc_parse(struct span text, struct dmarc *out, char *why)
{
	struct span name, value;
	*out = (struct dmarc){.percent = 100};
	take_tag(&text, &name, &value); /* v */
	take_tag(&text, &name, &value);
	if (!span_equal_nocase(name, SPAN("p")))
		return fault(why, _("p does not come directly behind v"), name);
	if (!parse_policy(value, &out->policy))
		return fault(why, _("p is neither none, quarantine nor reject"), value);
	out->subdomain_policy = out->policy;
	while (text.len) {
		take_tag(&text, &name, &value);
		if (name.len && !take_value(name, value, out, why))
			return false;
	}
	return true;
}

static bool is_below(struct span name, struct span domain)
{
	return name.len > domain.len && span_ends_nocase(name, domain) && name.at[name.len - domain.len - 1] == '.';
}

bool dmarc_aligned(struct span a, struct span b, bool strict)
{
	return span_equal_nocase(a, b) || (!strict && (is_below(a, b) || is_below(b, a)));
}
