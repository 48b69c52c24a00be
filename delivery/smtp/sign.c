#include "delivery/smtp/sign.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/dkim/dkim_block.h"
#include "common/ipc/counters.h"
#include "common/mail/domain.h"
#include "delivery/auth/security.h"

bool sign_must_wait(struct outcome *why, struct enhanced enhanced, const char *text)
{
	static char kept[SECURITY_TROUBLE_MAX];
	snprintf(kept, sizeof(kept), "%s", text);
	*why = (struct outcome){.event = JOURNAL_DELAYED, .code = 451, .enhanced = enhanced, .text = span_of(kept)};
	return false;
}

/* Logs that no signature can be made, and why ("its header has two fields From"), which REASON counts. */
static bool goes_unsigned(const struct sign_text *text, const char *why, enum counter reason)
{
	count(reason);
	log_warning("id=%.*s: sent without a DKIM signature: %s", SPAN_ARGS(text->id), why);
	return true;
}

static bool no_memory(struct outcome *why)
{
	return sign_must_wait(why, (struct enhanced){4, 3, 0}, strerror(ENOMEM));
}

/* No signature was made: FAULT of TEXT; NULL = no memory. */
static bool fails(const struct sign_text *text, const char *fault, struct outcome *why)
{
	return fault ? goes_unsigned(text, fault, COUNTER_DKIM_UNSIGNED_OTHER) : no_memory(why);
}

/* The block that signs TEXT; NULL = none. */
static bool choose(const struct sign_text *text, const struct config_dkim **dkim, struct outcome *why)
{
	const char *fault;
	struct str domain;
	str_init(&domain, DOMAIN_MAX);
	*dkim = NULL;
	if (!dkim_fields_from(text->header, &domain, &fault))
		goes_unsigned(text, fault, COUNTER_DKIM_UNSIGNED_FROM);
	else if (!domain.failed)
		*dkim = config_dkim_find(text->signing->signer->server, str_span(&domain));
	bool good = !domain.no_memory || no_memory(why);
	str_free(&domain);
	return good;
}

/* One pass over what follows the header. False: the file can't be read; errno. */
static bool hash_rest(const struct sign_text *text, struct dkim_sign *s)
{
	struct span piece;
	for (uint64_t at = text->at; at < text->size; at += piece.len) {
		piece = text->read(text->context, at);
		if (!piece.len)
			return false;
		dkim_sign_body(s, piece);
	}
	return true;
}

/* The signature of selector WHICH of DKIM. */
static bool add_field(const struct sign_text *text, const struct config_dkim *dkim, struct dkim_sign *s, size_t which,
		      struct str *fields, struct outcome *why)
{
	const struct signing *signing = text->signing;
	const struct signer_key *key = signer_keys(signing->signer, dkim) + which;
	uint8_t hash[DKIM_HASH], signature[DKIM_SIGNATURE_MAX];
	const char *fault;
	char words[SECURITY_TROUBLE_MAX];
	if (!dkim_sign_hash(s, which, hash, &fault))
		return fails(text, fault, why);
	int len = signer_ask(signing->signer, signing->link, key, hash, clock_mono_ms() + SIGN_MS, signature);
	if (len < 0) {
		snprintf(words, sizeof(words), N_("the process that signs mail (DKIM) gives no signature: %s"),
			 strerror(-len));
		return sign_must_wait(why, (struct enhanced){4, 3, 0}, words);
	}
	dkim_sign_field(s, which, (struct span){(const char *)signature, (size_t)len}, fields);
	return true;
}

static bool add_fields(const struct sign_text *text, const struct config_dkim *dkim, struct dkim_sign *s,
		       struct str *fields, struct outcome *why)
{
	const char *fault;
	if (!dkim_sign_header(s, text->header, &fault))
		return fails(text, fault, why);
	if (!hash_rest(text, s))
		return sign_must_wait(why, (struct enhanced){4, 3, 0}, outcome_unreadable(errno));
	for (size_t i = 0; i < dkim->selector.n; i++)
		if (!add_field(text, dkim, s, i, fields, why))
			return false;
	return true;
}

/* "example.com/m2026a,e2026", cut to fit. */
static void name_signers(const struct config_dkim *dkim, char *to)
{
	size_t len = (size_t)snprintf(to, SIGN_NAMES_MAX, "%s/", dkim->name);
	for (size_t i = 0; i < dkim->selector.n && len < SIGN_NAMES_MAX; i++)
		len += (size_t)snprintf(to + len, SIGN_NAMES_MAX - len, "%s%s", i ? "," : "",
					dkim->selector.at[i].name);
}

static bool sign_by(const struct sign_text *text, const struct config_dkim *dkim, struct str *fields,
		    struct outcome *why)
{
	const struct signer_key *keys = signer_keys(text->signing->signer, dkim);
	struct dkim_selector selectors[DKIM_SELECTORS_MAX];
	for (size_t i = 0; i < dkim->selector.n; i++) {
		if (keys[i].why)
			return sign_must_wait(why, (struct enhanced){4, 3, 5}, keys[i].why);
		selectors[i] = (struct dkim_selector){keys[i].selector->name, keys[i].algorithm};
	}
	const struct dkim_params params = dkim_block_params(dkim, selectors, text->line_max);
	struct dkim_sign *s = dkim_sign_begin(&params);
	bool good = s ? add_fields(text, dkim, s, fields, why) : no_memory(why);
	dkim_sign_end(s);
	return good;
}

bool sign_message(const struct sign_text *text, struct str *fields, char *signed_by, struct outcome *why)
{
	const struct config_dkim *dkim;
	bool good = choose(text, &dkim, why);
	if (good && dkim)
		good = sign_by(text, dkim, fields, why);
	if (good && fields->failed)
		good = no_memory(why);
	if (!good)
		count(COUNTER_DKIM_WAITS);
	if (!good || !fields->len)
		return good;
	count(COUNTER_DKIM_SIGNED);
	name_signers(dkim, signed_by);
	return true;
}
