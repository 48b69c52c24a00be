#include "common/config/oauth.h"

#include <string.h>

#include "common/base/hash.h"

bool config_oauth_used(const struct config_outbound *outbound)
{
	return outbound->auth == CONFIG_AUTH_XOAUTH2 || outbound->auth == CONFIG_AUTH_OAUTHBEARER;
}

bool config_oauth_by_sender(const struct config_outbound *outbound)
{
	return config_oauth_used(outbound) && outbound->username && !strcmp(outbound->username, "sender");
}

bool config_oauth_needed(const struct config_server *server)
{
	struct config_outbound_block block;
	for (size_t i = 0; config_outbound_block(server, i, &block); i++)
		if (config_oauth_used(block.outbound))
			return true;
	return false;
}

bool config_oauth_stores(const struct config_server *server)
{
	struct config_outbound_block block;
	for (size_t i = 0; config_outbound_block(server, i, &block); i++)
		if (config_oauth_used(block.outbound) &&
		    config_oauth_grant(&block.outbound->oauth) == CONFIG_GRANT_REFRESH)
			return true;
	return false;
}

enum config_grant config_oauth_grant(const struct config_oauth *oauth)
{
	if (oauth->grant != CONFIG_GRANT_AUTO)
		return oauth->grant;
	if (oauth->service_account_file)
		return CONFIG_GRANT_SERVICE_ACCOUNT;
	return oauth->provider == CONFIG_PROVIDER_GOOGLE ? CONFIG_GRANT_REFRESH : CONFIG_GRANT_CLIENT_CREDENTIALS;
}

/* The endpoint NAME of Microsoft's identity platform. */
static void append_microsoft(const struct config_oauth *oauth, const char *name, struct str *to)
{
	if (oauth->tenant)
		str_printf(to, "https://login.microsoftonline.com/%s/oauth2/v2.0/%s", oauth->tenant, name);
}

void config_oauth_token_url(const struct config_oauth *oauth, struct str *to)
{
	if (oauth->token_url)
		str_append_text(to, oauth->token_url);
	else if (oauth->provider == CONFIG_PROVIDER_MICROSOFT365)
		append_microsoft(oauth, "token", to);
	else if (oauth->provider == CONFIG_PROVIDER_GOOGLE)
		str_append_text(to, "https://oauth2.googleapis.com/token");
}

void config_oauth_device_url(const struct config_oauth *oauth, struct str *to)
{
	if (oauth->device_url)
		str_append_text(to, oauth->device_url);
	else if (oauth->provider == CONFIG_PROVIDER_MICROSOFT365)
		append_microsoft(oauth, "devicecode", to);
}

const char *config_oauth_scope(const struct config_oauth *oauth)
{
	bool person = config_oauth_grant(oauth) == CONFIG_GRANT_REFRESH;
	if (oauth->scope)
		return oauth->scope;
	switch (oauth->provider) {
	case CONFIG_PROVIDER_MICROSOFT365:
		return person ? "https://outlook.office.com/SMTP.Send offline_access"
			      : "https://outlook.office365.com/.default";
	case CONFIG_PROVIDER_GOOGLE:
		return "https://mail.google.com/";
	case CONFIG_PROVIDER_OTHER:
		break;
	}
	return "";
}

static uint64_t add(uint64_t hash, const char *text)
{
	return hash_octet(hash_span(hash, span_of(text)), '\n');
}

uint64_t config_oauth_identity(const char *block, const struct config_outbound *outbound)
{
	const struct config_oauth *oauth = &outbound->oauth;
	/*
	 * A token for the application itself serves every mailbox that it may use. Whether a person or a service
	 * account is behind any other does not count: SMTP clients do not see service_account_file.
	 */
	bool for_user = config_oauth_grant(oauth) != CONFIG_GRANT_CLIENT_CREDENTIALS;
	struct str url;
	str_init(&url, 4096);
	config_oauth_token_url(oauth, &url);
	uint64_t hash = add(HASH_START, block);
	hash = add(hash, str_text(&url));
	hash = add(hash, oauth->client_id);
	hash = add(hash, config_oauth_scope(oauth));
	hash = hash_octet(hash, for_user);
	if (for_user)
		hash = add(hash, outbound->username);
	str_free(&url);
	return hash;
}
