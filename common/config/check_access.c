/* Authentication and TLS of clients: settings that would lock out every client, and settings without effect. */
#include "common/config/check.h"

#include "common/base/language.h"
#include "common/config/table.h"
#include "common/config/value.h"

enum {
	CLEAR = AUTH_PLAIN | AUTH_LOGIN, /* mechanisms that send the password itself */
	RATE_TEXT_MAX = 64
};

static bool has_certificate(const struct config_build *b, const struct config_access *access)
{
	return access->tls_certificate.n || config_build_failed(b, &access->tls_certificate);
}

/* MEMBER is written in the file, and its value is valid. */
static bool is_written(const struct config_build *b, const void *member, const struct config_origin *at)
{
	return at->line && !config_build_failed(b, member);
}

static void check_certificates(struct config_build *b, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	if (has_certificate(b, access))
		return;
	if (access->tls_required)
		config_error(
			b->findings, config_build_at(b, server, access->tls_required_at),
			_("no client could send mail: TLS is required, and there is no certificate: add tls_certificate CERTIFICATE KEY to access, or write tls_required no"));
	for (size_t i = 0; i < server->listen.n; i++)
		if (server->listen.at[i].tls)
			config_error(
				b->findings, config_build_at(b, server, server->listen.at[i].origin),
				_("no client could connect here: TLS needs a certificate: add tls_certificate CERTIFICATE KEY to access"));
	if (is_written(b, &access->tls_min, &access->tls_min_at) && access->tls_min != CONFIG_TLS_1_2)
		config_error(
			b->findings, config_build_at(b, server, access->tls_min_at),
			_("tls_min has no effect without a certificate: add tls_certificate CERTIFICATE KEY to access, or remove tls_min"));
}

/* The first local domain that is written; NULL if there is only the default domain, which every server has. */
static const struct config_origin *local_domain_of(const struct config_server *server)
{
	const struct config_local_domain *standard = &server->local_domains[0];
	if (server->local_domain_count > 1)
		return &server->local_domains[1].origin;
	return standard->origin.line && standard->origin.token != server->default_domain_at.token ? &standard->origin
												  : NULL;
}

static void check_anonymous(struct config_build *b, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	struct config_at at = config_build_at(b, server, access->anonymous_at);
	const struct config_origin *local = server->local_domain_count ? local_domain_of(server) : NULL;
	if (access->anonymous || config_build_failed(b, &access->auth))
		return;
	if (config_check_no_users(b, server))
		config_error(
			b->findings, at,
			_("no client could send mail: anonymous is no, and auth is off: add auth plain login to access, or write anonymous yes"));
	else if (local)
		config_warning(
			b->findings, at,
			_("other hosts can't send mail to the local domain at %s:%u, because they do not authenticate"),
			local->file, local->line);
}

/* Without TLS only listed clients may send a password. */
static void check_passwords(struct config_build *b, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	struct config_at list_at = config_build_at(b, server, access->auth_clear_list_at);
	if (access->auth && !(access->auth & ~(unsigned)CLEAR) && access->auth_requires_tls &&
	    !access->auth_clear_list.n && !has_certificate(b, access) &&
	    !config_build_failed(b, &access->auth_clear_list))
		config_error(
			b->findings, config_build_at(b, server, access->auth_at),
			_("no client could authenticate: these mechanisms need TLS, and there is no certificate: add tls_certificate CERTIFICATE KEY to access, or list clients in auth_clear_list"));
	if (!access->auth_clear_list.n || config_build_failed(b, &access->auth))
		return;
	if (!(access->auth & CLEAR))
		config_error(b->findings, list_at,
			     _("auth_clear_list is for plain and login, and auth has neither: remove it"));
	else if (access->tls_required)
		config_error(b->findings, list_at,
			     _("auth_clear_list has no effect with tls_required yes: remove one of them"));
	else if (!access->auth_requires_tls)
		config_error(
			b->findings, list_at,
			_("auth_clear_list has no effect with auth_requires_tls no, which lets every client send a password without TLS: remove auth_requires_tls"));
}

/* The members of access that nothing reads unless USED. */
struct unused {
	const char *name;
	const void *member;
	const struct config_origin *at;
	bool used;
};

static bool has_keytab(const struct config_build *b, const struct config_access *access)
{
	return access->keytab || config_build_failed(b, &access->keytab);
}

static void check_kerberos(struct config_build *b, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	bool gssapi = access->auth & AUTH_GSSAPI, asks = config_kerberos_needed(server);
	const struct unused all[] = {
		{"keytab", &access->keytab, &access->keytab_at, gssapi || asks},
		{"principal", &access->principal, &access->principal_at, gssapi || asks},
		{"gssapi_realm", &access->gssapi_realm, &access->gssapi_realm_at, gssapi},
	};
	if (gssapi && !has_keytab(b, access))
		config_error(b->findings, config_build_at(b, server, access->auth_at),
			     _("gssapi needs a key tab: add keytab /etc/mailroot/smtp.keytab to access"));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!all[i].used && is_written(b, all[i].member, all[i].at) && !config_build_failed(b, &access->auth) &&
		    !config_build_failed(b, &access->passwords))
			config_error(b->findings, config_build_at(b, server, *all[i].at),
				     _("%s is for gssapi, which is not in auth: add gssapi to auth, or remove %s"),
				     all[i].name, all[i].name);
}

/* The text for processes has every setting, so that a place in a file does not tell whether the value is the default.
 */
static bool has_other_guesses(const struct config_access *access)
{
	const struct config_setting *setting = config_setting_find(CONFIG_ACCESS, SPAN("kerberos_guesses"));
	struct str value;
	str_init(&value, RATE_TEXT_MAX);
	config_value_format(setting->type, &access->kerberos_guesses, &value);
	bool other = !span_equal(str_span(&value), span_of(setting->fallback));
	str_free(&value);
	return other;
}

static void refuse_without_kerberos(struct config_build *b, const struct config_server *server, const char *name,
				    const struct config_origin *at)
{
	config_error(b->findings, config_build_at(b, server, *at),
		     _("%s is for passwords kerberos: add kerberos to passwords, or remove %s"), name, name);
}

static void check_kdc(struct config_build *b, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	bool asks = config_passwords_kerberos(access->passwords);
	if (config_build_failed(b, &access->auth) || config_build_failed(b, &access->passwords))
		return;
	if (asks && !config_kerberos_needed(server))
		config_error(
			b->findings, config_build_at(b, server, access->passwords_at),
			_("passwords is for plain and login, and auth has neither: add plain login to auth, or remove passwords"));
	else if (asks && !has_keytab(b, access))
		config_error(
			b->findings, config_build_at(b, server, access->passwords_at),
			_("passwords kerberos needs a key tab, which proves that the KDC is the right one: add keytab /etc/mailroot/smtp.keytab to access"));
	if (!asks && access->kerberos_realm.n)
		refuse_without_kerberos(b, server, "kerberos_realm", &access->kerberos_realm_at);
	if (!asks && has_other_guesses(access))
		refuse_without_kerberos(b, server, "kerberos_guesses", &access->kerberos_guesses_at);
}

void config_check_access(struct config_build *b, const struct config_server *server)
{
	const struct config_relay *relay = &server->relay;
	check_certificates(b, server);
	check_anonymous(b, server);
	check_passwords(b, server);
	check_kerberos(b, server);
	check_kdc(b, server);
	if (relay->authenticated && relay->authenticated_at.line && config_check_no_users(b, server) &&
	    !config_build_failed(b, &relay->authenticated))
		config_error(
			b->findings, config_build_at(b, server, relay->authenticated_at),
			_("no client can authenticate, because auth is off: add auth plain login to access, or remove authenticated"));
}
