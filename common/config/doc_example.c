#include <string.h>

#include "common/config/doc.h"
#include "common/config/value.h"

enum { FACTS_TEXT_MAX = 4096, INDENT = 4 };

/* What the shipped file sets, because it can't be a default. */
static const struct {
	enum config_block block;
	const char *name;
	const char *value;
} shipped[] = {
	{CONFIG_RELAY, "list", "127.0.0.0/8 ::1"},
};

/* Names of the named blocks in the example. */
static const char *const sample_names[CONFIG_BLOCK_COUNT] = {
	[CONFIG_SERVER] = "default",           [CONFIG_LOCAL_DOMAIN] = "sales.example.com",
	[CONFIG_ALIAS_DOMAIN] = "example.org", [CONFIG_REMOTE_DOMAIN] = "*.partner.example",
	[CONFIG_CONNECTOR] = "partner",        [CONFIG_CLIENT_RULE] = "printers",
	[CONFIG_DKIM] = "example.com",         [CONFIG_FILTER] = "virus",
};

/* Values in the example of settings without a default; other settings without a default are empty lists. */
static const struct {
	const char *name;
	const char *value;
} samples[] = {
	{"sendmail_server", "default"},
	{"to", "admin@example.com"},
	{"from", "mailroot@example.com"},
	{"via", "[192.0.2.25]"},
	{"command", "/usr/local/bin/alert"},
	{"fqdn", "mail.example.com"},
	{"default_domain", "example.com"},
	{"postmaster", "postmaster@example.com"},
	{"banner", "\"mail service of Example Ltd\""},
	{"pickup_dir", "/srv/pickup"},
	{"badmail_dir", "/srv/badmail"},
	{"drop_dir", "/srv/drop/sales"},
	{"format", "w3c"},
	{"dir", "/srv/log/default"},
	{"route", "dns"},
	{"auth_domain", "example.com"},
	{"keytab", "/etc/mailroot/smtp.keytab"},
	{"principal", "smtp/mail.example.com@EXAMPLE.COM"},
	{"gssapi_realm", "EXAMPLE.COM"},
	{"kerberos_realm", "EXAMPLE.COM"},
	{"tls_certificate", "/etc/ssl/mail.pem /etc/ssl/mail.key"},
	{"tls_name", "mx.partner.example"},
	{"tls_ca", "/etc/ssl/certs/ca-certificates.crt"},
	{"client_certificate", "/etc/ssl/mail.pem /etc/ssl/mail.key"},
	{"username", "relay@example.com"},
	{"password_file", "/etc/mailroot/password"},
	{"tenant", "example.onmicrosoft.com"},
	{"client_id", "535fb089-9ff3-47b6-9bfb-4f1264799865"},
	{"client_secret_file", "/etc/mailroot/oauth.secret"},
	{"service_account_file", "/etc/mailroot/google.json"},
	{"token_url", "https://id.example.com/oauth/token"},
	{"device_url", "https://id.example.com/oauth/device"},
	{"scope", "\"smtp offline_access\""},
	{"secret_expires", "2027-05-31"},
	{"proxy", "http://proxy.example.com:3128"},
	{"proxy_user", "relay"},
	{"proxy_password_file", "/etc/mailroot/proxy.password"},
	{"ca", "/etc/ssl/certs/ca-certificates.crt"},
	{"recipients", "/etc/mailroot/recipients"},
	{"selector", "m2026a /etc/mailroot/dkim/m2026a.pem"},
	{"send_as", "relay@example.com"},
	{"notice_sender", "alerts@example.com"},
	{"address", "unix:/run/clamav/clamav-milter.ctl"},
};

static const char *sample_value(const struct config_setting *setting)
{
	if (setting->type == CONFIG_PASSWORDS)
		return "file kerberos";
	if (setting->type == CONFIG_MECHANISMS)
		return "plain login gssapi"; /* otherwise the settings after it would have no effect */
	if (*setting->fallback)
		return setting->fallback;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (!strcmp(samples[i].name, setting->name))
			return samples[i].value;
	return "none";
}

static const char *shipped_value(const struct config_setting *setting)
{
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++)
		if (shipped[i].block == setting->block && !strcmp(shipped[i].name, setting->name))
			return shipped[i].value;
	return NULL;
}

static void example_setting(struct str *to, const struct config_setting *setting, unsigned indent, const char *mark)
{
	const char *live = *mark ? NULL : shipped_value(setting);
	struct str facts;
	str_init(&facts, FACTS_TEXT_MAX);
	str_append_text(&facts, setting->doc);
	config_doc_bounds(&facts, setting);
	config_doc_wrapped(to, indent, "# ", str_span(&facts));
	str_free(&facts);
	str_printf(to, "%*s#%s %s\n", (int)indent, "", setting->name, sample_value(setting));
	if (live)
		str_printf(to, "%*s%s %s\n", (int)indent, "", setting->name, live);
}

/* MARK is "#" inside a block that is commented out as a whole. */
static void example_block(struct str *to, enum config_block block, unsigned indent, const char *mark);

static void example_inner(struct str *to, enum config_block block, unsigned indent, const char *mark)
{
	bool named = config_blocks[block].kind == CONFIG_BLOCK_NAMED;
	bool optional = (named && block != CONFIG_SERVER) || block == CONFIG_LOG || block == CONFIG_OAUTH;
	const char *inner = optional ? "#" : mark;
	str_append_c(to, '\n');
	config_doc_wrapped(to, indent, "# ", span_of(config_blocks[block].doc));
	str_printf(to, "%*s%s%s", (int)indent, "", inner, config_blocks[block].word);
	if (named)
		str_printf(to, " %s", sample_names[block]);
	if (block == CONFIG_ALIAS_DOMAIN) {
		str_append_c(to, '\n');
		return;
	}
	str_append_text(to, " {\n");
	example_block(to, block, indent + INDENT, inner);
	str_printf(to, "%*s%s}\n", (int)indent, "", inner);
}

static void example_block(struct str *to, enum config_block block, unsigned indent, const char *mark)
{
	size_t n = 0;
	for (size_t i = 0; i < config_setting_count; i++) {
		if (config_settings[i].block != block)
			continue;
		if (n++)
			str_append_c(to, '\n');
		example_setting(to, &config_settings[i], indent, mark);
	}
	for (enum config_block inner = 0; inner < CONFIG_BLOCK_COUNT; inner++)
		if (config_block_in(inner, block))
			example_inner(to, inner, indent, mark);
}

void config_doc_example(struct str *to)
{
	str_append_text(
		to,
		"# The configuration of Mailroot. mailroot.conf(5) explains it. `mailrootctl check` finds errors in\n"
		"# this file. `mailrootctl reload` puts changes into force.\n"
		"#\n"
		"# Every setting is listed after a #, with its default or, if there is none, with a sample value.\n\n");
	example_block(to, CONFIG_GLOBAL, 0, "");
}
