#include "ctl/doctor/finding.h"

#include <string.h>

#include "common/base/language.h"
#include "common/base/utf8.h"

enum { PART_MAX = 16384 }; /* octets of a part in another language than English */

static const char *const words[] = {
	[FINDING_NOTE] = N_("note"), [FINDING_WARNING] = N_("warning"), [FINDING_ERROR] = N_("error")};

const char *finding_word(enum finding_severity severity)
{
	return words[severity];
}

/* Names and replies of other hosts are in it, so no octet may command the terminal. */
static void append_part(struct span part, struct str *to)
{
	char clean[PART_MAX];
	if (language_foreign())
		str_append(to, (struct span){clean, utf8_clean(part, clean, sizeof(clean))});
	else
		str_append_clean(to, part);
	str_append_c(to, '\0');
}

void finding_append(const struct finding *f, struct str *to)
{
	append_part(span_of(words[f->severity]), to);
	append_part(f->where, to);
	append_part(f->what, to);
	append_part(f->remedy, to);
}

static bool take_part(struct span *text, struct span *part)
{
	if (!memchr(text->at, '\0', text->len))
		return false;
	*part = span_take(text, '\0');
	return true;
}

bool finding_take(struct span *text, struct finding *out)
{
	struct span word;
	if (!text->len || !take_part(text, &word) || !take_part(text, &out->where) || !take_part(text, &out->what) ||
	    !take_part(text, &out->remedy))
		return false;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		out->severity = (enum finding_severity)i;
		if (span_equal(word, span_of(words[i])))
			return true;
	}
	return false;
}
