#include "common/config/value.h"

#include <ctype.h>
#include <string.h>

#include "common/base/language.h"
#include "common/mail/address.h"
#include "common/mail/domain.h"

enum { PLAIN_NAME_MAX = 64, PATH_VALUE_MAX = 1024 };

/* TEXT consists of [A-Za-z0-9] and characters of MORE. */
static bool made_of(struct span text, const char *more)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.at[i] || (!strchr(more, text.at[i]) && !isalnum((unsigned char)text.at[i])))
			return false;
	return true;
}

static bool ascii(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || (unsigned char)text.at[i] > '~')
			return false;
	return true;
}

/* The name of a user or, in a list, of a group with @ in front. */
const char *config_value_user(struct config_parse *parse, const struct config_item *item)
{
	enum { SYSTEM_NAME_MAX = 32 };
	bool group = parse->setting->type == CONFIG_NAMES && span_starts(item->text, SPAN("@"));
	struct span name = span_skip(item->text, group);
	if (name.len && name.len <= SYSTEM_NAME_MAX && ascii(name) && made_of(name, "._-$") && name.at[0] != '-')
		return config_value_keep(parse, item->text);
	config_error(parse->findings, item->at, _("\"%.*s\" is not a valid value of %s: write %s"),
		     SPAN_ARGS(item->text), parse->setting->name, _(config_value_allowed(parse->setting->type)));
	return NULL;
}

bool config_name_name(struct config_parse *parse, void *to)
{
	return (*(const char **)to = config_value_user(parse, &parse->items[0])) != NULL;
}

/* Removes double and trailing slashes from TEXT, in place. False if it has . or .. as a component. */
static bool normalize_path(char *text)
{
	char *to = text;
	for (const char *at = text; *at;) {
		at += strspn(at, "/");
		size_t len = strcspn(at, "/");
		if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		if (len)
			*to++ = '/';
		memmove(to, at, len);
		to += len;
		at += len;
	}
	if (to == text)
		*to++ = '/';
	*to = '\0';
	return true;
}

const char *config_value_path(struct config_parse *parse, const struct config_item *item)
{
	bool bounded = parse->setting->type == CONFIG_PATH && parse->setting->max;
	size_t max = bounded ? (size_t)parse->setting->max : PATH_VALUE_MAX;
	const char *wrong = NULL;
	char *path = config_value_keep(parse, item->text);
	if (!path)
		return NULL;
	if (path[0] != '/')
		wrong = _("must be absolute: begin with /");
	else if (item->text.len > max)
		wrong = _("is too long");
	else if (!normalize_path(path))
		wrong = _("must not contain . or ..");
	if (wrong)
		config_error(parse->findings, item->at, _("the path of %s %s"), parse->setting->name, wrong);
	return wrong ? NULL : path;
}

bool config_name_path(struct config_parse *parse, void *to)
{
	const char *path = config_value_path(parse, &parse->items[0]);
	*(const char **)to = path;
	return path != NULL;
}

bool config_name_folder(struct config_parse *parse, void *to)
{
	if (!span_equal_nocase(parse->items[0].text, SPAN("off")))
		return config_name_path(parse, to);
	*(const char **)to = "off";
	return true;
}

bool config_name_text(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	if (!ascii(item->text)) {
		config_error(parse->findings, item->at, _("%s takes plain ASCII text only"), parse->setting->name);
		return false;
	}
	if (parse->setting->max && item->text.len > (size_t)parse->setting->max) {
		config_error(parse->findings, item->at, _("%s may have at most %lld octets"), parse->setting->name,
			     (long long)parse->setting->max);
		return false;
	}
	return (*(const char **)to = config_value_keep(parse, item->text)) != NULL;
}

/* Why NAME is not a domain name, for common mistakes; NULL if it is unknown. */
static const char *domain_slip(struct span name)
{
	if (span_find(name, '*') < name.len)
		return N_("a pattern is not allowed here, only one name");
	if (span_find(name, ':') < name.len || span_find(name, '[') < name.len || span_find(name, '/') < name.len)
		return N_("only a domain name is allowed here");
	if (span_find(name, '@') < name.len)
		return N_("remove @ and the text before it");
	if (span_ends_nocase(name, SPAN(".")))
		return N_("remove the final dot");
	return NULL;
}

/* NAME ends in a label of digits: an address, or a number in the wrong place. */
static bool looks_numeric(struct span name)
{
	size_t start = name.len;
	while (start && isdigit((unsigned char)name.at[start - 1]))
		start--;
	return name.len && (!start || (start < name.len && name.at[start - 1] == '.'));
}

/* The name after PREFIX, which is "" or "*.", as lower case A-labels, with PREFIX in front. */
static const char *parse_domain_name(struct config_parse *parse, const struct config_item *item, struct span prefix)
{
	struct span name = span_skip(item->text, prefix.len);
	const char *why = domain_slip(name);
	char *result = NULL;
	struct str text;
	str_init(&text, DOMAIN_MAX + 2);
	str_append(&text, prefix);
	if (span_starts(name, SPAN(".")))
		config_error(
			parse->findings, item->at,
			_("\"%.*s\" begins with a dot: write *%.*s for all names below it, %.*s for the name itself"),
			SPAN_ARGS(name), SPAN_ARGS(name), SPAN_ARGS(span_skip(name, 1)));
	else if (why || !domain_to_ascii(name, &text, &why))
		config_error(parse->findings, item->at, _("\"%.*s\" is not a domain name: %s"), SPAN_ARGS(item->text),
			     _(why));
	else if (!domain_valid(span_skip(str_span(&text), prefix.len)) || looks_numeric(name))
		config_error(parse->findings, item->at, _("\"%.*s\" is not a domain name"), SPAN_ARGS(item->text));
	else
		result = config_value_keep(parse, str_span(&text));
	str_free(&text);
	return result;
}

const char *config_value_domain(struct config_parse *parse, const struct config_item *item)
{
	return parse_domain_name(parse, item, (struct span){"", 0});
}

const char *config_value_pattern(struct config_parse *parse, const struct config_item *item)
{
	if (span_equal(item->text, SPAN("*")))
		return config_value_keep(parse, item->text);
	bool below = span_starts(item->text, SPAN("*."));
	struct span name = span_skip(item->text, below ? 2 : 0);
	if (span_find(name, '*') == name.len)
		return parse_domain_name(parse, item, below ? SPAN("*.") : (struct span){"", 0});
	config_error(parse->findings, item->at,
		     _("\"%.*s\" is not a pattern: write *.example.com for all names below example.com, or * for all"),
		     SPAN_ARGS(item->text));
	return NULL;
}

const char *config_value_plain(struct config_parse *parse, const struct config_item *item, const char *what)
{
	struct span name = item->text;
	if (name.len && name.len <= PLAIN_NAME_MAX && ascii(name) && made_of(name, "._-") && name.at[0] != '.')
		return config_value_keep(parse, name);
	config_error(
		parse->findings, item->at,
		_("\"%.*s\" can't be the name of %s: write at most %d letters, digits, . _ and -, without a dot in front"),
		SPAN_ARGS(name), what, PLAIN_NAME_MAX);
	return NULL;
}

bool config_name_domain(struct config_parse *parse, void *to)
{
	return (*(const char **)to = config_value_domain(parse, &parse->items[0])) != NULL;
}

const char *config_value_address(struct config_parse *parse, const struct config_item *item)
{
	struct address address;
	const char *why;
	bool parsed = address_parse(item->text, &address, &why);
	if (parsed && !domain_valid(address.domain))
		why = N_("it needs a local part, @ and a domain");
	if (!parsed || !domain_valid(address.domain)) {
		config_error(parse->findings, item->at, _("\"%.*s\" is not a mail address: %s"), SPAN_ARGS(item->text),
			     _(why));
		return NULL;
	}
	return config_value_keep(parse, address.text);
}

bool config_name_address(struct config_parse *parse, void *to)
{
	return (*(const char **)to = config_value_address(parse, &parse->items[0])) != NULL;
}
