#include "common/config/value.h"

#include <ctype.h>
#include <string.h>

#include "common/config/slip.h"

const struct config_unit config_size_units[] = {{'K', 1 << 10}, {'M', 1 << 20}, {'G', 1 << 30}, {0, 0}};
const struct config_unit config_duration_units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {0, 0}};

enum { WORDS_MAX = 8 };

/* The words of types that are a choice or a set, in the order of their enums. */
static const char *const words_of[CONFIG_TYPE_COUNT][WORDS_MAX] = {
	[CONFIG_YESNO] = {"no", "yes"},
	[CONFIG_BARE] = {"reject", "repair"},
	[CONFIG_LANGUAGE] = {"en", "ja"},
	[CONFIG_STUFFING] = {"auto", "on", "off"},
	[CONFIG_ALLOW] = {"only-listed", "all-except-listed"},
	[CONFIG_TLSMIN] = {"1.0", "1.1", "1.2", "1.3"},
	[CONFIG_TLS] = {"off", "opportunistic", "encrypt", "verify"},
	[CONFIG_TRISTATE] = {"auto", "no", "yes"},
	[CONFIG_TLSMISSING] = {"wait", "return"},
	[CONFIG_AUTH] = {"off", "plain", "login", "scram-sha-256", "cram-md5", "gssapi"},
	[CONFIG_WORDS] = {"pipelining", "size", "8bitmime", "chunking", "enhancedstatuscodes", "dsn"},
	[CONFIG_MECHANISMS] = {"plain", "login", "scram-sha-256", "cram-md5", "gssapi"},
};

const char *const *config_value_words(enum config_type type)
{
	return words_of[type];
}

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
	config_error(parse->findings, item->at, "\"%.*s\" is no value of %s: write %s", SPAN_ARGS(item->text),
		     parse->setting->name, config_value_allowed(parse->setting->type));
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

/* VALUE is not out of bounds, or that was reported. */
static bool within(struct config_parse *parse, const struct config_item *item, int64_t value, int64_t min, int64_t max)
{
	if (is_within(value, (struct bounds){min, max}))
		return true;
	enum config_type type = parse->setting->type == CONFIG_DURATIONS ? CONFIG_DURATION
				: parse->setting->type == CONFIG_PERIOD  ? CONFIG_SIZE
				: parse->setting->type == CONFIG_QUOTA   ? CONFIG_SIZE
									 : parse->setting->type;
	struct str text;
	str_init(&text, 64);
	config_value_format(type, &min, &text);
	if (max) {
		str_append_text(&text, " to ");
		config_value_format(type, &max, &text);
	}
	bool may_be_none = parse->setting->type == CONFIG_LIMIT || parse->setting->type == CONFIG_SIZE_LIMIT ||
			   parse->setting->type == CONFIG_QUOTA;
	config_error(parse->findings, item->at, "\"%.*s\" is out of bounds: %s is %s%s%s", SPAN_ARGS(item->text),
		     parse->setting->name, str_text(&text), max ? "" : " or more",
		     may_be_none ? ", or none for no limit" : "");
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

static bool parse_number(struct config_parse *parse, void *to)
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

/* The item is a number alone: what it would be with each unit, as far as that is allowed. */
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
			   : i + 1 == n ? " or "
					: ", ",
			   (unsigned long long)value, fits[i]->letter);
	config_error(parse->findings, item->at, "\"%.*s\" has no unit: write %s", SPAN_ARGS(item->text),
		     str_text(&text));
	str_free(&text);
	return false;
}

/* Digits and one letter of UNITS, which are the same in both cases where NOCASE. The caller looks whether they are
 * within BOUNDS. */
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

bool config_value_size(struct config_parse *parse, const struct config_item *item, int64_t *out)
{
	struct bounds bounds = {parse->setting->min, parse->setting->max};
	return parse_units(parse, item, config_size_units, true, bounds, out) &&
	       within(parse, item, *out, bounds.min, bounds.max);
}

static bool parse_size(struct config_parse *parse, void *to)
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

static bool parse_duration(struct config_parse *parse, void *to)
{
	return config_value_duration(parse, &parse->items[0], to);
}

/* COUNT/PERIOD. */
static bool parse_rate(struct config_parse *parse, void *to)
{
	enum { SECOND = 1000, DAY = 86400 * SECOND };
	const struct config_item *item = &parse->items[0];
	struct config_rate *rate = to;
	struct config_item period = *item;
	uint64_t count;
	*rate = (struct config_rate){0};
	if (is_none(item))
		return true;
	struct span number = span_take(&period.text, '/');
	if (!span_to_u64(number, CONFIG_RATE_MAX, &count) || !count || !period.text.len)
		return refuse(parse, item);
	const struct bounds bounds = {SECOND, DAY};
	if (!parse_units(parse, &period, config_duration_units, false, bounds, &rate->period_ms))
		return false;
	if (!is_within(rate->period_ms, bounds)) {
		config_error(parse->findings, item->at, "\"%.*s\" is out of bounds: the period is 1s to 1d",
			     SPAN_ARGS(item->text));
		return false;
	}
	rate->count = (int64_t)count;
	return true;
}

static bool parse_quota(struct config_parse *parse, void *to)
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
	config_error(parse->findings, item->at, "\"%.*s\" is no value of %s: write %s; did you mean %s?",
		     SPAN_ARGS(item->text), parse->setting->name, config_value_allowed(parse->setting->type), meant);
	return -1;
}

static bool parse_yesno(struct config_parse *parse, void *to)
{
	int choice = config_value_choice(parse, &parse->items[0], words_of[CONFIG_YESNO]);
	*(bool *)to = choice == 1;
	return choice >= 0;
}

static bool parse_choice(struct config_parse *parse, void *to)
{
	int choice = config_value_choice(parse, &parse->items[0], words_of[parse->setting->type]);
	*(int *)to = choice;
	return choice >= 0;
}

static bool parse_set(struct config_parse *parse, void *to)
{
	unsigned *bits = to;
	bool good = true;
	*bits = 0;
	if (config_value_is_none(parse))
		return true;
	for (size_t i = 0; i < parse->n; i++) {
		int choice = config_value_choice(parse, &parse->items[i], words_of[parse->setting->type]);
		if (choice >= 0)
			*bits |= 1U << choice;
		good = good && choice >= 0;
	}
	return good;
}

/* A set of which "off" is the empty one. */
static bool parse_mechanisms(struct config_parse *parse, void *to)
{
	*(unsigned *)to = 0;
	if (parse->n == 1 && span_equal_nocase(parse->items[0].text, SPAN("off")))
		return true;
	return parse_set(parse, to);
}

struct type {
	bool (*parse)(struct config_parse *parse, void *to);
	bool list;
	size_t size;
	const char *allowed;
};
static const struct type types[CONFIG_TYPE_COUNT] = {
	[CONFIG_YESNO] = {parse_yesno, false, sizeof(CONFIG_C_YESNO), "yes or no"},
	[CONFIG_NUMBER] = {parse_number, false, sizeof(CONFIG_C_NUMBER), "a number"},
	[CONFIG_LIMIT] = {parse_number, false, sizeof(CONFIG_C_LIMIT), "a number, or none for no limit"},
	[CONFIG_SIZE] = {parse_size, false, sizeof(CONFIG_C_SIZE), "a size such as 500K, 2M or 1G"},
	[CONFIG_SIZE_LIMIT] = {parse_size, false, sizeof(CONFIG_C_SIZE_LIMIT),
			       "a size such as 500K, 2M or 1G, or none for no limit"},
	[CONFIG_DURATION] = {parse_duration, false, sizeof(CONFIG_C_DURATION),
			     "a duration such as 30s, 15m, 12h or 2d"},
	[CONFIG_DURATIONS] = {config_list_durations, true, sizeof(CONFIG_C_DURATIONS),
			      "durations such as 30s, 15m, 12h or 2d"},
	[CONFIG_RATE] = {parse_rate, false, sizeof(CONFIG_C_RATE),
			 "a rate such as 30/1m, of at most 10000 in a period, or none for no limit"},
	[CONFIG_NAME] = {config_name_name, false, sizeof(CONFIG_C_NAME), "the name of a user"},
	[CONFIG_NAMES] = {config_list_names, true, sizeof(CONFIG_C_NAMES),
			  "names of users and, with @ in front, of groups; or none"},
	[CONFIG_PATH] = {config_name_path, false, sizeof(CONFIG_C_PATH), "an absolute path"},
	[CONFIG_FILE] = {config_name_path, false, sizeof(CONFIG_C_FILE), "an absolute path"},
	[CONFIG_FOLDER] = {config_name_folder, false, sizeof(CONFIG_C_FOLDER), "an absolute path, or off"},
	[CONFIG_DOMAIN] = {config_name_domain, false, sizeof(CONFIG_C_DOMAIN), "a domain name"},
	[CONFIG_ADDRESS] = {config_name_address, false, sizeof(CONFIG_C_ADDRESS), "a mail address"},
	[CONFIG_ADDRESSES] = {config_list_addresses, true, sizeof(CONFIG_C_ADDRESSES), "mail addresses; or none"},
	[CONFIG_TEXT] = {config_name_text, false, sizeof(CONFIG_C_TEXT), "a text, with blanks in double quotes"},
	[CONFIG_WORDS] = {parse_set, true, sizeof(CONFIG_C_WORDS),
			  "pipelining, size, 8bitmime, chunking, enhancedstatuscodes, dsn; or none"},
	[CONFIG_CLIENTS] =
		{config_list_clients, true, sizeof(CONFIG_C_CLIENTS),
		 "addresses and networks such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, names of clients such as "
		 "*.example.com; or none"},
	[CONFIG_LISTEN] = {config_list_listen, true, sizeof(CONFIG_C_LISTEN),
			   "*, an address, or either with :PORT; IPv6 in brackets; tls behind it"},
	[CONFIG_ENDPOINTS] = {config_list_endpoints, true, sizeof(CONFIG_C_ENDPOINTS),
			      "addresses, each with or without :PORT; IPv6 in brackets; or none"},
	[CONFIG_HOSTS] =
		{config_list_hosts, true, sizeof(CONFIG_C_HOSTS),
		 "hosts: name, [name], [192.0.2.1] or [2001:db8::1], each with or without :PORT and weight N; or none"},
	[CONFIG_ROUTE] =
		{config_list_route, true, sizeof(CONFIG_C_ROUTE),
		 "dns, or hosts: name, [name], [192.0.2.1] or [2001:db8::1], each with or without :PORT and weight N"},
	[CONFIG_QUOTA] = {parse_quota, false, sizeof(CONFIG_C_QUOTA),
			  "a size such as 500M, a multiple of max_message_size such as 10x, or none for no limit"},
	[CONFIG_BARE] = {parse_choice, false, sizeof(CONFIG_C_BARE), "reject or repair"},
	[CONFIG_LANGUAGE] = {parse_choice, false, sizeof(CONFIG_C_LANGUAGE), "en or ja"},
	[CONFIG_STUFFING] = {parse_choice, false, sizeof(CONFIG_C_STUFFING), "auto, on or off"},
	[CONFIG_ALLOW] = {parse_choice, false, sizeof(CONFIG_C_ALLOW), "only-listed or all-except-listed"},
	[CONFIG_TLSMIN] = {parse_choice, false, sizeof(CONFIG_C_TLSMIN), "1.0, 1.1, 1.2 or 1.3"},
	[CONFIG_TLS] = {parse_choice, false, sizeof(CONFIG_C_TLS), "off, opportunistic, encrypt or verify"},
	[CONFIG_TRISTATE] = {parse_choice, false, sizeof(CONFIG_C_TRISTATE), "auto, yes or no"},
	[CONFIG_TLSMISSING] = {parse_choice, false, sizeof(CONFIG_C_TLSMISSING), "wait or return"},
	[CONFIG_AUTH] = {parse_choice, false, sizeof(CONFIG_C_AUTH),
			 "plain, login, scram-sha-256, cram-md5, gssapi or off"},
	[CONFIG_MECHANISMS] = {parse_mechanisms, true, sizeof(CONFIG_C_MECHANISMS),
			       "plain, login, scram-sha-256, cram-md5, gssapi; or off"},
	[CONFIG_CERTIFICATES] = {config_list_certificates, true, sizeof(CONFIG_C_CERTIFICATES),
				 "two absolute paths, of the certificate and of its key"},
	[CONFIG_SOURCES] = {config_list_sources, true, sizeof(CONFIG_C_SOURCES),
			    "an IPv4 address, an IPv6 address, or one of each"},
	[CONFIG_FINGERPRINTS] = {config_list_fingerprints, true, sizeof(CONFIG_C_FINGERPRINTS),
				 "SHA-256 digests: 64 hexadecimal digits, with or without colons"},
	[CONFIG_SPACES] = {config_connector_spaces, true, sizeof(CONFIG_C_SPACES),
			   "example.com, *.example.com or *, and behind it cost and 1 to 100"},
	[CONFIG_SENDERS] = {config_connector_senders, true, sizeof(CONFIG_C_SENDERS),
			    "senders such as user@example.com, example.com, *.example.com or <>; or none"},
	[CONFIG_ACCOUNTS] = {config_etrn_accounts, true, sizeof(CONFIG_C_ACCOUNTS),
			     "names of accounts, as mailrootctl user has them; or none"},
	[CONFIG_ETRN] = {config_etrn_request, true, sizeof(CONFIG_C_ETRN),
			 "domains, each with or without @ in front, and behind them every and a duration; or none"},
	[CONFIG_LOGFORMAT] = {config_log_format, false, sizeof(CONFIG_C_LOGFORMAT), "w3c, iis, ncsa, json or off"},
	[CONFIG_PERIOD] = {config_log_period, false, sizeof(CONFIG_C_PERIOD),
			   "hourly, daily, weekly, monthly, unlimited, or a size such as 20M"},
	[CONFIG_FIELDS] =
		{config_log_fields, true, sizeof(CONFIG_C_FIELDS),
		 "date, time, c-ip, cs-username, s-sitename, s-computername, s-ip, s-port, cs-method, "
		 "cs-uri-stem, cs-uri-query, sc-status, sc-win32-status, sc-bytes, cs-bytes, time-taken, "
		 "cs-version, cs-host, cs(User-Agent), cs(Cookie), cs(Referer), x-session, x-reply; or iis alone"},
};

bool config_value_is_list(enum config_type type)
{
	return types[type].list;
}

const char *config_value_allowed(enum config_type type)
{
	return types[type].allowed;
}

/* min and max of a list count its entries. */
static bool right_count(struct config_parse *parse)
{
	const struct config_setting *setting = parse->setting;
	size_t n = config_value_is_none(parse) ? 0 : parse->n;
	for (size_t i = 0; i < parse->n && parse->n > 1; i++)
		if (is_none(&parse->items[i])) {
			config_error(parse->findings, parse->items[i].at, "none means an empty list and stands alone");
			return false;
		}
	if (setting->max && n > (size_t)setting->max) {
		config_error(parse->findings, parse->items[setting->max].at, "%s takes %lld values at most",
			     setting->name, (long long)setting->max);
		return false;
	}
	if (n >= (size_t)setting->min)
		return true;
	config_error(parse->findings, parse->items[0].at, "%s can't be empty: write %s", setting->name,
		     types[setting->type].allowed);
	return false;
}

bool config_value_parse(struct config_parse *parse, void *to)
{
	const struct type *type = &types[parse->setting->type];
	memset(to, 0, type->size);
	if (type->list)
		return right_count(parse) && type->parse(parse, to);
	if (type->parse(parse, to))
		return true;
	memset(to, 0, type->size);
	return false;
}
