#include <string.h>

#include "common/base/clock.h"
#include "common/config/value.h"

/* VALUE in the largest unit that divides it. */
static void format_units(struct str *to, int64_t value, const struct config_unit *units)
{
	const struct config_unit *best = units;
	for (const struct config_unit *unit = units; value && unit->letter; unit++)
		if (value % unit->factor == 0)
			best = unit;
	str_printf(to, "%lld%c", (long long)(value / best->factor), best->letter);
}

static void format_size(struct str *to, int64_t octets)
{
	if (octets == CONFIG_NONE)
		str_append_text(to, "none");
	else
		format_units(to, octets, config_size_units);
}

static void format_duration(struct str *to, int64_t ms)
{
	if (ms == CONFIG_NONE)
		str_append_text(to, "none");
	else
		format_units(to, ms, config_duration_units);
}

void config_format_word(struct str *to, struct span word)
{
	bool plain = word.len > 0;
	for (size_t i = 0; i < word.len; i++)
		plain = plain && !memchr(" \t\"\\{};#", word.at[i], 8);
	if (plain) {
		str_append(to, word);
		return;
	}
	str_append_c(to, '"');
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] == '"' || word.at[i] == '\\')
			str_append_c(to, '\\');
		str_append_c(to, word.at[i]);
	}
	str_append_c(to, '"');
}

void config_format_duration(struct str *to, int64_t ms)
{
	format_units(to, ms, config_duration_units);
}

/* A space between the entries of a list. */
static void separate(struct str *to, size_t i)
{
	if (i)
		str_append_c(to, ' ');
}

static void format_hosts(struct str *to, const struct config_hosts *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct config_host *host = &list->at[i];
		separate(to, i);
		str_printf(to, host->kind == CONFIG_HOST_MX ? "%s" : "[%s]", host->name);
		if (host->port)
			str_printf(to, ":%u", host->port);
		if (host->weight)
			str_printf(to, " weight %u", host->weight);
	}
}

static void format_route(struct str *to, const struct config_route *route)
{
	if (route->dns)
		str_append_text(to, "dns");
	else
		format_hosts(to, &route->hosts);
}

void config_format_endpoint(struct str *to, const struct config_endpoint *endpoint)
{
	str_append_text(to, endpoint->text);
	if (endpoint->tls)
		str_append_text(to, " tls");
	if (endpoint->proxy)
		str_append_text(to, " proxy");
}

void config_format_certificate(struct str *to, const struct config_certificate *certificate)
{
	config_format_word(to, span_of(certificate->certificate));
	str_append_c(to, ' ');
	config_format_word(to, span_of(certificate->key));
}

static void format_selectors(struct str *to, const struct config_selectors *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		config_format_selector(to, &list->at[i]);
	}
}

static void format_endpoints(struct str *to, const struct config_endpoints *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		config_format_endpoint(to, &list->at[i]);
	}
}

static void format_clients(struct str *to, const struct config_clients *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		str_append_text(to, list->at[i].text);
	}
}

static void format_names(struct str *to, const struct config_words *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		str_append_text(to, list->at[i]);
	}
}

static void format_headers(struct str *to, const struct config_words *list)
{
	format_names(to, list);
	if (!list->n)
		str_append_text(to, "standard");
}

static void format_durations(struct str *to, const struct config_durations *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		format_units(to, list->ms[i], config_duration_units);
	}
}

static void format_bits(struct str *to, enum config_type type, unsigned bits)
{
	const char *const *words = config_value_words(type);
	size_t n = 0;
	for (int i = 0; words[i]; i++) {
		if (!(bits & (1U << i)))
			continue;
		separate(to, n++);
		str_append_text(to, words[i]);
	}
	if (!n && type == CONFIG_MECHANISMS)
		str_append_text(to, "off");
}

void config_format_space(struct str *to, const struct config_space *space)
{
	str_append_text(to, space->pattern);
	if (space->cost != 1)
		str_printf(to, " cost %u", space->cost);
}

static void format_spaces(struct str *to, const struct config_spaces *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		config_format_space(to, &list->at[i]);
	}
}

static void format_senders(struct str *to, const struct config_senders *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct config_sender *sender = &list->at[i];
		separate(to, i);
		str_printf(to, "%s%s%s", sender->local ? sender->local : "", sender->local ? "@" : "",
			   sender->domain ? sender->domain : "<>");
	}
	if (!list->n)
		str_append_text(to, "none");
}

static void format_etrn(struct str *to, const struct config_etrn *etrn)
{
	if (!etrn->domains.n)
		return;
	format_names(to, &etrn->domains);
	str_append_text(to, " every ");
	format_units(to, etrn->every_ms, config_duration_units);
}

static void format_dnsbls(struct str *to, const struct config_dnsbls *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		config_format_dnsbl(to, &list->at[i]);
	}
}

static void format_certificates(struct str *to, const struct config_certificates *list)
{
	for (size_t i = 0; i < list->n; i++) {
		separate(to, i);
		config_format_certificate(to, &list->at[i]);
	}
}

static void format_period(struct str *to, const struct config_period *period)
{
	if (period->kind == CONFIG_PERIOD_SIZE)
		format_size(to, period->octets);
	else
		str_append_text(to, config_period_words[period->kind]);
}

static void format_fields(struct str *to, unsigned fields)
{
	size_t n = 0;
	for (enum config_log_field field = 0; field < LOG_FIELD_COUNT; field++) {
		if (!(fields & (1U << field)))
			continue;
		separate(to, n++);
		str_append_text(to, config_log_field_name(field));
	}
}

static void format_number(struct str *to, int64_t number)
{
	if (number == CONFIG_NONE)
		str_append_text(to, "none");
	else
		str_printf(to, "%lld", (long long)number);
}

static void format_rate(enum config_type type, struct str *to, const struct config_rate *rate)
{
	if (!rate->count) {
		str_append_text(to, "none");
		return;
	}
	if (type == CONFIG_OCTETRATE)
		format_size(to, rate->count);
	else
		str_printf(to, "%lld", (long long)rate->count);
	str_append_c(to, '/');
	format_units(to, rate->period_ms, config_duration_units);
}

static void format_shared_rate(struct str *to, const struct config_shared_rate *rate)
{
	const struct config_rate whole = {rate->parts ? rate->whole : rate->count, rate->period_ms};
	format_rate(CONFIG_EVENTRATE, to, &whole);
	if (rate->parts)
		str_printf(to, " share %u/%u", rate->part, rate->parts);
}

static void format_quota(struct str *to, const struct config_quota *quota)
{
	if (quota->multiple)
		str_printf(to, "%lldx", (long long)quota->multiple);
	else
		format_size(to, quota->octets);
}

static void format_text(struct str *to, const char *text)
{
	if (text)
		config_format_word(to, span_of(text));
}

static void format_date(struct str *to, int64_t seconds)
{
	char text[CLOCK_TEXT_MAX];
	clock_iso(seconds * 1000, text);
	if (seconds)
		str_printf(to, "%.10s", text);
}

static const char *const passwords[] = {
	[CONFIG_PASSWORDS_FILE] = "file",
	[CONFIG_PASSWORDS_KERBEROS] = "kerberos",
	[CONFIG_PASSWORDS_FILE_KERBEROS] = "file kerberos",
	[CONFIG_PASSWORDS_KERBEROS_FILE] = "kerberos file",
};

/* Lists whose entries have a line each. False: the type is none. */
static bool format_lines(enum config_type type, const void *value, struct str *to)
{
	switch (type) {
	case CONFIG_CERTIFICATES:
		format_certificates(to, value);
		break;
	case CONFIG_SPACES:
		format_spaces(to, value);
		break;
	case CONFIG_DNSBL:
	case CONFIG_DNSBLALLOW:
		format_dnsbls(to, value);
		break;
	case CONFIG_SELECTORS:
		format_selectors(to, value);
		break;
	default:
		return false;
	}
	return true;
}

/* False: the type is not a list. */
static bool format_list(enum config_type type, const void *value, struct str *to)
{
	switch (type) {
	case CONFIG_DURATIONS:
		format_durations(to, value);
		break;
	case CONFIG_NAMES:
	case CONFIG_ADDRESSES:
	case CONFIG_ACCOUNTS:
	case CONFIG_REALMS:
	case CONFIG_FINGERPRINTS:
	case CONFIG_SOURCES:
		format_names(to, value);
		break;
	case CONFIG_WORDS:
	case CONFIG_MECHANISMS:
	case CONFIG_REQUIREMENTS:
	case CONFIG_MAILSOURCES:
		format_bits(to, type, *(const unsigned *)value);
		break;
	case CONFIG_PASSWORDS:
		str_append_text(to, passwords[*(const enum config_passwords *)value]);
		break;
	case CONFIG_HEADERS:
		format_headers(to, value);
		break;
	case CONFIG_SENDERS:
		format_senders(to, value);
		break;
	case CONFIG_ETRN:
		format_etrn(to, value);
		break;
	case CONFIG_CLIENTS:
		format_clients(to, value);
		break;
	case CONFIG_LISTEN:
	case CONFIG_ENDPOINTS:
	case CONFIG_WEBLISTEN:
		format_endpoints(to, value);
		break;
	case CONFIG_HOSTS:
		format_hosts(to, value);
		break;
	case CONFIG_ROUTE:
		format_route(to, value);
		break;
	case CONFIG_FIELDS:
		format_fields(to, *(const unsigned *)value);
		break;
	default:
		return format_lines(type, value, to);
	}
	return true;
}

static void format_percent(struct str *to, int64_t value)
{
	format_number(to, value);
	if (value != CONFIG_NONE)
		str_append_c(to, '%');
}

static void format_single(enum config_type type, const void *value, struct str *to)
{
	switch (type) {
	case CONFIG_YESNO:
		str_append_text(to, *(const bool *)value ? "yes" : "no");
		break;
	case CONFIG_NUMBER:
	case CONFIG_LIMIT:
		format_number(to, *(const int64_t *)value);
		break;
	case CONFIG_SIZE:
	case CONFIG_SIZE_LIMIT:
		format_size(to, *(const int64_t *)value);
		break;
	case CONFIG_DURATION:
	case CONFIG_TIME_LIMIT:
		format_duration(to, *(const int64_t *)value);
		break;
	case CONFIG_PERCENT:
		format_percent(to, *(const int64_t *)value);
		break;
	case CONFIG_RATE:
		format_shared_rate(to, value);
		break;
	case CONFIG_EVENTRATE:
	case CONFIG_OCTETRATE:
		format_rate(type, to, value);
		break;
	case CONFIG_QUOTA:
		format_quota(to, value);
		break;
	case CONFIG_LOGFORMAT:
		str_append_text(to, config_log_format_words[*(const enum config_log_format *)value]);
		break;
	case CONFIG_DATE:
		format_date(to, *(const int64_t *)value);
		break;
	case CONFIG_TIMEOUTS:
		config_format_timeouts(to, value);
		break;
	case CONFIG_PERIOD:
		format_period(to, value);
		break;
	default:
		if (config_value_words(type)[0]) /* a choice */
			str_append_text(to, config_value_words(type)[*(const int *)value]);
		else /* names and texts, and structs that begin with their text */
			format_text(to, *(const char *const *)value);
	}
}

void config_value_format(enum config_type type, const void *value, struct str *to)
{
	size_t before = to->len;
	if (!format_list(type, value, to))
		format_single(type, value, to);
	else if (to->len == before)
		str_append_text(to, "none");
}
