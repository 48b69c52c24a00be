/* Outbound blocks that would never get an access token, or would show one to a host that is not verified. */
#include <stddef.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/url.h"
#include "common/config/check.h"
#include "common/config/oauth.h"
#include "common/config/table.h"
#include "common/ipc/tokens.h"

struct check {
	struct config_build *b;
	const struct config_server *server;
	const struct config_outbound *o;
	const struct config_oauth *oauth;
	enum config_grant grant;
	struct config_origin at; /* the first setting of the block oauth */
};

#define REFUSE(c, origin, ...) config_error((c)->b->findings, config_build_at((c)->b, (c)->server, origin), __VA_ARGS__)

/* MEMBER has a value, or one that could not be parsed. */
#define HAS(c, member) ((c)->oauth->member || config_build_failed((c)->b, &(c)->oauth->member))
#define HAS_PAIR(c)    ((c)->oauth->client_certificate.n || config_build_failed((c)->b, &(c)->oauth->client_certificate))

/* `mailrootctl config show` writes defaults, too; they say nothing. */
static bool says_something(const struct config_oauth *o)
{
	return o->provider != CONFIG_PROVIDER_OTHER || o->tenant || o->client_id || o->client_secret_file ||
	       o->client_certificate.n || o->assertion != CONFIG_ASSERTION_PS256 || o->service_account_file ||
	       o->grant != CONFIG_GRANT_AUTO || o->token_url || o->device_url || o->scope || o->secret_expires;
}

/* The first setting of BLOCK that is written in BASE. */
static struct config_origin first_written(enum config_block block, const void *base)
{
	struct config_origin first = {0};
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		const struct config_origin *at = (const void *)((const char *)base + setting->at_offset);
		if (setting->block == block && at->line && (!first.line || at->token < first.token))
			first = *at;
	}
	return first;
}

static const char *auth_word(const struct config_outbound *o)
{
	return config_value_words(CONFIG_AUTH)[o->auth];
}

static void refuse_if(const struct check *c, bool useless, struct config_origin at, const char *name, const char *why)
{
	if (useless)
		REFUSE(c, at, _("%s says nothing here: %s"), name, why);
}

/* A token works for every host that gets it, until it ends. */
static void check_outbound(const struct check *c)
{
	const struct config_outbound *o = c->o;
	const char *auth = auth_word(o);
	if (!o->username && !config_build_failed(c->b, &o->username))
		REFUSE(c, o->auth_at, _("auth %s needs username, the mailbox that sends"), auth);
	if (o->password_file)
		REFUSE(c, o->password_file_at,
		       _("password_file says nothing here: auth %s shows an access token, not a password"), auth);
	if (o->auth_unverified)
		REFUSE(c, o->auth_unverified_at,
		       _("auth %s shows no access token to an unverified host, which could use it anywhere until it ends: write tls verify instead"),
		       auth);
	else if (config_outbound_tls(o) != CONFIG_TLS_VERIFY && !config_build_failed(c->b, &o->tls) &&
		 !config_build_failed(c->b, &o->tls_fingerprint))
		REFUSE(c, o->auth_at,
		       _("auth %s needs tls verify, or tls_fingerprint: a host that gets an access token can use it anywhere until it ends"),
		       auth);
}

static void check_url(const struct check *c, const char *name, const char *text, struct config_origin at)
{
	struct url url;
	const char *why;
	if (!text)
		return;
	if (!url_parse(span_of(text), &url, &why))
		REFUSE(c, at, _("%s %s can't be used: %s"), name, text, _(why));
	else if (!url.tls)
		REFUSE(c, at, _("%s must begin with https://: what is sent there is secret"), name);
}

static void check_tenant(const struct check *c)
{
	static const char *const nobody[] = {"common", "organizations", "consumers"};
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
	const char *tenant = c->oauth->tenant;
	if (!tenant)
		return;
	if (strspn(tenant, allowed) != strlen(tenant))
		REFUSE(c, c->oauth->tenant_at,
		       _("\"%s\" is no tenant: write the organization's ID or one of its domains"), tenant);
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
		if (!strcmp(tenant, nobody[i]) && c->grant == CONFIG_GRANT_CLIENT_CREDENTIALS)
			REFUSE(c, c->oauth->tenant_at,
			       _("tenant %s stands for no organization, which grant client_credentials needs: write its ID or one of its domains"),
			       tenant);
}

static void check_provider(const struct check *c)
{
	const struct config_oauth *oauth = c->oauth;
	bool microsoft = oauth->provider == CONFIG_PROVIDER_MICROSOFT365;
	if (microsoft && !HAS(c, tenant) && !HAS(c, token_url))
		REFUSE(c, c->at, _("provider microsoft365 needs tenant, the organization's ID or one of its domains"));
	if (oauth->provider == CONFIG_PROVIDER_OTHER && !HAS(c, token_url))
		REFUSE(c, c->at,
		       _("provider other needs token_url, where tokens are fetched; or write provider microsoft365, or provider google"));
	refuse_if(c, !microsoft && oauth->tenant, oauth->tenant_at, "tenant",
		  _("only provider microsoft365 has tenants"));
}

/* What proves to the issuer that the request comes from the application. */
static void check_application(const struct check *c)
{
	const struct config_oauth *oauth = c->oauth;
	if (!HAS(c, client_id))
		REFUSE(c, c->at, _("grant %s needs client_id, the ID of the application at the provider"),
		       config_value_words(CONFIG_GRANT)[c->grant]);
	if (HAS(c, client_secret_file) && HAS_PAIR(c))
		REFUSE(c, oauth->client_secret_file_at,
		       _("client_secret_file stands beside client_certificate: leave one of them out"));
}

static void check_client_credentials(const struct check *c)
{
	check_application(c);
	if (c->oauth->provider == CONFIG_PROVIDER_GOOGLE)
		REFUSE(c, c->at,
		       _("provider google has no grant client_credentials: write service_account_file, or grant refresh"));
	else if (!HAS(c, client_secret_file) && !HAS_PAIR(c))
		REFUSE(c, c->at, _("grant client_credentials needs client_secret_file, or client_certificate"));
}

static void check_service_account(const struct check *c)
{
	const char *why = _("grant service_account proves who we are with service_account_file alone");
	const struct config_oauth *oauth = c->oauth;
	if (oauth->provider == CONFIG_PROVIDER_MICROSOFT365) {
		REFUSE(c, HAS(c, service_account_file) ? oauth->service_account_file_at : c->at,
		       _("provider microsoft365 has no service accounts: write client_id, and client_secret_file or client_certificate"));
		return;
	}
	if (!HAS(c, service_account_file))
		REFUSE(c, c->at, _("grant service_account needs service_account_file, the key that Google made"));
	refuse_if(c, oauth->client_id, oauth->client_id_at, "client_id", why);
	refuse_if(c, oauth->client_secret_file, oauth->client_secret_file_at, "client_secret_file", why);
	refuse_if(c, oauth->client_certificate.n, oauth->client_certificate_at, "client_certificate", why);
}

static void check_grant(const struct check *c)
{
	const struct config_oauth *oauth = c->oauth;
	if (c->grant == CONFIG_GRANT_CLIENT_CREDENTIALS)
		check_client_credentials(c);
	else if (c->grant == CONFIG_GRANT_REFRESH)
		check_application(c);
	else
		check_service_account(c);
	refuse_if(c, c->grant != CONFIG_GRANT_SERVICE_ACCOUNT && oauth->service_account_file,
		  oauth->service_account_file_at, "service_account_file", _("it is for grant service_account"));
	refuse_if(c, c->grant != CONFIG_GRANT_REFRESH && oauth->device_url, oauth->device_url_at, "device_url",
		  _("a person signs in with grant refresh alone"));
	refuse_if(c, !HAS_PAIR(c) && oauth->assertion != CONFIG_ASSERTION_PS256, oauth->assertion_at, "assertion",
		  _("it is for client_certificate"));
	refuse_if(c, !HAS(c, client_secret_file) && oauth->secret_expires, oauth->secret_expires_at, "secret_expires",
		  _("there is no client_secret_file"));
}

/* username sender: only the application itself may use more than one mailbox. */
static void check_by_sender(const struct check *c)
{
	const struct config_outbound *o = c->o;
	if (!config_oauth_by_sender(o))
		return;
	if (c->grant != CONFIG_GRANT_CLIENT_CREDENTIALS)
		REFUSE(c, o->username_at,
		       _("username sender needs grant client_credentials: any other token is for one mailbox, which username names"));
	if (!o->send_as && !config_build_failed(c->b, &o->send_as))
		REFUSE(c, o->username_at,
		       _("username sender needs send_as, the mailbox for mail whose sender is in no domain of ours"));
}

static void check_used(struct check *c)
{
	const struct config_oauth *oauth = c->oauth;
	check_outbound(c);
	c->at = first_written(CONFIG_OAUTH, oauth);
	if (!says_something(oauth) && !config_build_failed(c->b, &oauth->provider)) {
		REFUSE(c, c->o->auth_at,
		       _("auth %s needs a block oauth beside it, which says who issues the tokens: oauth { provider microsoft365; ... }"),
		       auth_word(c->o));
		return;
	}
	check_url(c, "token_url", oauth->token_url, oauth->token_url_at);
	check_url(c, "device_url", oauth->device_url, oauth->device_url_at);
	check_tenant(c);
	bool known = !config_build_failed(c->b, &oauth->provider) && !config_build_failed(c->b, &oauth->grant) &&
		     !config_build_failed(c->b, &oauth->service_account_file);
	if (!known)
		return;
	check_provider(c);
	check_grant(c);
	check_by_sender(c);
}

static void check_unused(const struct check *c)
{
	if (says_something(c->oauth) && !config_build_failed(c->b, &c->o->auth))
		REFUSE(c, first_written(CONFIG_OAUTH, c->oauth),
		       _("oauth says nothing here: write auth xoauth2 or auth oauthbearer beside it"));
}

static void check_proxy(const struct check *c)
{
	const struct config_web *web = &c->server->web;
	struct url url;
	const char *why;
	if (web->proxy && !url_parse(span_of(web->proxy), &url, &why))
		REFUSE(c, web->proxy_at,
		       strchr(web->proxy, '@')
			       ? _("proxy %s can't be used: %s; write http://HOST:PORT, and proxy_user and proxy_password_file")
			       : _("proxy %s can't be used: %s; write http://HOST:PORT"),
		       web->proxy, _(why));
	else if (web->proxy && (url.tls || (url.path.len && !span_equal(url.path, SPAN("/")))))
		REFUSE(c, web->proxy_at,
		       _("proxy %s can't be used: a proxy is reached by http:// and has no path; write http://HOST:PORT"),
		       web->proxy);
	refuse_if(c, !web->proxy && web->proxy_user, web->proxy_user_at, "proxy_user", _("there is no proxy"));
	refuse_if(c, !web->proxy && web->proxy_password_file, web->proxy_password_file_at, "proxy_password_file",
		  _("there is no proxy"));
	if (web->proxy && !web->proxy_user != !web->proxy_password_file &&
	    !config_build_failed(c->b, &web->proxy_password_file))
		REFUSE(c, web->proxy_user ? web->proxy_user_at : web->proxy_password_file_at,
		       _("proxy_user and proxy_password_file belong together: write both or none"));
}

static void check_web(const struct check *c, bool used)
{
	const struct config_web *web = &c->server->web;
	if (used)
		check_proxy(c);
	else if (web->proxy || web->proxy_user || web->proxy_password_file || web->ca)
		REFUSE(c, first_written(CONFIG_WEB, web),
		       _("web says nothing here: no outbound block has auth xoauth2 or auth oauthbearer"));
}

void config_check_oauth(struct config_build *b, const struct config_server *server)
{
	struct config_outbound_block block;
	size_t used = 0;
	struct check c = {.b = b, .server = server};
	for (size_t i = 0; config_outbound_block(server, i, &block); i++) {
		c.o = block.outbound;
		c.oauth = &block.outbound->oauth;
		c.grant = config_oauth_grant(c.oauth);
		if (!config_oauth_used(c.o)) {
			check_unused(&c);
			continue;
		}
		check_used(&c);
		if (++used == TOKENS_SLOTS + 1)
			REFUSE(&c, c.o->auth_at, _("more than %d blocks with access tokens"), TOKENS_SLOTS);
	}
	check_web(&c, used);
}
