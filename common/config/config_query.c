/* Queries on a built configuration. */
#include <string.h>

#include "common/config/table.h"
#include "common/config/value.h"
#include "common/mail/domain.h"

const struct config_remote_domain *config_remote_domain_find(const struct config_server *server, struct span domain)
{
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (domain_pattern_match(span_of(server->remote_domains[i].name), domain))
			return &server->remote_domains[i];
	return NULL;
}

const struct config_server *config_server_find(const struct config *config, struct span name)
{
	for (size_t i = 0; i < config->server_count; i++)
		if (span_equal_nocase(span_of(config->servers[i].name), name))
			return &config->servers[i];
	return NULL;
}

const struct config_server *config_server_local(const struct config *config)
{
	const char *name = config->sendmail_server;
	if (name && strcasecmp(name, "off") == 0)
		return NULL;
	const struct config_server *server = config_server_find(config, name ? span_of(name) : SPAN("default"));
	return server || name || !config->server_count ? server : &config->servers[0];
}

bool config_server_is_at(const struct config_server *server, struct span domain)
{
	struct ipaddr ip;
	if (!domain_literal(domain, &ip))
		return false;
	for (size_t i = 0; i < server->listen.n; i++)
		if (!server->listen.at[i].any && ipaddr_equal(&server->listen.at[i].ip, &ip))
			return true;
	return false;
}

const char *config_stamp(const struct config_server *server, struct span domain)
{
	const char *standard = server->local_domains[0].name;
	if (!domain.len || config_server_is_at(server, domain))
		return standard;
	for (size_t i = 0; i < server->alias_domain_count; i++)
		if (span_equal_nocase(domain, span_of(server->alias_domains[i].name)))
			return standard;
	return NULL;
}

enum config_outbound_part config_outbound_part(const struct config_setting *setting)
{
	static const struct {
		const char *name;
		enum config_outbound_part part;
	} others[] = {{"rate", CONFIG_OUTBOUND_LIMIT},
		      {"max_connections", CONFIG_OUTBOUND_LIMIT},
		      {"auth", CONFIG_OUTBOUND_USER},
		      {"username", CONFIG_OUTBOUND_USER},
		      {"password_file", CONFIG_OUTBOUND_USER},
		      {"auth_unverified", CONFIG_OUTBOUND_USER},
		      {"send_as", CONFIG_OUTBOUND_USER},
		      {"send_as_header", CONFIG_OUTBOUND_USER},
		      {"send_as_keep_name", CONFIG_OUTBOUND_USER},
		      {"send_as_reply_to", CONFIG_OUTBOUND_USER},
		      {"notice_sender", CONFIG_OUTBOUND_USER}};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(setting->name, others[i].name) == 0)
			return others[i].part;
	return CONFIG_OUTBOUND_MANNER;
}

void config_outbound_append(const struct config_outbound *outbound, unsigned parts, struct str *to)
{
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		if (setting->block != CONFIG_OUTBOUND || !(config_outbound_part(setting) & parts))
			continue;
		config_value_format(setting->type, (const char *)outbound + setting->offset, to);
		str_append_c(to, '\n');
	}
}

bool config_outbound_block(const struct config_server *server, size_t i, struct config_outbound_block *out)
{
	*out = (struct config_outbound_block){.of = "virtual_server", .outbound = &server->outbound};
	if (i-- == 0)
		return true;
	for (size_t at = 0; at < server->remote_domain_count; at++) {
		const struct config_remote_domain *remote = &server->remote_domains[at];
		*out = (struct config_outbound_block){"remote_domain", remote->name, &remote->outbound};
		if (remote->has_outbound && i-- == 0)
			return true;
	}
	for (size_t at = 0; at < server->connector_count; at++) {
		const struct config_connector *connector = &server->connectors[at];
		*out = (struct config_outbound_block){"connector", connector->name, &connector->outbound};
		if (connector->has_outbound && i-- == 0)
			return true;
	}
	return false;
}

enum config_tls config_outbound_tls(const struct config_outbound *outbound)
{
	return outbound->tls != CONFIG_TLS_OFF && outbound->tls_fingerprint.n ? CONFIG_TLS_VERIFY : outbound->tls;
}

bool config_outbound_dane(const struct config_outbound *outbound)
{
	enum config_tls tls = config_outbound_tls(outbound);
	return tls == CONFIG_TLS_OPPORTUNISTIC || tls == CONFIG_TLS_ENCRYPT;
}

static bool is_below(struct span domain, struct span parent)
{
	return domain.len > parent.len && domain.at[domain.len - parent.len - 1] == '.' &&
	       span_ends_nocase(domain, parent);
}

const struct config_dkim *config_dkim_find(const struct config_server *server, struct span domain)
{
	const struct config_dkim *best = NULL;
	for (size_t i = 0; i < server->dkim_count; i++) {
		const struct config_dkim *dkim = &server->dkims[i];
		struct span name = span_of(dkim->name);
		if (span_equal_nocase(domain, name))
			return dkim;
		if (dkim->subdomains && is_below(domain, name) && (!best || name.len > strlen(best->name)))
			best = dkim;
	}
	return best;
}

bool config_outbound_signs(const struct config_outbound *outbound, bool authenticated)
{
	return outbound->dkim == CONFIG_YES || (outbound->dkim == CONFIG_AUTO && !authenticated);
}

static bool is_sender(const struct config_sender *entry, const struct address *sender)
{
	if (!entry->domain)
		return !sender->text.len;
	return domain_pattern_match(span_of(entry->domain), sender->domain) &&
	       (!entry->local || span_equal_nocase(span_of(entry->local), sender->local));
}

bool config_senders_have(const struct config_senders *list, const struct address *sender)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_sender(&list->at[i], sender))
			return true;
	return false;
}

bool config_passwords_file(enum config_passwords passwords)
{
	return passwords != CONFIG_PASSWORDS_KERBEROS;
}

bool config_passwords_kerberos(enum config_passwords passwords)
{
	return passwords != CONFIG_PASSWORDS_FILE;
}

bool config_kerberos_needed(const struct config_server *server)
{
	const struct config_access *access = &server->access;
	return access->auth & (AUTH_PLAIN | AUTH_LOGIN) && config_passwords_kerberos(access->passwords);
}

int64_t config_rate_together(const struct config_shared_rate *rate)
{
	return rate->parts && rate->parts % rate->part == 0 ? rate->count * (rate->parts / rate->part) : 0;
}

bool config_rate_is_wasted(const struct config_shared_rate *rate)
{
	int64_t together = config_rate_together(rate);
	return together && together * 4 < rate->whole * 3;
}
