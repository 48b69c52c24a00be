#include "delivery/auth/security.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/password.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/config/oauth.h"
#include "common/gss/paths.h"
#include "common/ipc/tokens.h"
#include "common/tls/client.h"
#include "delivery/auth/gss.h"

enum { NAME_MAX_OCTETS = 320 /* of job_smtp in wire.def */ };

static void note(struct security *s, char **trouble, const char *setting, struct config_origin origin, const char *why)
{
	char text[SECURITY_TROUBLE_MAX];
	snprintf(text, sizeof(text), "%s: %s: %.400s (%s:%u)", s->name, setting, why,
		 origin.file ? origin.file : "default", origin.line);
	*trouble = strdup(text);
	if (!*trouble)
		log_fatal(EXIT_TEMPORARY, "out of memory");
}

/* The line that most likely causes trouble with TLS. */
static struct config_origin origin_of_tls(const struct config_outbound *outbound)
{
	if (outbound->client_certificate_at.line)
		return outbound->client_certificate_at;
	return outbound->tls_ca_at.line ? outbound->tls_ca_at : outbound->tls_at;
}

static void load_tls(const struct securities *all, struct security *s)
{
	char why[TLS_CLIENT_WHY_MAX] = "";
	for (size_t i = 0; i < all->n && !s->tls; i++) {
		const struct security *other = &all->at[i];
		if (other->tls && tls_client_same_context(&other->outbound, &s->outbound) && SSL_CTX_up_ref(other->tls))
			s->tls = other->tls;
	}
	if (!s->tls)
		s->tls = tls_client_context(&s->outbound, why);
	if (!s->tls && why[0])
		note(s, &s->trouble, "outbound", origin_of_tls(&s->outbound), why);
}

static void load_keys(struct security *s)
{
	char why[GSS_WHY_MAX] = "";
	const struct config_outbound *o = &s->outbound;
	s->gss = gss_client_load(o->username, o->password_file, why, sizeof(why));
	if (!s->gss)
		note(s, &s->user_trouble, "password_file", o->password_file_at, why);
}

static void load_user(struct security *s, uid_t service_user)
{
	char why[PASSWORD_WHY_MAX] = "", text[PASSWORD_WHY_MAX + 300];
	const struct config_outbound *o = &s->outbound;
	if (o->auth == CONFIG_AUTH_OFF || !o->password_file || config_oauth_used(o))
		return;
	if (o->auth == CONFIG_AUTH_GSSAPI) {
		load_keys(s);
		return;
	}
	s->password = password_load(o->password_file, service_user, why);
	if (s->password)
		return;
	snprintf(text, sizeof(text), N_("can't use %.250s: %s"), o->password_file, why);
	note(s, &s->user_trouble, "password_file", o->password_file_at, text);
}

/* 'connector partner of virtual_server mail (username u@example.com, /etc/mailroot/mailroot.conf:31)' */
static char *describe_user(const struct security *s, const char *server)
{
	const struct config_outbound *o = &s->outbound;
	const char *file = o->username_at.file ? o->username_at.file : "default";
	bool whole = !strcmp(s->name, "virtual_server");
	char *text = NULL;
	if (o->auth != CONFIG_AUTH_OFF &&
	    asprintf(&text, "%s%s%s (username %s, %s:%u)", s->name, whole ? " " : " of virtual_server ", server,
		     o->username ? o->username : "", file, o->username_at.line) < 0)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	return text;
}

static void load(struct securities *all, const char *server, const struct config_outbound_block *block,
		 uid_t service_user, const struct tokens *tokens)
{
	char text[NAME_MAX_OCTETS + 1];
	struct security *s = &all->at[all->n];
	snprintf(text, sizeof(text), "%s%s%s", block->of, block->name ? " " : "", block->name ? block->name : "");
	*s = (struct security){.name = strdup(text), .outbound = *block->outbound};
	if (!s->name)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	s->user_name = describe_user(s, server);
	load_tls(all, s);
	load_user(s, service_user);
	if (config_oauth_used(&s->outbound)) {
		s->tokens = tokens;
		s->identity = config_oauth_identity(s->name, &s->outbound);
	}
	all->n++;
}

void securities_load(const struct config_server *server, uid_t service_user, const struct tokens *tokens,
		     struct securities *out)
{
	struct config_outbound_block block;
	size_t most = 0;
	while (config_outbound_block(server, most, &block))
		most++;
	*out = (struct securities){.at = calloc(most, sizeof(*out->at))};
	if (!out->at)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	for (size_t i = 0; config_outbound_block(server, i, &block); i++)
		load(out, server->name, &block, service_user, tokens);
}

void securities_free(struct securities *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct security *s = &all->at[i];
		SSL_CTX_free(s->tls);
		password_free(s->password);
		gss_client_free(s->gss);
		free(s->trouble);
		free(s->user_trouble);
		free(s->user_name);
		free(s->name);
	}
	free(all->at);
	*all = (struct securities){0};
}

void securities_trouble(const struct securities *all, struct str *to)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct security *s = &all->at[i];
		if (s->trouble)
			str_printf(to, N_("mail waits: %s\n"), s->trouble);
		if (s->user_trouble)
			str_printf(to, N_("mail waits: %s\n"), s->user_trouble);
	}
}

bool securities_need_agents(const struct securities *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].gss)
			return true;
	return false;
}

const char **securities_paths(const struct securities *all)
{
	size_t n = 0;
	const char **paths = calloc(all->n * GSS_PATHS_MAX + 1, sizeof(*paths));
	for (size_t i = 0; paths && i < all->n; i++)
		if (all->at[i].gss)
			for (const char *const *path = gss_client_paths(all->at[i].gss); *path; path++)
				paths[n++] = *path;
	return paths;
}

const struct security *securities_find(const struct securities *all, struct span name)
{
	for (size_t i = 0; i < all->n; i++)
		if (span_equal(span_of(all->at[i].name), name))
			return &all->at[i];
	return NULL;
}

bool security_user(const struct security *block, struct sasl_user *out)
{
	*out = (struct sasl_user){.auth = block->outbound.auth,
				  .username = block->outbound.username,
				  .password = block->password,
				  .gss = block->gss,
				  .tokens = block->tokens,
				  .identity = block->identity};
	return block->password || block->gss || block->identity;
}

static const char *reason_of(const struct token *token)
{
	if (token->why[0])
		return token->why;
	return token->length ? N_("it has ended, and no other has come") : N_("mailroot-web has not fetched one yet");
}

bool security_lacks_token(const struct security *block, int64_t now_ms, char why[SECURITY_TROUBLE_MAX])
{
	struct token token;
	struct config_origin at = block->outbound.auth_at;
	if (!block->identity)
		return false;
	bool lacks = !tokens_read(block->tokens, block->identity, &token) || !token_usable(&token, now_ms);
	if (lacks)
		snprintf(why, SECURITY_TROUBLE_MAX, N_("no access token for %.100s: %.250s (set in %.80s:%u)"),
			 block->name, reason_of(&token), at.file ? at.file : "default", at.line);
	token_wipe(&token);
	return lacks;
}
