/* Values of settings: parses words into C types and formats them, with one pair of functions for each type. */
#ifndef COMMON_CONFIG_VALUE_H
#define COMMON_CONFIG_VALUE_H

#include "common/config/report.h"
#include "common/config/table.h"

/* One value as written; the place of a default is empty. */
struct config_item {
	struct span text;
	struct config_at at;
	struct config_origin origin; /* the name of the file lives as long as the configuration */
};

struct config_parse {
	struct arena *arena; /* of the result */
	struct config_findings *findings;
	const struct config_setting *setting;
	const struct config_item *items;
	size_t n;
};

/* Parses the items (at least one) into TO. False: an error was reported; *to is zero, or has the valid entries. */
bool config_value_parse(struct config_parse *parse, void *to);

/* True if the type takes any number of values, and "none" for no value. */
bool config_value_is_list(enum config_type type);

/* Appends the member at VALUE as the words of a file; nothing if there is no value. */
void config_value_format(enum config_type type, const void *value, struct str *to);

/* Append one entry of listen or dns_server, of tls_certificate, of address_space, of dnsbl, of selector. */
void config_format_endpoint(struct str *to, const struct config_endpoint *endpoint);
void config_format_certificate(struct str *to, const struct config_certificate *certificate);
void config_format_space(struct str *to, const struct config_space *space);
void config_format_dnsbl(struct str *to, const struct config_dnsbl *list);
void config_format_selector(struct str *to, const struct config_selector *selector);
void config_format_answers(struct str *to, const struct config_dnsbl *list);

/* The allowed values, for messages and documents: "yes or no". */
const char *config_value_allowed(enum config_type type);

/* The words of a type that is a choice or a set, in the order of the enum or of the bits; NULL at the end. */
const char *const *config_value_words(enum config_type type);

/* The words of format, period and fields, in the order of their enums; NULL at the end. */
extern const char *const config_log_format_words[], *const config_period_words[], *const config_log_field_words[];

/* Names of blocks. NULL: an error was reported. */
const char *config_value_domain(struct config_parse *parse, const struct config_item *item);
const char *config_value_pattern(struct config_parse *parse, const struct config_item *item);
const char *config_value_plain(struct config_parse *parse, const struct config_item *item, const char *what);

/* An absolute path, normalized. NULL: an error was reported. */
const char *config_value_path(struct config_parse *parse, const struct config_item *item);

/* True if item I is on the same line as the one before it. */
bool config_value_follows(const struct config_parse *parse, size_t i);

/* True for "none" and nothing else: an empty list. */
bool config_value_is_none(const struct config_parse *parse);

/* Numbers, sizes, durations and choices, called by config_value_parse. */
bool config_scalar_number(struct config_parse *parse, void *to);
bool config_scalar_percent(struct config_parse *parse, void *to);
bool config_scalar_size(struct config_parse *parse, void *to);
bool config_scalar_duration(struct config_parse *parse, void *to);
bool config_scalar_rate(struct config_parse *parse, void *to);
bool config_scalar_shared_rate(struct config_parse *parse, void *to);
bool config_scalar_quota(struct config_parse *parse, void *to);
bool config_scalar_yesno(struct config_parse *parse, void *to);
bool config_scalar_choice(struct config_parse *parse, void *to);
bool config_scalar_date(struct config_parse *parse, void *to);
bool config_scalar_set(struct config_parse *parse, void *to);
bool config_scalar_mechanisms(struct config_parse *parse, void *to);
bool config_scalar_passwords(struct config_parse *parse, void *to);

/* The list types, called by config_value_parse. */
bool config_list_durations(struct config_parse *parse, void *to);
bool config_list_names(struct config_parse *parse, void *to);
bool config_list_realms(struct config_parse *parse, void *to);
bool config_list_addresses(struct config_parse *parse, void *to);
bool config_list_clients(struct config_parse *parse, void *to);
bool config_list_listen(struct config_parse *parse, void *to);
bool config_list_endpoints(struct config_parse *parse, void *to);
bool config_list_web(struct config_parse *parse, void *to);
bool config_list_hosts(struct config_parse *parse, void *to);
bool config_list_route(struct config_parse *parse, void *to);
bool config_list_certificates(struct config_parse *parse, void *to);
bool config_list_sources(struct config_parse *parse, void *to);
bool config_list_fingerprints(struct config_parse *parse, void *to);

/* Names and texts, called by config_value_parse. */
bool config_name_name(struct config_parse *parse, void *to);
bool config_name_path(struct config_parse *parse, void *to);
bool config_name_folder(struct config_parse *parse, void *to);
bool config_name_text(struct config_parse *parse, void *to);
bool config_name_domain(struct config_parse *parse, void *to);
bool config_name_address(struct config_parse *parse, void *to);

/* The settings of the transaction log, called by config_value_parse. */
bool config_log_format(struct config_parse *parse, void *to);
bool config_log_period(struct config_parse *parse, void *to);
bool config_log_fields(struct config_parse *parse, void *to);

/* The settings of connectors, called by config_value_parse. */
bool config_connector_spaces(struct config_parse *parse, void *to);
bool config_connector_senders(struct config_parse *parse, void *to);

/* The settings of ETRN and ATRN, called by config_value_parse. */
bool config_etrn_accounts(struct config_parse *parse, void *to);
bool config_etrn_request(struct config_parse *parse, void *to);

/* The DNS lists of connect, called by config_value_parse. */
bool config_dnsbl_lists(struct config_parse *parse, void *to);
bool config_dnsbl_allow_lists(struct config_parse *parse, void *to);

/* The settings of dkim, called by config_value_parse. */
bool config_dkim_selectors(struct config_parse *parse, void *to);
bool config_dkim_headers(struct config_parse *parse, void *to);

/* The settings of filters, called by config_value_parse. */
bool config_filter_address(struct config_parse *parse, void *to);
bool config_filter_timeouts(struct config_parse *parse, void *to);
void config_format_timeouts(struct str *to, const struct config_timeouts *timeouts);

/* Appends a duration in the largest unit that divides it. */
void config_format_duration(struct str *to, int64_t ms);

/* Reports ITEM with WHY, a message that is marked by N_(). Returns false. */
bool config_value_refuse(struct config_parse *parse, const struct config_item *item, const char *why);

/* Room for the entries of a list, SIZE octets each; *n is their number, 0 also for "none" or without memory. */
void *config_value_entries(struct config_parse *parse, size_t size, size_t *n);

/* The index of the item in WORDS (NULL at the end). -1: an error was reported. */
int config_value_choice(struct config_parse *parse, const struct config_item *item, const char *const *words);

/* A size with its unit, within the bounds of the setting. False: an error was reported. */
bool config_value_size(struct config_parse *parse, const struct config_item *item, int64_t *out);

/* One entry of a list. False or NULL: an error was reported. */
bool config_value_duration(struct config_parse *parse, const struct config_item *item, int64_t *out);
const char *config_value_user(struct config_parse *parse, const struct config_item *item);

/* A copy that lives as long as the configuration. NULL: the lack of memory was reported. */
char *config_value_keep(struct config_parse *parse, struct span text);

/* ITEM as a mail address. NULL: an error was reported. */
const char *config_value_address(struct config_parse *parse, const struct config_item *item);

/* The units of sizes and durations, in ascending order; letter 0 at the end. */
struct config_unit {
	char letter;
	int64_t factor; /* octets, milliseconds */
};
extern const struct config_unit config_size_units[], config_duration_units[];

/* Appends WORD as it would be written in a file: in quotes if it needs them. */
void config_format_word(struct str *to, struct span word);

#endif
