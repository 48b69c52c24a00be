#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/config/slip.h"
#include "common/config/value.h"

char *config_value_keep(struct config_parse *parse, struct span text)
{
	char *copy = arena_copy(parse->arena, text);
	if (!copy)
		parse->findings->no_memory = true;
	return copy;
}

static bool is_none(const struct config_item *item)
{
	return span_equal_nocase(item->text, SPAN("none"));
}

bool config_value_is_none(const struct config_parse *parse)
{
	return parse->n == 1 && is_none(&parse->items[0]);
}

static bool refuse(struct config_parse *parse, const struct config_item *item)
{
	config_error(parse->findings, item->at, _("\"%.*s\" is not a valid value of %s: write %s"),
		     SPAN_ARGS(item->text), parse->setting->name, _(config_value_allowed(parse->setting->type)));
	return false;
}

/* The values that a setting may have; max 0 = none. */
struct bounds {
	int64_t min, max;
};

static bool is_within(int64_t value, struct bounds bounds)
{
	return value >= bounds.min && (!bounds.max || value <= bounds.max);
}

/* The type of one number of TYPE, which has the bounds. */
static enum config_type type_of_bounds(enum config_type type)
{
	switch (type) {
	case CONFIG_DURATIONS:
		return CONFIG_DURATION;
	case CONFIG_PERIOD:
	case CONFIG_QUOTA:
	case CONFIG_OCTETRATE:
		return CONFIG_SIZE;
	default:
		return type;
	}
}

/* False: VALUE is out of range, which was reported. */
static bool within(struct config_parse *parse, const struct config_item *item, int64_t value, int64_t min, int64_t max)
{
	if (is_within(value, (struct bounds){min, max}))
		return true;
	enum config_type type = type_of_bounds(parse->setting->type);
	struct str text;
	str_init(&text, 128);
	config_value_format(type, &min, &text);
	str_append_text(&text, max ? _(" to ") : _(" or more"));
	if (max)
		config_value_format(type, &max, &text);
	bool may_be_none = parse->setting->type == CONFIG_LIMIT || parse->setting->type == CONFIG_SIZE_LIMIT ||
			   parse->setting->type == CONFIG_TIME_LIMIT || parse->setting->type == CONFIG_QUOTA ||
			   parse->setting->type == CONFIG_PERCENT;
	config_error(parse->findings, item->at,
		     may_be_none ? _("\"%.*s\" is out of range: %s must be %s, or none for no limit")
				 : _("\"%.*s\" is out of range: %s must be %s"),
		     SPAN_ARGS(item->text), parse->setting->name, str_text(&text));
	str_free(&text);
	return false;
}

static bool all_digits(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isdigit((unsigned char)text.at[i]))
			return false;
	return text.len > 0;
}

bool config_scalar_number(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	uint64_t value;
	if (parse->setting->type == CONFIG_LIMIT && is_none(item)) {
		*(int64_t *)to = CONFIG_NONE;
		return true;
	}
	if (!span_to_u64(item->text, INT64_MAX - 1, &value))
		return refuse(parse, item);
	*(int64_t *)to = (int64_t)value;
	return within(parse, item, (int64_t)value, parse->setting->min, parse->setting->max);
}

/* Reports a number without unit, and offers it with each unit that is within BOUNDS. */
static bool refuse_unitless(struct config_parse *parse, const struct config_item *item, const struct config_unit *units,
			    struct bounds bounds)
{
	enum { CHOICES = 3 };
	const struct config_unit *fits[CHOICES];
	size_t n = 0;
	uint64_t value;
	if (!span_to_u64(item->text, UINT32_MAX, &value))
		return refuse(parse, item);
	for (const struct config_unit *unit = units; unit->letter && n < CHOICES; unit++)
		if (is_within((int64_t)value * unit->factor, bounds))
			fits[n++] = unit;
	if (!n)
		return within(parse, item, (int64_t)value, bounds.min, bounds.max);
	struct str text;
	str_init(&text, 256);
	for (size_t i = 0; i < n && (value || !i); i++)
		str_printf(&text, "%s%llu%c",
			   !i           ? ""
			   : i + 1 == n ? _(" or ")
					: ", ",
			   (unsigned long long)value, fits[i]->letter);
	config_error(parse->findings, item->at, _("\"%.*s\" has no unit: write %s"), SPAN_ARGS(item->text),
		     str_text(&text));
	str_free(&text);
	return false;
}

/* Parses digits and a letter of UNITS; NOCASE: in either case. The caller checks that the value is within BOUNDS. */
static bool parse_units(struct config_parse *parse, const struct config_item *item, const struct config_unit *units,
			bool nocase, struct bounds bounds, int64_t *out)
{
	struct span text = item->text;
	uint64_t value;
	if (all_digits(text))
		return refuse_unitless(parse, item, units, bounds);
	char letter = text.len ? text.at[text.len - 1] : '\0';
	for (const struct config_unit *unit = units; unit->letter && letter; unit++) {
		if (letter != unit->letter && !(nocase && toupper((unsigned char)letter) == unit->letter))
			continue;
		uint64_t max = (uint64_t)((INT64_MAX - 1) / unit->factor);
		if (!span_to_u64((struct span){text.at, text.len - 1}, max, &value))
			return refuse(parse, item);
		*out = (int64_t)value * unit->factor;
		return true;
	}
	return refuse(parse, item);
}

bool config_scalar_percent(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	struct span digits = item->text;
	uint64_t value;
	if (is_none(item)) {
		*(int64_t *)to = CONFIG_NONE;
		return true;
	}
	if (!digits.len || digits.at[--digits.len] != '%' || !span_to_u64(digits, UINT32_MAX, &value))
		return refuse(parse, item);
	*(int64_t *)to = (int64_t)value;
	return within(parse, item, (int64_t)value, parse->setting->min, parse->setting->max);
}

bool config_value_size(struct config_parse *parse, const struct config_item *item, int64_t *out)
{
	struct bounds bounds = {parse->setting->min, parse->setting->max};
	return parse_units(parse, item, config_size_units, true, bounds, out) &&
	       within(parse, item, *out, bounds.min, bounds.max);
}

bool config_scalar_size(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	int64_t *value = to;
	if (parse->setting->type == CONFIG_SIZE_LIMIT && is_none(item)) {
		*value = CONFIG_NONE;
		return true;
	}
	return config_value_size(parse, item, value);
}

/* Lower case only: 15M could as well mean months. */
bool config_value_duration(struct config_parse *parse, const struct config_item *item, int64_t *out)
{
	enum { SECOND = 1000, YEAR_DAYS = 365 };
	bool list = parse->setting->type == CONFIG_DURATIONS;
	struct bounds bounds = {list ? SECOND : parse->setting->min,
				list ? (int64_t)YEAR_DAYS * 86400 * SECOND : parse->setting->max};
	return parse_units(parse, item, config_duration_units, false, bounds, out) &&
	       within(parse, item, *out, bounds.min, bounds.max);
}

bool config_scalar_duration(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	if (parse->setting->type == CONFIG_TIME_LIMIT && is_none(item)) {
		*(int64_t *)to = CONFIG_NONE;
		return true;
	}
	return config_value_duration(parse, item, to);
}

/* COUNT of COUNT/PERIOD, or its octets. */
static bool rate_count(struct config_parse *parse, const struct config_item *item, struct span number, int64_t *out)
{
	const struct bounds sizes = {1024, CONFIG_OCTETRATE_MAX}; /* the smallest unit is K */
	struct config_item size = *item;
	uint64_t count, max = parse->setting->type == CONFIG_RATE ? CONFIG_RATE_MAX : CONFIG_EVENTRATE_MAX;
	size.text = number;
	if (parse->setting->type == CONFIG_OCTETRATE)
		return parse_units(parse, &size, config_size_units, true, sizes, out) &&
		       within(parse, item, *out, sizes.min, sizes.max);
	if (!span_to_u64(number, max, &count) || !count)
		return refuse(parse, item);
	*out = (int64_t)count;
	return true;
}

/* COUNT/PERIOD. */
bool config_scalar_rate(struct config_parse *parse, void *to)
{
	enum { SECOND = 1000, DAY = 86400 * SECOND };
	const struct config_item *item = &parse->items[0];
	struct config_rate *rate = to;
	struct config_item period = *item;
	int64_t count;
	*rate = (struct config_rate){0};
	if (is_none(item))
		return true;
	struct span number = span_take(&period.text, '/');
	if (!period.text.len)
		return refuse(parse, item);
	if (!rate_count(parse, item, number, &count))
		return false;
	const struct bounds bounds = {SECOND, DAY};
	if (!parse_units(parse, &period, config_duration_units, false, bounds, &rate->period_ms))
		return false;
	if (!is_within(rate->period_ms, bounds)) {
		config_error(parse->findings, item->at, _("\"%.*s\" is out of range: the period must be 1s to 1d"),
			     SPAN_ARGS(item->text));
		return false;
	}
	rate->count = count;
	return true;
}

/* PART/PARTS of share. */
static bool share_fraction(struct config_parse *parse, const struct config_item *item, struct config_shared_rate *rate)
{
	struct span parts_text = item->text, part_text = span_take(&parts_text, '/');
	uint64_t part, parts;
	if (!span_to_u64(part_text, CONFIG_PARTS_MAX, &part) || !span_to_u64(parts_text, CONFIG_PARTS_MAX, &parts) ||
	    !part || !parts)
		return config_value_refuse(parse, item,
					   N_("share takes a fraction such as 1/3, the second number at most 1000"));
	if (part >= parts)
		return config_value_refuse(
			parse, item,
			N_("a share is less than the whole: write 1/3 for one of three equal machines, or remove share"));
	rate->part = (uint32_t)part;
	rate->parts = (uint32_t)parts;
	return true;
}

static void warn_of_rest(struct config_parse *parse, const struct config_shared_rate *rate)
{
	if (config_rate_is_wasted(rate))
		config_warning(
			parse->findings, parse->items[0].at,
			_("with %.*s share %.*s this machine sends %lld in a period, rounded down, and all machines together send %lld: if the provider permits it, write the limit of a longer period"),
			SPAN_ARGS(parse->items[0].text), SPAN_ARGS(parse->items[2].text), (long long)rate->count,
			(long long)config_rate_together(rate));
}

/* COUNT/PERIOD [share PART/PARTS], on one line. */
bool config_scalar_shared_rate(struct config_parse *parse, void *to)
{
	struct config_shared_rate *rate = to;
	const struct config_item *words = parse->items;
	struct config_rate given;
	bool good = config_scalar_rate(parse, &given);
	*rate = (struct config_shared_rate){.count = given.count, .period_ms = given.period_ms};
	if (!good || parse->n == 1)
		return good;
	if (!config_value_follows(parse, 1) || !span_equal_nocase(words[1].text, SPAN("share")))
		return config_value_refuse(parse, &words[1],
					   N_("only share and a fraction such as 1/3 may follow the rate"));
	if (parse->n == 2 || !config_value_follows(parse, 2))
		return config_value_refuse(parse, &words[1], N_("a fraction must follow, such as 1/3"));
	if (parse->n > 3)
		return config_value_refuse(parse, &words[3], N_("nothing may follow the fraction"));
	if (!share_fraction(parse, &words[2], rate))
		return false;
	rate->whole = given.count;
	rate->count = given.count * rate->part / rate->parts;
	if (!rate->count)
		return config_value_refuse(
			parse, &words[2],
			N_("this machine's share, rounded down, is no message in a period: write the limit of a longer period, or let fewer machines send to this next hop"));
	warn_of_rest(parse, rate);
	return true;
}

bool config_scalar_quota(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	struct config_quota *quota = to;
	struct span text = item->text;
	uint64_t multiple;
	*quota = (struct config_quota){.octets = CONFIG_NONE};
	if (is_none(item))
		return true;
	if (text.len && tolower((unsigned char)text.at[text.len - 1]) == 'x') {
		if (!span_to_u64((struct span){text.at, text.len - 1}, 1000000, &multiple) || !multiple)
			return refuse(parse, item);
		*quota = (struct config_quota){.multiple = (int64_t)multiple};
		return true;
	}
	const struct bounds bounds = {1 << 10, 0};
	return parse_units(parse, item, config_size_units, true, bounds, &quota->octets) &&
	       within(parse, item, quota->octets, bounds.min, bounds.max);
}

int config_value_choice(struct config_parse *parse, const struct config_item *item, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (span_equal_nocase(item->text, span_of(words[i])))
			return i;
	const char *meant = config_slip_choice(item->text, words);
	if (!meant)
		return refuse(parse, item) - 1;
	config_error(parse->findings, item->at, _("\"%.*s\" is not a valid value of %s: write %s; did you mean %s?"),
		     SPAN_ARGS(item->text), parse->setting->name, _(config_value_allowed(parse->setting->type)), meant);
	return -1;
}

bool config_scalar_yesno(struct config_parse *parse, void *to)
{
	int choice = config_value_choice(parse, &parse->items[0], config_value_words(CONFIG_YESNO));
	*(bool *)to = choice == 1;
	return choice >= 0;
}

bool config_scalar_choice(struct config_parse *parse, void *to)
{
	int choice = config_value_choice(parse, &parse->items[0], config_value_words(parse->setting->type));
	*(int *)to = choice;
	return choice >= 0;
}

bool config_scalar_date(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	char text[CLOCK_TEXT_MAX];
	int64_t ms = 0;
	snprintf(text, sizeof(text), "%.*sT00:00:00Z", item->text.len > 10 ? 0 : (int)item->text.len, item->text.at);
	bool good = clock_iso_parse(span_of(text), &ms);
	*(int64_t *)to = ms / 1000;
	return good || refuse(parse, item);
}

bool config_scalar_set(struct config_parse *parse, void *to)
{
	unsigned *bits = to;
	bool good = true;
	*bits = 0;
	if (config_value_is_none(parse))
		return true;
	for (size_t i = 0; i < parse->n; i++) {
		int choice = config_value_choice(parse, &parse->items[i], config_value_words(parse->setting->type));
		if (choice >= 0)
			*bits |= 1U << choice;
		good = good && choice >= 0;
	}
	return good;
}

/* A set in which "off" means the empty set. */
bool config_scalar_mechanisms(struct config_parse *parse, void *to)
{
	*(unsigned *)to = 0;
	if (parse->n == 1 && span_equal_nocase(parse->items[0].text, SPAN("off")))
		return true;
	return config_scalar_set(parse, to);
}

/* One word, or two different ones in the order in which they count. */
bool config_scalar_passwords(struct config_parse *parse, void *to)
{
	static const enum config_passwords both[] = {CONFIG_PASSWORDS_FILE_KERBEROS, CONFIG_PASSWORDS_KERBEROS_FILE};
	const char *const *words = config_value_words(parse->setting->type);
	int first = config_value_choice(parse, &parse->items[0], words), second = -1;
	if (first < 0)
		return false;
	*(enum config_passwords *)to = (enum config_passwords)first;
	if (parse->n == 1)
		return true;
	second = config_value_choice(parse, &parse->items[1], words);
	if (second >= 0 && second != first)
		*(enum config_passwords *)to = both[first];
	return second >= 0 && (second != first || refuse(parse, &parse->items[1]));
}
