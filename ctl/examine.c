#include "ctl/examine.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/accounts.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/config/oauth.h"
#include "common/tls/certificate.h"
#include "common/tls/client.h"
#include "common/tls/server.h"
#include "ctl/examine_place.h"

enum { WHY_MAX = 4096, HEAD_MAX = 512, ACCOUNTS_TOLD = 10 };

static bool said_error_or_note(const struct place *place)
{
	return place->said & (1U << CERTIFICATE_ERROR | 1U << CERTIFICATE_NOTE);
}

/* The reason of a loader begins with the place, which place_say() writes too. */
static void say_proof(struct place *place, const char *why)
{
	char head[HEAD_MAX];
	int n = snprintf(head, sizeof(head), "%s:%u: ", place->at->file ? place->at->file : "", place->at->line);
	if (n > 0 && (size_t)n < sizeof(head) && strncmp(why, head, (size_t)n) == 0)
		why += n;
	place_say(place, CERTIFICATE_ERROR, why);
}

/* If there is no other finding, try the real loader: it may refuse keys that are too weak. */
static void prove_server(struct place *place, const struct config_access *access)
{
	struct str why;
	str_init(&why, WHY_MAX);
	struct tls_server *server = tls_server_new(access, &why);
	if (!server)
		say_proof(place, str_text(&why));
	tls_server_free(server);
	str_free(&why);
}

static void examine_certificates(struct place place, const struct config_server *server)
{
	const struct config_certificates *pairs = &server->access.tls_certificate;
	const struct certificate_listener to = {.say = place_say, .context = &place, .guest = place.how->guest};
	struct certificate *all = calloc(pairs->n + 1, sizeof(*all));
	for (size_t i = 0; all && i < pairs->n; i++) {
		place.at = &pairs->at[i].origin;
		certificate_examine(pairs->at[i].certificate, pairs->at[i].key, CERTIFICATE_SERVER, &to, &all[i]);
		certificate_dates(&all[i], place.how->now_s, &to);
	}
	place.at = &server->access.tls_certificate_at;
	if (all && pairs->n)
		certificate_name_missing(all, pairs->n, server->fqdn, &to);
	if (pairs->n && !said_error_or_note(&place))
		prove_server(&place, &server->access);
	for (size_t i = 0; all && i < pairs->n; i++)
		certificate_free(&all[i]);
	free(all);
}

static void examine_keytab(struct place place, const char *path, enum certificate_grade bad)
{
	char text[WHY_MAX];
	unsigned char head[2] = {0};
	int fd = examine_secret(&place, _("key tab"), path, bad, _(": create it with ktutil or ktpass"),
				CERTIFICATE_WARNING);
	if (fd < 0)
		return;
	if (read(fd, head, sizeof(head)) != (ssize_t)sizeof(head) || head[0] != 5) {
		snprintf(text, sizeof(text),
			 _("key tab %.1024s is no Kerberos key tab; klist -k lists the keys of one"), path);
		place_say(&place, bad, text);
	}
	fd_close(&fd);
}

static void say_accounts(struct place *place, const char *path, struct span trouble)
{
	char text[WHY_MAX];
	struct span line;
	for (unsigned told = 0; told < ACCOUNTS_TOLD && span_line(&trouble, &line); told++) {
		snprintf(text, sizeof(text), _("user_file %.1024s: %.*s; this line is ignored"), path, SPAN_ARGS(line));
		place_say(place, CERTIFICATE_WARNING, text);
	}
}

/* Users of Kerberos need no account. */
static void examine_rules(struct place place, const struct config_server *server, const struct accounts *accounts)
{
	char text[WHY_MAX];
	bool kerberos = server->access.auth & AUTH_GSSAPI || config_kerberos_needed(server);
	for (size_t i = 0; i < server->client_rule_count && !kerberos; i++) {
		const struct config_client_rule *rule = &server->client_rules[i];
		place.at = &rule->users_at;
		for (size_t k = 0; k < rule->users.n; k++) {
			if (strcmp(rule->users.at[k], "*") == 0 || accounts_find(accounts, span_of(rule->users.at[k])))
				continue;
			snprintf(
				text, sizeof(text),
				_("client_rule %s: there is no account %s, so no client can authenticate under this name; mailrootctl user list shows the names"),
				rule->name, rule->users.at[k]);
			place_say(&place, CERTIFICATE_WARNING, text);
		}
	}
}

static void examine_users(struct place place, const struct config_server *server)
{
	const char *path = server->access.user_file;
	struct accounts accounts;
	struct arena arena;
	struct str text, trouble;
	int fd =
		examine_secret(&place, "user_file", path, CERTIFICATE_WARNING,
			       _(": there are no accounts; mailrootctl user add NAME creates it"), CERTIFICATE_WARNING);
	if (fd < 0)
		return;
	str_init(&text, ACCOUNTS_TEXT_MAX);
	str_init(&trouble, WHY_MAX);
	arena_init(&arena, (size_t)2 * ACCOUNTS_TEXT_MAX);
	if (fd_read_all(fd, &text) == 0 && accounts_parse(str_span(&text), &arena, &accounts, &trouble)) {
		say_accounts(&place, path, str_span(&trouble));
		examine_rules(place, server, &accounts);
	}
	str_wipe(&text);
	str_free(&trouble);
	arena_free(&arena);
	fd_close(&fd);
}

static void examine_access(struct place place, const struct config_server *server)
{
	const struct config_access *access = &server->access;
	examine_certificates(place, server);
	if (access->auth & ~(unsigned)AUTH_GSSAPI && config_passwords_file(access->passwords)) {
		place.at = &access->user_file_at;
		examine_users(place, server);
	}
	bool kerberos = access->auth & AUTH_GSSAPI || config_kerberos_needed(server);
	if (kerberos && access->keytab && *access->keytab) {
		place.at = &access->keytab_at;
		examine_keytab(place, access->keytab, CERTIFICATE_WARNING);
	}
}

static void examine_client(struct place place, const struct config_outbound *outbound)
{
	const struct config_certificates *pairs = &outbound->client_certificate;
	const struct certificate_listener to = {.say = place_say, .context = &place, .guest = place.how->guest};
	char why[TLS_CLIENT_WHY_MAX];
	struct certificate one;
	for (size_t i = 0; i < pairs->n; i++) {
		place.at = &pairs->at[i].origin;
		certificate_examine(pairs->at[i].certificate, pairs->at[i].key, CERTIFICATE_CLIENT, &to, &one);
		certificate_dates(&one, place.how->now_s, &to);
		certificate_free(&one);
	}
	if (outbound->tls_ca && *outbound->tls_ca) {
		place.at = &outbound->tls_ca_at;
		certificate_authorities("tls_ca", outbound->tls_ca, &to);
	}
	if (said_error_or_note(&place) || !(pairs->n || (outbound->tls_ca && *outbound->tls_ca)))
		return;
	SSL_CTX *context = tls_client_context(outbound, why);
	if (!context && why[0])
		say_proof(&place, why);
	SSL_CTX_free(context);
}

static bool same_place(const struct config_origin *a, const struct config_origin *b)
{
	return a->line == b->line && (!a->line || strcmp(a->file, b->file) == 0);
}

/* OUTER: the block whose values are inherited and were examined before; NULL = none. */
static void examine_outbound(struct place place, const struct config_outbound *outbound,
			     const struct config_outbound *outer)
{
	bool inherited = outer && same_place(&outbound->client_certificate_at, &outer->client_certificate_at) &&
			 same_place(&outbound->tls_ca_at, &outer->tls_ca_at);
	if (config_outbound_tls(outbound) != CONFIG_TLS_OFF && !inherited)
		examine_client(place, outbound);
	if (config_oauth_used(outbound))
		examine_oauth(place, outbound);
	if (outbound->auth == CONFIG_AUTH_OFF || !outbound->password_file)
		return;
	place.at = &outbound->password_file_at;
	if (outbound->auth == CONFIG_AUTH_GSSAPI)
		examine_keytab(place, outbound->password_file, CERTIFICATE_ERROR);
	else
		examine_line(place, "password_file", outbound->password_file, _("the password"));
}

static void examine_server(struct place place, const struct config_server *server)
{
	struct config_outbound_block block;
	examine_access(place, server);
	for (size_t i = 0; config_outbound_block(server, i, &block); i++)
		examine_outbound(place, block.outbound, i ? &server->outbound : NULL);
	examine_web(place, server);
	examine_dkim(place, server);
	examine_recipients(place, server);
}

void examine_files(const struct examine *how, const struct config *config, struct config_report *report)
{
	static const struct config_origin nowhere;
	const struct place place = {.how = how, .report = report, .at = &nowhere};
	for (size_t i = 0; i < config->server_count; i++)
		examine_server(place, &config->servers[i]);
	examine_web_program(place, config);
	examine_process_users(place, config);
	examine_folders(place, config);
	examine_names(place, config);
}
