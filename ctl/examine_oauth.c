#include <limits.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/program.h"
#include "common/config/oauth.h"
#include "common/process/child.h"
#include "ctl/examine_place.h"

enum { TEXT_MAX = 4096, ACCOUNT_MAX = 64 * 1024, DAY_S = 24 * 60 * 60, SOON_DAYS = 30 };

/* Issuers take assertions that an RSA key signs. */
static void examine_key(struct place *place, const struct certificate *one)
{
	char text[TEXT_MAX];
	const X509 *first = one->chain ? sk_X509_value(one->chain, 0) : NULL;
	const EVP_PKEY *key = first ? X509_get0_pubkey(first) : NULL;
	if (!key || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return;
	snprintf(text, sizeof(text),
		 _("client_certificate %.1024s has no RSA key, and issuers of access tokens take no other"), one->path);
	place_say(place, CERTIFICATE_ERROR, text);
}

static void examine_certificate(struct place place, const struct config_oauth *oauth)
{
	const struct certificate_listener to = {.say = place_say, .context = &place, .guest = place.how->guest};
	struct certificate one;
	for (size_t i = 0; i < oauth->client_certificate.n; i++) {
		const struct config_certificate *pair = &oauth->client_certificate.at[i];
		place.at = &pair->origin;
		certificate_examine(pair->certificate, pair->key, CERTIFICATE_CLIENT, &to, &one);
		certificate_dates(&one, place.how->now_s, &to);
		examine_key(&place, &one);
		certificate_free(&one);
	}
}

static bool holds(struct span text, const char *word)
{
	return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

/* As Google made it: an object with these members. mailroot-web reads all of it, and tells what is wrong. */
static bool is_account(struct span text)
{
	return span_starts(span_trim(text), SPAN("{")) && holds(text, "\"private_key\"") &&
	       holds(text, "\"client_email\"");
}

static void examine_account(struct place place, const struct config_oauth *oauth)
{
	char text[TEXT_MAX];
	struct str file;
	place.at = &oauth->service_account_file_at;
	int fd = examine_secret(
		&place, "service_account_file", oauth->service_account_file, CERTIFICATE_ERROR,
		_(": put the key there that Google made, in JSON, owner root, mode 600; mail waits for it"),
		CERTIFICATE_ERROR);
	if (fd < 0)
		return;
	str_init(&file, ACCOUNT_MAX);
	str_reserve(&file, ACCOUNT_MAX);
	if (fd_read_all(fd, &file) || !is_account(str_span(&file))) {
		snprintf(
			text, sizeof(text),
			_("service_account_file %.1024s is no key of a service account in JSON: make one in the Google Cloud console"),
			oauth->service_account_file);
		place_say(&place, CERTIFICATE_ERROR, text);
	}
	str_wipe(&file);
	fd_close(&fd);
}

static void examine_expiry(struct place place, const struct config_oauth *oauth)
{
	char text[TEXT_MAX], day[CLOCK_TEXT_MAX];
	int64_t left_s = oauth->secret_expires - place.how->now_s;
	if (!oauth->secret_expires || left_s > SOON_DAYS * DAY_S)
		return;
	place.at = &oauth->secret_expires_at;
	clock_iso(oauth->secret_expires * 1000, day);
	snprintf(
		text, sizeof(text),
		left_s > 0
			? _("client_secret_file %.1024s expires on %.10s: make a new secret, put it there, and correct secret_expires")
			: _("client_secret_file %.1024s expired on %.10s: make a new secret, put it there, and correct secret_expires"),
		oauth->client_secret_file, day);
	place_say(&place, CERTIFICATE_WARNING, text);
}

void examine_oauth(struct place place, const struct config_outbound *outbound)
{
	const struct config_oauth *oauth = &outbound->oauth;
	if (oauth->client_secret_file) {
		place.at = &oauth->client_secret_file_at;
		examine_line(place, "client_secret_file", oauth->client_secret_file,
			     _("the secret of the application"));
	}
	if (oauth->service_account_file)
		examine_account(place, oauth);
	examine_certificate(place, oauth);
	examine_expiry(place, oauth);
}

void examine_web(struct place place, const struct config_server *server)
{
	const struct config_web *web = &server->web;
	const struct certificate_listener to = {.say = place_say, .context = &place, .guest = place.how->guest};
	if (!config_oauth_needed(server))
		return;
	if (web->proxy_password_file) {
		place.at = &web->proxy_password_file_at;
		examine_line(place, "proxy_password_file", web->proxy_password_file, _("the password for the proxy"));
	}
	if (web->ca) {
		place.at = &web->ca_at;
		certificate_authorities("ca", web->ca, &to);
	}
}

/* The first block that makes the process that fetches tokens necessary. NULL: none. */
static const struct config_outbound *first_with_tokens(const struct config *config)
{
	struct config_outbound_block block;
	for (size_t s = 0; s < config->server_count; s++) {
		const struct config_server *server = &config->servers[s];
		for (size_t i = 0; server->enabled && config_outbound_block(server, i, &block); i++) {
			if (config_oauth_used(block.outbound))
				return block.outbound;
		}
	}
	return NULL;
}

void examine_web_program(struct place place, const struct config *config)
{
	char text[TEXT_MAX], path[PATH_MAX];
	const struct config_outbound *needs = first_with_tokens(config);
	if (!needs)
		return;
	program_find(child_role_program(CHILD_WEB), MAILROOT_LIBEXECDIR, path, sizeof(path));
	if (child_program_usable(path, CHILD_WEB, text, sizeof(text)))
		return;
	place.at = &needs->auth_at;
	place_say(&place, CERTIFICATE_ERROR, text);
}
