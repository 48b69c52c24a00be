/* What answers mean for a block. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "delivery/web/block_parts.h"
#include "delivery/web/causes.h"
#include "delivery/web/redact.h"
#include "delivery/web/store.h"

enum { SAVE_AGAIN_MS = 15 * 1000 };

struct failure {
	enum grant_class class;
	int64_t retry_after_ms;
	struct answer_error error;
	char text[BLOCK_TEXT_MAX];
};

/* It may repeat what it was asked with. */
static void hide_secrets(const struct block *b, struct answer_error *error)
{
	const char *const secrets[] = {b->secrets.client_secret, b->refresh, b->device_code};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		redact_secret(error->text, secrets[i]);
		redact_secret(error->error, secrets[i]);
	}
	redact_long(error->text);
}

/* The issuer says why, in the words of the standard. */
static void explain(const struct block *b, const struct fetch_result *r, struct failure *out)
{
	struct str text;
	str_init(&text, 4 * BLOCK_TEXT_MAX);
	causes_append(&out->error, &text);
	if (b->secrets.key)
		causes_append_clock(clock_wall_ms() / 1000, r->date_s, &text);
	span_clean(str_span(&text), out->text, sizeof(out->text));
	out->class = causes_class(r->status, out->error.error, block_is_of_person(b));
	str_free(&text);
}

/* WHY is why the body is no success. */
static void judge(const struct block *b, const struct fetch_result *r, const char *why, struct failure *out)
{
	*out = (struct failure){.class = GRANT_PASSING, .retry_after_ms = r->retry_after_ms};
	if (!r->status)
		snprintf(out->text, sizeof(out->text), "%s", r->why);
	else if (answer_error(r->body, &out->error)) {
		hide_secrets(b, &out->error);
		explain(b, r, out);
	} else if (r->status >= 300 && r->status < 400)
		snprintf(out->text, sizeof(out->text),
			 "HTTP status %ld: a redirect, and none is followed; correct token_url", r->status);
	else
		snprintf(out->text, sizeof(out->text), "HTTP status %ld: %s", r->status, why);
}

static void note_error(struct block *b, const char *text)
{
	snprintf(b->error, sizeof(b->error), "%s", text);
	b->error_mono = clock_mono_ms();
	block_publish_why(b);
}

static void log_next(const struct block *b, const char *text)
{
	char wait[CLOCK_TEXT_MAX];
	int64_t until = block_until(b);
	clock_duration(until == GRANT_NEVER ? 0 : until, wait);
	log_warning("%s: no access token from %s: %s; next request in %s", b->name, b->token_url, text,
		    until == GRANT_NEVER ? "no time at all" : wait);
}

/* A person's sign-in goes on as long as only time is wanting. */
static void fail_poll(struct block *b, const struct failure *f)
{
	bool slow = !strcmp(f->error.error, "slow_down");
	if (slow || f->class == GRANT_PASSING || !strcmp(f->error.error, "authorization_pending")) {
		grant_pending(&b->grant, slow, block_now());
		if (b->grant.polling)
			return;
	}
	count(COUNTER_TOKEN_FAILED);
	grant_sign_in_failed(&b->grant);
	explicit_bzero(b->device_code, sizeof(b->device_code));
	log_warning("%s: the sign-in failed: %s", b->name, f->text);
	note_error(b, f->text);
	b->web->tell(b->web->context, b, BLOCK_NO_SIGN_IN, NULL, NULL);
}

static void fail(struct block *b, const struct failure *f)
{
	if (b->grant.under_way == GRANT_ASK_POLL) {
		fail_poll(b, f);
		return;
	}
	count(COUNTER_TOKEN_FAILED);
	grant_failed(&b->grant, f->class, f->retry_after_ms, block_now(), block_jitter());
	log_next(b, f->text);
	note_error(b, f->text);
	b->web->tell(b->web->context, b, BLOCK_FAILED, NULL, NULL);
}

/* LIFE_MS is left of it. */
static void use(struct block *b, const struct answer_token *token, int64_t life_ms)
{
	char life[CLOCK_TEXT_MAX];
	struct grant_clock now = block_now();
	bool missed = !grant_usable(&b->grant, now) || b->was_refused;
	grant_got(&b->grant, life_ms, now, block_jitter());
	explicit_bzero(b->device_code, sizeof(b->device_code));
	b->error[0] = '\0';
	b->was_refused = false;
	block_publish(b, token);
	b->owes_ready |= missed;
	clock_duration(life_ms, life);
	log_info("%s: access token from %s, valid for %s", b->name, b->token_url, life);
	b->web->tell(b->web->context, b, BLOCK_TOKEN, token, NULL);
}

void block_save(struct block *b)
{
	const struct store_item item = {b->name, b->identity, b->refresh};
	int err = store_save(b->web->folder, &item);
	if (err) {
		char text[BLOCK_TEXT_MAX];
		snprintf(text, sizeof(text), "can't store the refresh token in %.200s: %s", b->web->folder_path,
			 strerror(-err));
		log_warning("%s: %s", b->name, text);
		note_error(b, text);
		b->save_mono = clock_mono_ms() + SAVE_AGAIN_MS;
		return;
	}
	use(b, &b->held, b->held.life_s * 1000 - (clock_mono_ms() - b->held_mono));
	explicit_bzero(&b->held, sizeof(b->held));
}

static void accept(struct block *b, const struct answer_token *token)
{
	count(COUNTER_TOKEN_FETCHED);
	if (!block_is_of_person(b) || !token->refresh_token[0]) {
		use(b, token, token->life_s * 1000);
		return;
	}
	snprintf(b->refresh, sizeof(b->refresh), "%s", token->refresh_token);
	b->held = *token;
	b->held_mono = clock_mono_ms();
	block_save(b);
}

static const char no_refresh_token[] =
	"the provider gave no refresh token, so it would not last: add offline_access to scope, as far as the provider knows it";

void block_on_token(void *context, const struct fetch_result *r)
{
	static struct answer_token token;
	struct block *b = context;
	char why[ANSWER_WHY_MAX] = "the answer is no token";
	struct failure failure;
	bool good = r->status == 200 && answer_token(r->body, &token, why);
	if (good && b->grant.under_way == GRANT_ASK_POLL && !token.refresh_token[0]) {
		failure = (struct failure){.class = GRANT_OURS};
		snprintf(failure.text, sizeof(failure.text), "%s", no_refresh_token);
		fail(b, &failure);
	} else if (good) {
		accept(b, &token);
	} else {
		judge(b, r, why, &failure);
		fail(b, &failure);
	}
	explicit_bzero(&token, sizeof(token));
}

void block_on_code(void *context, const struct fetch_result *r)
{
	struct block *b = context;
	struct answer_device device;
	struct failure failure;
	char why[ANSWER_WHY_MAX] = "the answer is no code";
	if (r->status == 200 && answer_device(r->body, &device, why)) {
		grant_code(&b->grant, device.life_s * 1000, device.interval_s * 1000, block_now());
		snprintf(b->device_code, sizeof(b->device_code), "%s", device.device_code);
		b->web->tell(b->web->context, b, BLOCK_CODE, NULL, &device);
	} else {
		judge(b, r, why, &failure);
		failure.class = GRANT_OURS;
		grant_sign_in_failed(&b->grant);
		log_warning("%s: no code for a sign-in from %s: %s", b->name, b->device_url, failure.text);
		note_error(b, failure.text);
		b->web->tell(b->web->context, b, BLOCK_NO_SIGN_IN, NULL, NULL);
	}
	explicit_bzero(&device, sizeof(device));
}

void block_cannot_ask(struct block *b, const char *why)
{
	const struct fetch_result none = {.why = why};
	if (b->grant.under_way == GRANT_ASK_CODE)
		block_on_code(b, &none);
	else
		block_on_token(b, &none);
}
