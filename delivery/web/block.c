#include "delivery/web/block.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/password.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/config/oauth.h"
#include "common/ipc/ipc.h"
#include "delivery/web/block_parts.h"
#include "delivery/web/request.h"
#include "delivery/web/store.h"

enum { URL_MAX = 4096, ASSERTION_LIFE_S = 300, ACCOUNT_LIFE_S = 3600 };

struct grant_clock block_now(void)
{
	return (struct grant_clock){clock_mono_ms(), clock_wall_ms()};
}

unsigned block_jitter(void)
{
	unsigned number;
	fd_random(&number, sizeof(number));
	return number % GRANT_JITTER_MAX;
}

static char *copy(const char *text)
{
	char *new = strdup(text ? text : "");
	if (!new)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	return new;
}

static char *url_of(const struct config_oauth *oauth, void (*append)(const struct config_oauth *, struct str *))
{
	struct str url;
	str_init(&url, URL_MAX);
	append(oauth, &url);
	char *text = copy(str_text(&url));
	str_free(&url);
	return text;
}

void block_load(struct block *b, struct web *web, const struct config_outbound_block *from, uid_t owner)
{
	const struct config_outbound *o = from->outbound;
	const struct config_oauth *oauth = &o->oauth;
	*b = (struct block){.web = web, .auth = o->auth, .kind = config_oauth_grant(oauth)};
	snprintf(b->name, sizeof(b->name), "%s%s%s", from->of, from->name ? " " : "", from->name ? from->name : "");
	snprintf(b->place, sizeof(b->place), "%s:%u", o->auth_at.file ? o->auth_at.file : "default", o->auth_at.line);
	b->token_url = url_of(oauth, config_oauth_token_url);
	b->device_url = url_of(oauth, config_oauth_device_url);
	b->client_id = copy(oauth->client_id);
	b->scope = copy(config_oauth_scope(oauth));
	b->username = copy(o->username);
	b->assertion = oauth->assertion;
	b->identity = config_oauth_identity(b->name, o);
	secrets_load(oauth, b->token_url, owner, &b->secrets, b->trouble);
	b->secret_ends_s = oauth->secret_expires;
}

void block_free(struct block *b)
{
	password_free(b->secrets.client_secret);
	EVP_PKEY_free(b->secrets.key);
	free(b->token_url);
	free(b->device_url);
	free(b->client_id);
	free(b->scope);
	free(b->username);
	explicit_bzero(b, sizeof(*b));
}

bool block_is_of_person(const struct block *b)
{
	return b->kind == CONFIG_GRANT_REFRESH;
}

bool block_can_ask(const struct block *b)
{
	return !b->trouble[0] && (!block_is_of_person(b) || b->refresh[0]);
}

void block_publish(struct block *b, const struct answer_token *token)
{
	static struct token t;
	fd_random(&b->serial, sizeof(b->serial));
	b->serial |= 1;
	t = (struct token){.identity = b->identity, .serial = b->serial, .until_ms = b->grant.until_wall};
	t.length = token->length;
	memcpy(t.octets, token->octets, token->length);
	tokens_write(b->web->page, b->slot, &t);
	token_wipe(&t);
}

void block_publish_why(struct block *b)
{
	static struct token t;
	if (!tokens_read(b->web->page, b->identity, &t))
		t = (struct token){.identity = b->identity};
	snprintf(t.why, sizeof(t.why), "%s", b->trouble[0] ? b->trouble : b->error);
	tokens_write(b->web->page, b->slot, &t);
	token_wipe(&t);
}

static void wipe_page(struct block *b, const char *why)
{
	static struct token t;
	t = (struct token){.identity = b->identity};
	snprintf(t.why, sizeof(t.why), "%s", why);
	tokens_write(b->web->page, b->slot, &t);
	b->serial = 0;
}

static void read_refresh(struct block *b)
{
	int err = b->web->folder < 0 ? -ENOENT : store_load(b->web->folder, b->name, b->identity, b->refresh);
	if (err == -ESTALE)
		snprintf(b->error, sizeof(b->error),
			 "the stored sign-in is for other settings (provider, client_id, scope or username)");
	else if (err && err != -ENOENT)
		snprintf(b->error, sizeof(b->error), "can't read the stored sign-in in %.200s: %s", b->web->folder_path,
			 err == -EBADMSG ? "the file is damaged" : strerror(-err));
	if (err && err != -ENOENT)
		log_warning("%s: %s", b->name, b->error);
	b->error_mono = clock_mono_ms();
}

void block_start(struct block *b)
{
	static struct token t;
	struct grant_clock now = block_now();
	if (block_is_of_person(b))
		read_refresh(b);
	bool there = tokens_read(b->web->page, b->identity, &t) && t.length;
	int64_t until = there ? t.until_ms : 0;
	b->serial = there ? t.serial : 0;
	token_wipe(&t);
	grant_begin(&b->grant, block_can_ask(b), until, now, block_jitter());
	/* A process before this one may have died before it told the queue. */
	b->owes_ready = there && grant_usable(&b->grant, now);
	if (!there)
		wipe_page(b, b->trouble[0]      ? b->trouble
			     : block_can_ask(b) ? "the first access token is being fetched"
			     : b->error[0]      ? b->error
						: "somebody must sign in: mailrootctl oauth login");
}

/* A signed statement in place of a secret, or for a service account. */
static bool sign(const struct block *b, struct str *to)
{
	char id[JWT_ID_TEXT];
	bool account = b->kind == CONFIG_GRANT_SERVICE_ACCOUNT;
	int64_t now_s = clock_wall_ms() / 1000;
	const struct jwt_signer signer = {
		.key = b->secrets.key,
		.algorithm = account ? CONFIG_ASSERTION_RS256 : b->assertion,
		.name = account ? "kid" : "x5t#S256",
		.value = account ? b->secrets.key_id : b->secrets.certificate.digest,
	};
	struct jwt_claims claims = {.audience = b->token_url, .issued_s = now_s};
	jwt_id(id);
	if (account) {
		claims.issuer = b->secrets.email;
		claims.subject = b->username;
		claims.scope = b->scope;
		claims.expires_s = now_s + ACCOUNT_LIFE_S;
	} else {
		claims.issuer = claims.subject = b->client_id;
		claims.id = id;
		claims.not_before = true;
		claims.expires_s = now_s + ASSERTION_LIFE_S;
	}
	return jwt_sign(&signer, &claims, to);
}

static void write_body(const struct block *b, enum grant_request what, const char *assertion, struct str *to)
{
	const struct request_client client = {.client_id = b->client_id,
					      .secret = b->secrets.client_secret,
					      .assertion = assertion,
					      .scope = b->scope};
	if (what == GRANT_ASK_CODE)
		request_device_code(&client, to);
	else if (what == GRANT_ASK_POLL)
		request_device_token(&client, b->device_code, to);
	else if (b->kind == CONFIG_GRANT_REFRESH)
		request_refresh(&client, b->refresh, to);
	else if (b->kind == CONFIG_GRANT_SERVICE_ACCOUNT)
		request_service_account(assertion ? assertion : "", to);
	else
		request_client_credentials(&client, to);
}

static void ask(struct block *b, enum grant_request what)
{
	char why[FETCH_WHY_MAX] = "the assertion could not be signed";
	bool code = what == GRANT_ASK_CODE;
	struct str body, assertion;
	str_init(&body, REQUEST_MAX);
	str_init(&assertion, JWT_MAX);
	grant_asked(&b->grant, what, block_now());
	bool good = !b->secrets.key || code || sign(b, &assertion);
	if (good) {
		write_body(b, what, assertion.len ? str_text(&assertion) : NULL, &body);
		good = fetch_post(b->web->fetcher, code ? b->device_url : b->token_url, &body,
				  code ? block_on_code : block_on_token, b, why);
	}
	str_wipe(&assertion);
	str_wipe(&body);
	if (!good)
		block_cannot_ask(b, why);
}

/* The queue tries the mail that waits. */
static void tell_queue(struct block *b)
{
	const struct wire_credentials_ready ready = {.security = span_of(b->name)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	int err = wire_encode_credentials_ready(&ready, &packet)
			  ? ipc_send(b->web->arrivals, str_span(&packet), NULL, 0)
			  : -ENOMEM;
	str_free(&packet);
	b->owes_ready = err && ipc_passes(err);
}

void block_tend(struct block *b)
{
	if (b->held.length && b->save_mono <= clock_mono_ms())
		block_save(b);
	enum grant_request due = grant_due(&b->grant, block_now());
	if (due != GRANT_ASK_NOTHING)
		ask(b, due);
	if (b->owes_ready)
		tell_queue(b);
}

int64_t block_until(const struct block *b)
{
	int64_t now = clock_mono_ms(), until = grant_until_due(&b->grant, block_now());
	if (b->held.length)
		until = b->save_mono > now ? b->save_mono - now : 0;
	return until;
}

void block_ask_again(struct block *b)
{
	if (b->grant.failures && block_can_ask(b))
		grant_hurry(&b->grant, block_now());
}

void block_refused(struct block *b, uint64_t serial)
{
	if (!b->serial || serial != b->serial || b->was_refused)
		return;
	log_warning("%s: a host has refused the access token; another one is fetched", b->name);
	b->was_refused = true;
	grant_refused(&b->grant, block_now());
}

void block_sign_in(struct block *b)
{
	grant_sign_in(&b->grant, block_now());
}

void block_give_up(struct block *b)
{
	if (b->grant.under_way == GRANT_ASK_CODE || b->grant.under_way == GRANT_ASK_POLL)
		fetch_cancel(b->web->fetcher, b);
	grant_sign_in_failed(&b->grant);
	explicit_bzero(b->device_code, sizeof(b->device_code));
}

/* Ends all that is under way. Each mailrootctl that waits for it hears WHY. */
static void begin_anew(struct block *b, const char *why)
{
	fetch_cancel(b->web->fetcher, b);
	grant_forget(&b->grant);
	explicit_bzero(b->refresh, sizeof(b->refresh));
	explicit_bzero(&b->held, sizeof(b->held));
	explicit_bzero(b->device_code, sizeof(b->device_code));
	snprintf(b->error, sizeof(b->error), "%s", why);
	b->web->tell(b->web->context, b, BLOCK_FAILED, NULL, NULL);
	b->web->tell(b->web->context, b, BLOCK_NO_SIGN_IN, NULL, NULL);
	b->error[0] = '\0';
}

int block_forget(struct block *b)
{
	int err = b->web->folder < 0 ? 0 : store_remove(b->web->folder, b->name);
	if (err)
		return err;
	begin_anew(b, "the sign-in was forgotten");
	wipe_page(b, "the sign-in was forgotten: mailrootctl oauth login");
	return 0;
}

int block_import(struct block *b, const char *refresh_token)
{
	const struct store_item item = {b->name, b->identity, refresh_token};
	int err = b->web->folder < 0 ? -ENOENT : store_save(b->web->folder, &item);
	if (err)
		return err;
	int64_t until_wall = b->grant.until_wall; /* the token on the page is good until then */
	begin_anew(b, "another refresh token was imported");
	b->grant.until_wall = until_wall;
	snprintf(b->refresh, sizeof(b->refresh), "%s", refresh_token);
	grant_hurry(&b->grant, block_now());
	return 0;
}
