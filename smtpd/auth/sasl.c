#include "smtpd/auth/sasl.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "smtpd/auth/passcheck.h"
#include "smtpd/auth/semaphore.h"
#include "smtpd/protocol/limits.h"

/*
 * Slots of semaphore.h: passwords being checked; workers that queue for a check; workers that wait because of failures;
 * and of the latter those for one address.
 */
enum {
	SLOT_CHECK = 0,
	SLOT_WAIT = 1 << 16,
	SLOT_QUEUE = 1 << 17,
	SLOT_ADDRESS = 1 << 20,
	ADDRESSES = 1 << 20,
	WAITS_AN_ADDRESS = 2
};

enum { REFUSAL_MS = 300 }; /* a KDC nearby answers within 100 */

enum { SALT_OCTETS = 16 }; /* of a made-up account when there is no real one to copy */

enum { FULL_NAME = 2 * ACCOUNT_NAME_MAX + 2 };

static const struct accounts nobody;

enum auth_result sasl_fail(struct auth_exchange *x, const char *why)
{
	x->why = why;
	return AUTH_FAILED;
}

bool sasl_wait(const struct auth_exchange *x, int64_t ms)
{
	int fd = x->auth->semaphore_fd;
	if (!ms)
		return true;
	int64_t key = SLOT_ADDRESS + (int64_t)(x->who.address % ADDRESSES) * WAITS_AN_ADDRESS;
	int64_t place = semaphore_acquire(fd, key, WAITS_AN_ADDRESS, 0);
	int64_t among_all =
		place == SEMAPHORE_NONE ? SEMAPHORE_NONE : semaphore_acquire(fd, SLOT_WAIT, x->auth->waits, 0);
	if (among_all != SEMAPHORE_NONE)
		poll(NULL, 0, (int)ms);
	semaphore_release(fd, among_all);
	semaphore_release(fd, place);
	return among_all != SEMAPHORE_NONE;
}

/* Appends auth_domain, if set, to a bare name. */
static void full_name(const struct auth_exchange *x, char to[FULL_NAME])
{
	const char *domain = x->peer->config->access.auth_domain;
	bool bare = domain && domain[0] && !strchr(x->name, '@');
	snprintf(to, FULL_NAME, "%s%s%s", x->name, bare ? "@" : "", bare ? domain : "");
}

/* N octets, at most SASL_SECRET, that are always the same for this name and PURPOSE, and can't be predicted. */
static void make_up(const struct auth_exchange *x, const char *purpose, void *to, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	char full[FULL_NAME], text[FULL_NAME + 16];
	full_name(x, full);
	int len = snprintf(text, sizeof(text), "%s %s", purpose, full);
	ascii_lower_text(text);
	HMAC(EVP_sha256(), x->auth->secret, SASL_SECRET, (const unsigned char *)text, (size_t)len, digest, NULL);
	memcpy(to, digest, n);
}

/* SCRAM keys that no password matches, with a salt and an iteration count that look real. */
static void make_up_scram(struct auth_exchange *x, const struct account *like)
{
	struct account *made = &x->account;
	made->iterations = like && like->iterations ? like->iterations : ACCOUNT_ITERATIONS_MIN;
	made->salt_len = like && like->iterations ? like->salt_len : SALT_OCTETS;
	if (made->salt_len > SASL_SECRET)
		made->salt_len = SASL_SECRET;
	make_up(x, "salt", made->salt, made->salt_len);
	fd_random(made->stored_key, sizeof(made->stored_key));
	fd_random(made->server_key, sizeof(made->server_key));
}

/*
 * Picks a real account for a name that does not exist, always the same one: a log-in takes as long as one of that
 * account.
 */
static const struct account *somebody(const struct auth_exchange *x, const struct accounts *accounts)
{
	uint64_t which;
	make_up(x, "like", &which, sizeof(which));
	return accounts->n ? &accounts->at[which % accounts->n] : NULL;
}

/* A bare name without an account may have one with auth_domain. */
static const struct account *find(const struct auth_exchange *x, const struct accounts *accounts)
{
	char full[FULL_NAME];
	const struct account *found = accounts_find(accounts, span_of(x->name));
	full_name(x, full);
	return found ? found : accounts_find(accounts, span_of(full));
}

/*
 * NAME@auth_domain is not an account if NAME alone is one. It then shows the salt of NAME, so that a client can't tell
 * the difference.
 */
static void look_like_bare(struct auth_exchange *x, const struct accounts *accounts)
{
	struct span domain = span_of(x->name), name = span_take(&domain, '@');
	if (!domain.len || !span_equal_nocase(domain, span_of(x->peer->config->access.auth_domain)))
		return;
	const struct account *bare = accounts_find(accounts, name);
	if (!bare || !bare->iterations)
		return;
	x->account.iterations = bare->iterations;
	x->account.salt_len = bare->salt_len;
	memcpy(x->account.salt, bare->salt, bare->salt_len);
}

static void take_account(struct auth_exchange *x)
{
	bool by_file = config_passwords_file(x->peer->config->access.passwords);
	const struct accounts *current =
		by_file ? x->auth->users.current(x->auth->users.context, &x->generation) : NULL;
	const struct accounts *accounts = current ? current : &nobody;
	const struct account *found = find(x, accounts), *like = somebody(x, accounts);
	x->found = found != NULL;
	x->has_scram = found && found->iterations;
	if (found) {
		x->account = *found;
		span_copy(span_of(found->name), x->name, sizeof(x->name));
	} else if (like) {
		x->account = *like;
		x->account.changed_ms = 0;
	}
	if (!x->has_scram)
		make_up_scram(x, like);
	if (!found)
		look_like_bare(x, accounts);
}

static enum auth_result judge(const struct auth_exchange *x, struct guess_verdict *verdict)
{
	struct guess_counts counts;
	guess_look(x->auth->guess, &x->who, clock_mono_ms(), &counts);
	guess_decide(&counts, verdict);
	return verdict->refused ? AUTH_REFUSED : AUTH_MORE;
}

enum auth_result sasl_may_try(struct auth_exchange *x)
{
	struct guess_verdict verdict;
	x->why = "too many failures";
	return judge(x, &verdict);
}

/* The account of DOMAIN\user, as Windows clients send it, is user. */
enum auth_result sasl_name(struct auth_exchange *x, struct span name)
{
	char full[FULL_NAME];
	struct guess_verdict verdict;
	for (size_t at = span_find(name, '\\'); at < name.len; at = span_find(name, '\\'))
		name = span_skip(name, at + 1);
	if (!account_name_valid(name) || !span_copy(name, x->name, sizeof(x->name)))
		return sasl_fail(x, name.len ? "invalid account name" : "no name");
	span_copy(name, x->login, sizeof(x->login));
	take_account(x);
	full_name(x, full);
	guess_name(x->auth->guess, &x->peer->client->ip, span_of(full), &x->who);
	x->why = "too many failures";
	if (judge(x, &verdict) != AUTH_MORE)
		return AUTH_REFUSED;
	x->why = "too many workers wait already";
	return sasl_wait(x, verdict.before_ms) ? AUTH_MORE : AUTH_CROWDED;
}

static int64_t acquire_check(const struct auth *a)
{
	int64_t slot = semaphore_acquire(a->semaphore_fd, SLOT_CHECK, a->checks, 0);
	if (slot != SEMAPHORE_NONE)
		return slot;
	int64_t queued = semaphore_acquire(a->semaphore_fd, SLOT_QUEUE, a->queue, 0);
	if (queued != SEMAPHORE_NONE)
		slot = semaphore_acquire(a->semaphore_fd, SLOT_CHECK, a->checks, LIMIT_AUTH_WAIT_MS);
	semaphore_release(a->semaphore_fd, queued);
	return slot;
}

static enum auth_result check_password(struct auth_exchange *x, const char *prepared)
{
	int64_t slot = acquire_check(x->auth);
	if (slot == SEMAPHORE_NONE) {
		x->why = "too many passwords are being checked";
		return AUTH_CROWDED;
	}
	enum auth_result result = sasl_may_try(x);
	if (result == AUTH_MORE) {
		bool right = x->account.yescrypt && passcheck_matches(prepared, x->account.yescrypt);
		result = right && x->found ? AUTH_DONE : sasl_fail(x, x->found ? "wrong password" : "unknown account");
	}
	semaphore_release(x->auth->semaphore_fd, slot);
	return result;
}

static enum auth_result check(struct auth_exchange *x, const char *prepared)
{
	unsigned char tag[PASSCACHE_TAG];
	struct passcache *cache = x->auth->passcache;
	bool tagged = passcache_tag(cache, span_of(x->name), x->account.changed_ms, span_of(prepared), tag);
	if (tagged && passcache_find(cache, tag, clock_mono_ms(), NULL) && x->found)
		return AUTH_DONE;
	enum auth_result result = check_password(x, prepared);
	if (tagged && result == AUTH_DONE)
		passcache_add(cache, tag, clock_mono_ms(), x->name);
	explicit_bzero(tag, sizeof(tag));
	return result;
}

/* By the account in user_file. */
static enum auth_result check_account(struct auth_exchange *x, struct span password)
{
	char prepared[PASSCHECK_MAX + 1];
	if (!passcheck_prepare(password, prepared))
		return sasl_fail(x, "empty or invalid password");
	enum auth_result result = check(x, prepared);
	explicit_bzero(prepared, sizeof(prepared));
	return result;
}

/* The first source that knows the user decides. */
static enum auth_result check_sources(struct auth_exchange *x, struct span password)
{
	enum auth_result result;
	switch (x->peer->config->access.passwords) {
	case CONFIG_PASSWORDS_KERBEROS:
		return sasl_kerberos(x, password);
	case CONFIG_PASSWORDS_FILE_KERBEROS:
		return x->found ? check_account(x, password) : sasl_kerberos(x, password);
	case CONFIG_PASSWORDS_KERBEROS_FILE:
		result = sasl_kerberos(x, password);
		if (result != AUTH_FAILED || !x->unknown)
			return result;
		result = check_account(x, password);
		if (result == AUTH_DONE)
			guess_ask_passed(x->auth->guess, &x->who);
		return result;
	default:
		return check_account(x, password);
	}
}

/* A refusal takes so long at least that its time does not tell which source, if any, has the user. */
enum auth_result sasl_password(struct auth_exchange *x, struct span password)
{
	int64_t until = clock_mono_ms() + REFUSAL_MS;
	enum auth_result result = check_sources(x, password);
	int64_t left = until - clock_mono_ms();
	if (result == AUTH_FAILED && left > 0 && config_passwords_kerberos(x->peer->config->access.passwords))
		poll(NULL, 0, (int)left);
	return result;
}
