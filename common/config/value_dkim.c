/* The settings of dkim: selectors with their keys, and the header fields that are signed. */
#include "common/config/value.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "common/mail/domain.h"

enum {
	HEADER_NAME_MAX = 64, /* octets; a signature has each name on one line (DKIM_FIELDS_NAME_MAX) */
	SELECTORS_MAX = 8     /* DKIM_SELECTORS_MAX */
};

static char *keep_lower(struct config_parse *parse, struct span text)
{
	char *copy = config_value_keep(parse, text);
	if (copy)
		ascii_lower_text(copy);
	return copy;
}

/* Item I and the one behind it. */
static bool parse_selector(struct config_parse *parse, size_t i, struct config_selector *out)
{
	const struct config_item *items = &parse->items[i];
	bool canonical = !items[0].origin.token; /* a process reads what was checked, without lines */
	if (i + 1 == parse->n || (!canonical && !config_value_follows(parse, i + 1)))
		return config_value_refuse(
			parse, items, N_("the key is missing: write SELECTOR KEYFILE, a name and an absolute path"));
	if (i && !canonical && config_value_follows(parse, i))
		return config_value_refuse(parse, items, N_("one selector and its key per line"));
	if (!domain_valid(items[0].text))
		return config_value_refuse(parse, items,
					   N_("not a selector: write letters, digits and -, such as m2026a"));
	out->name = keep_lower(parse, items[0].text);
	out->file = config_value_path(parse, &items[1]);
	out->origin = items[0].origin;
	return out->name && out->file;
}

bool config_dkim_selectors(struct config_parse *parse, void *to)
{
	struct config_selectors *list = to;
	size_t n;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	list->n = 0;
	for (size_t i = 0; i < n; i += 2) {
		if (list->n == SELECTORS_MAX)
			return config_value_refuse(parse, &parse->items[i],
						   N_("more than 8 selectors: a message has one signature of each"));
		if (!parse_selector(parse, i, &list->at[list->n]))
			return false;
		list->n++;
	}
	return true;
}

static bool is_one_of(struct span name, const char *const *names)
{
	while (*names && !span_equal_nocase(name, span_of(*names)))
		names++;
	return *names != NULL;
}

static bool is_field_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == ':' || name.at[i] == ';')
			return false;
	return name.len > 0 && name.len <= HEADER_NAME_MAX;
}

static const char *parse_header(struct config_parse *parse, const struct config_item *item)
{
	static const char *const changed[] = {"DKIM-Signature", "Received", "Return-Path", NULL};
	if (!is_field_name(item->text))
		config_value_refuse(parse, item, N_("not a header field: write its name without a colon"));
	else if (is_one_of(item->text, changed))
		config_value_refuse(parse, item,
				    N_("other hosts add or change this field, which would break the signature"));
	else
		return config_value_keep(parse, item->text);
	return NULL;
}

bool config_dkim_headers(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	bool from = false;
	size_t n;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	list->n = 0;
	if (parse->n == 1 && span_equal_nocase(parse->items[0].text, SPAN("standard")))
		return true;
	for (size_t i = 0; i < n; i++) {
		list->n += (list->at[list->n] = parse_header(parse, &parse->items[i])) != NULL;
		from |= span_equal_nocase(parse->items[i].text, SPAN("From"));
	}
	if (list->n == n && !from)
		return config_value_refuse(parse, &parse->items[0],
					   N_("From is missing, which every signature must have (RFC 6376 5.4)"));
	return list->n == n;
}

void config_format_selector(struct str *to, const struct config_selector *selector)
{
	str_printf(to, "%s ", selector->name);
	config_format_word(to, span_of(selector->file));
}
