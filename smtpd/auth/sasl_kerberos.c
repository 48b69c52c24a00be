#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "smtpd/auth/kerberos.h"
#include "smtpd/auth/sasl.h"

/*
 * Passwords that the KDC of a realm checks, such as those of Active Directory (access passwords kerberos). guess.h
 * stays in front: the directory is asked so seldom for one user that guessing does not lock the account there.
 */

enum {
	FROM_DIRECTORY = -1, /* in place of the time of an account's change */
	TRIES = 3            /* of one question: a reload may replace the process over it */
};

static enum auth_result let_in(struct auth_exchange *x, const char *user)
{
	snprintf(x->name, sizeof(x->name), "%s", user);
	x->by_kerberos = true;
	return AUTH_DONE;
}

static enum auth_result unavailable(struct auth_exchange *x, const char *why)
{
	x->why = why;
	return AUTH_UNAVAILABLE;
}

static enum auth_result take(struct auth_exchange *x, const struct kerberos_answer *answer, uint64_t asked)
{
	const struct config_words *realms = &x->peer->config->access.kerberos_realm;
	char user[ACCOUNT_NAME_MAX + 1];
	const char *why;
	snprintf(x->words, sizeof(x->words), "%s", answer->why);
	switch (answer->event) {
	case PASSWORDS_RIGHT:
		why = kerberos_user(answer->principal, realms, user);
		if (why)
			return sasl_fail(x, why);
		guess_ask_passed(x->auth->guess, &x->who);
		return let_in(x, user);
	case PASSWORDS_UNAVAILABLE:
		if (!answer->lost)
			guess_unask(x->auth->guess, asked);
		return unavailable(x, x->words);
	case PASSWORDS_UNKNOWN:
		x->unknown = true;
		return sasl_fail(x, x->words);
	default:
		return sasl_fail(x, x->words);
	}
}

static enum auth_result ask(struct auth_exchange *x, struct span password)
{
	const struct config_access *access = &x->peer->config->access;
	const struct config_rate *most = &access->kerberos_guesses;
	struct kerberos_answer answer;
	int64_t until = clock_mono_ms() + PASSWORDS_WAIT_MS;
	uint64_t asked;
	if (sasl_may_try(x) != AUTH_MORE)
		return AUTH_REFUSED;
	unsigned limit = (unsigned)(most->count < GUESS_ASK_MOST ? most->count : GUESS_ASK_MOST);
	int tries = TRIES;
	do {
		if (!guess_ask(x->auth->guess, &x->who, limit, most->period_ms, clock_mono_ms(), &asked))
			return unavailable(
				x,
				"the KDC is not asked for now, so that the account is not locked: too many wrong passwords for this user (kerberos_guesses)");
		kerberos_ask(x->auth->passwords_link, span_of(x->login), &access->kerberos_realm, password, until,
			     &answer);
	} while (answer.lost && --tries > 0 && clock_mono_ms() < until);
	return take(x, &answer, asked);
}

enum auth_result sasl_kerberos(struct auth_exchange *x, struct span password)
{
	unsigned char tag[PASSCACHE_TAG];
	char user[ACCOUNT_NAME_MAX + 1];
	struct passcache *cache = x->auth->passcache;
	const char *why = kerberos_refuses(span_of(x->login), password);
	x->unknown = why != NULL;
	if (why)
		return sasl_fail(x, why);
	bool tagged = passcache_tag(cache, span_of(x->login), FROM_DIRECTORY, password, tag);
	if (tagged && passcache_find(cache, tag, clock_mono_ms(), user))
		return let_in(x, user);
	enum auth_result result = ask(x, password);
	if (tagged && result == AUTH_DONE)
		passcache_add(cache, tag, clock_mono_ms(), x->name);
	explicit_bzero(tag, sizeof(tag));
	return result;
}
