#include "ctl/dkim/confline.h"

#include "common/config/value.h"

void confline_write(const struct config_selector *selector, struct str *to)
{
	str_append_text(to, "selector ");
	config_format_selector(to, selector);
}

/* Takes WORD, in upper or lower case if NOCASE, off the front of *line, with the blanks around it. */
static bool take(struct span *line, const char *word, bool nocase)
{
	struct span rest = span_trim(*line), found = span_take_word(&rest);
	bool same = nocase ? span_equal_nocase(found, span_of(word)) : span_equal(found, span_of(word));
	if (same)
		*line = rest;
	return same;
}

/* The part of LINE that is the setting, without blanks and comment; empty: it is more or something else. */
static struct span setting_of(struct span line, const struct config_selector *old)
{
	struct span begin = span_trim(line), rest = line;
	if (!take(&rest, "selector", true) || !take(&rest, old->name, true) || !take(&rest, old->file, false))
		return (struct span){NULL, 0};
	struct span behind = span_trim(rest);
	if (behind.len && behind.at[0] != '#')
		return (struct span){NULL, 0};
	return span_trim((struct span){begin.at, (size_t)(behind.len ? behind.at - begin.at : (ptrdiff_t)begin.len)});
}

bool confline_replace(struct span text, const struct config_selector *old, const struct config_selector *new,
		      struct str *to)
{
	struct span rest = text, line = {NULL, 0};
	for (uint32_t i = 0; i < old->origin.line; i++)
		if (!span_line(&rest, &line))
			return false;
	struct span setting = setting_of(line, old);
	if (!setting.len)
		return false;
	str_append(to, (struct span){text.at, (size_t)(setting.at - text.at)});
	confline_write(new, to);
	str_append(to, span_skip(text, (size_t)(setting.at + setting.len - text.at)));
	return !to->failed;
}
