#include "common/config/value.h"

#include <string.h>

#include "common/base/language.h"

struct type {
	bool (*parse)(struct config_parse *parse, void *to);
	bool list;
	size_t size;
};
static const struct type types[CONFIG_TYPE_COUNT] = {
	[CONFIG_YESNO] = {config_scalar_yesno, false, sizeof(CONFIG_C_YESNO)},
	[CONFIG_NUMBER] = {config_scalar_number, false, sizeof(CONFIG_C_NUMBER)},
	[CONFIG_LIMIT] = {config_scalar_number, false, sizeof(CONFIG_C_LIMIT)},
	[CONFIG_SIZE] = {config_scalar_size, false, sizeof(CONFIG_C_SIZE)},
	[CONFIG_SIZE_LIMIT] = {config_scalar_size, false, sizeof(CONFIG_C_SIZE_LIMIT)},
	[CONFIG_DURATION] = {config_scalar_duration, false, sizeof(CONFIG_C_DURATION)},
	[CONFIG_TIME_LIMIT] = {config_scalar_duration, false, sizeof(CONFIG_C_TIME_LIMIT)},
	[CONFIG_PERCENT] = {config_scalar_percent, false, sizeof(CONFIG_C_PERCENT)},
	[CONFIG_DURATIONS] = {config_list_durations, true, sizeof(CONFIG_C_DURATIONS)},
	[CONFIG_RATE] = {config_scalar_shared_rate, true, sizeof(CONFIG_C_RATE)},
	[CONFIG_EVENTRATE] = {config_scalar_rate, false, sizeof(CONFIG_C_EVENTRATE)},
	[CONFIG_OCTETRATE] = {config_scalar_rate, false, sizeof(CONFIG_C_OCTETRATE)},
	[CONFIG_NAME] = {config_name_name, false, sizeof(CONFIG_C_NAME)},
	[CONFIG_NAMES] = {config_list_names, true, sizeof(CONFIG_C_NAMES)},
	[CONFIG_PATH] = {config_name_path, false, sizeof(CONFIG_C_PATH)},
	[CONFIG_FILE] = {config_name_path, false, sizeof(CONFIG_C_FILE)},
	[CONFIG_FOLDER] = {config_name_folder, false, sizeof(CONFIG_C_FOLDER)},
	[CONFIG_DOMAIN] = {config_name_domain, false, sizeof(CONFIG_C_DOMAIN)},
	[CONFIG_ADDRESS] = {config_name_address, false, sizeof(CONFIG_C_ADDRESS)},
	[CONFIG_ADDRESSES] = {config_list_addresses, true, sizeof(CONFIG_C_ADDRESSES)},
	[CONFIG_TEXT] = {config_name_text, false, sizeof(CONFIG_C_TEXT)},
	[CONFIG_WORDS] = {config_scalar_set, true, sizeof(CONFIG_C_WORDS)},
	[CONFIG_CLIENTS] = {config_list_clients, true, sizeof(CONFIG_C_CLIENTS)},
	[CONFIG_LISTEN] = {config_list_listen, true, sizeof(CONFIG_C_LISTEN)},
	[CONFIG_WEBLISTEN] = {config_list_web, true, sizeof(CONFIG_C_WEBLISTEN)},
	[CONFIG_ENDPOINTS] = {config_list_endpoints, true, sizeof(CONFIG_C_ENDPOINTS)},
	[CONFIG_HOSTS] = {config_list_hosts, true, sizeof(CONFIG_C_HOSTS)},
	[CONFIG_ROUTE] = {config_list_route, true, sizeof(CONFIG_C_ROUTE)},
	[CONFIG_QUOTA] = {config_scalar_quota, false, sizeof(CONFIG_C_QUOTA)},
	[CONFIG_BARE] = {config_scalar_choice, false, sizeof(CONFIG_C_BARE)},
	[CONFIG_LANGUAGE] = {config_scalar_choice, false, sizeof(CONFIG_C_LANGUAGE)},
	[CONFIG_STUFFING] = {config_scalar_choice, false, sizeof(CONFIG_C_STUFFING)},
	[CONFIG_ALLOW] = {config_scalar_choice, false, sizeof(CONFIG_C_ALLOW)},
	[CONFIG_TLSMIN] = {config_scalar_choice, false, sizeof(CONFIG_C_TLSMIN)},
	[CONFIG_TLS] = {config_scalar_choice, false, sizeof(CONFIG_C_TLS)},
	[CONFIG_TRISTATE] = {config_scalar_choice, false, sizeof(CONFIG_C_TRISTATE)},
	[CONFIG_TLSMISSING] = {config_scalar_choice, false, sizeof(CONFIG_C_TLSMISSING)},
	[CONFIG_AUTH] = {config_scalar_choice, false, sizeof(CONFIG_C_AUTH)},
	[CONFIG_PROVIDER] = {config_scalar_choice, false, sizeof(CONFIG_C_PROVIDER)},
	[CONFIG_GRANT] = {config_scalar_choice, false, sizeof(CONFIG_C_GRANT)},
	[CONFIG_ASSERTION] = {config_scalar_choice, false, sizeof(CONFIG_C_ASSERTION)},
	[CONFIG_COUNTEDBY] = {config_scalar_choice, false, sizeof(CONFIG_C_COUNTEDBY)},
	[CONFIG_OVERLIMIT] = {config_scalar_choice, false, sizeof(CONFIG_C_OVERLIMIT)},
	[CONFIG_UNKNOWN] = {config_scalar_choice, false, sizeof(CONFIG_C_UNKNOWN)},
	[CONFIG_SECCOMP] = {config_scalar_choice, false, sizeof(CONFIG_C_SECCOMP)},
	[CONFIG_DATE] = {config_scalar_date, false, sizeof(CONFIG_C_DATE)},
	[CONFIG_MECHANISMS] = {config_scalar_mechanisms, true, sizeof(CONFIG_C_MECHANISMS)},
	[CONFIG_PASSWORDS] = {config_scalar_passwords, true, sizeof(CONFIG_C_PASSWORDS)},
	[CONFIG_REALMS] = {config_list_realms, true, sizeof(CONFIG_C_REALMS)},
	[CONFIG_CERTIFICATES] = {config_list_certificates, true, sizeof(CONFIG_C_CERTIFICATES)},
	[CONFIG_SOURCES] = {config_list_sources, true, sizeof(CONFIG_C_SOURCES)},
	[CONFIG_FINGERPRINTS] = {config_list_fingerprints, true, sizeof(CONFIG_C_FINGERPRINTS)},
	[CONFIG_SPACES] = {config_connector_spaces, true, sizeof(CONFIG_C_SPACES)},
	[CONFIG_SENDERS] = {config_connector_senders, true, sizeof(CONFIG_C_SENDERS)},
	[CONFIG_ACCOUNTS] = {config_etrn_accounts, true, sizeof(CONFIG_C_ACCOUNTS)},
	[CONFIG_REQUIREMENTS] = {config_scalar_set, true, sizeof(CONFIG_C_REQUIREMENTS)},
	[CONFIG_ETRN] = {config_etrn_request, true, sizeof(CONFIG_C_ETRN)},
	[CONFIG_DNSBL] = {config_dnsbl_lists, true, sizeof(CONFIG_C_DNSBL)},
	[CONFIG_DNSBLALLOW] = {config_dnsbl_allow_lists, true, sizeof(CONFIG_C_DNSBLALLOW)},
	[CONFIG_SELECTORS] = {config_dkim_selectors, true, sizeof(CONFIG_C_SELECTORS)},
	[CONFIG_HEADERS] = {config_dkim_headers, true, sizeof(CONFIG_C_HEADERS)},
	[CONFIG_CANONICAL] = {config_scalar_choice, false, sizeof(CONFIG_C_CANONICAL)},
	[CONFIG_LOGFORMAT] = {config_log_format, false, sizeof(CONFIG_C_LOGFORMAT)},
	[CONFIG_PERIOD] = {config_log_period, false, sizeof(CONFIG_C_PERIOD)},
	[CONFIG_FIELDS] = {config_log_fields, true, sizeof(CONFIG_C_FIELDS)},
	[CONFIG_MILTER] = {config_filter_address, false, sizeof(CONFIG_C_MILTER)},
	[CONFIG_TIMEOUTS] = {config_filter_timeouts, true, sizeof(CONFIG_C_TIMEOUTS)},
	[CONFIG_WHENDOWN] = {config_scalar_choice, false, sizeof(CONFIG_C_WHENDOWN)},
	[CONFIG_MAILSOURCES] = {config_scalar_set, true, sizeof(CONFIG_C_MAILSOURCES)},
};

bool config_value_is_list(enum config_type type)
{
	return types[type].list;
}

bool config_value_refuse(struct config_parse *parse, const struct config_item *item, const char *why)
{
	config_error(parse->findings, item->at, _("\"%.*s\" in %s: %s"), SPAN_ARGS(item->text), parse->setting->name,
		     _(why));
	return false;
}

void *config_value_entries(struct config_parse *parse, size_t size, size_t *n)
{
	*n = config_value_is_none(parse) ? 0 : parse->n;
	void *at = arena_alloc(parse->arena, *n ? *n * size : 1);
	if (!at) {
		parse->findings->no_memory = true;
		*n = 0;
	}
	return at;
}

/* min and max of a list are numbers of entries. */
static bool right_count(struct config_parse *parse)
{
	const struct config_setting *setting = parse->setting;
	size_t n = config_value_is_none(parse) ? 0 : parse->n;
	for (size_t i = 0; i < parse->n && parse->n > 1; i++)
		if (span_equal_nocase(parse->items[i].text, SPAN("none"))) {
			config_error(parse->findings, parse->items[i].at,
				     _("none means an empty list and must stand alone"));
			return false;
		}
	if (setting->max && n > (size_t)setting->max) {
		config_error(parse->findings, parse->items[setting->max].at, _("%s takes at most %lld values"),
			     setting->name, (long long)setting->max);
		return false;
	}
	if (n >= (size_t)setting->min)
		return true;
	config_error(parse->findings, parse->items[0].at, _("%s can't be empty: write %s"), setting->name,
		     _(config_value_allowed(setting->type)));
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
