#include "smtpd/auth/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "smtpd/auth/passcheck.h"
#include "smtpd/auth/sasl.h"
#include "smtpd/auth/semaphore.h"

/* One in WORKERS_A_WAIT workers may wait at once, so that a flood of wrong passwords does not hold up others. */
enum { WORKERS_A_WAIT = 8, WAITS_MAX = 64, MACHINE_ID_MAX = 256, WHY_MAX = 512 };

static const char made_up[] = "mailroot accounts that are made up";

static const struct method {
	const char *name;
	enum config_auth_mechanism setting;
	const struct sasl_mechanism *mechanism;
	bool shows_password;
} methods[AUTH_METHOD_COUNT] = {
	[AUTH_METHOD_GSSAPI] = {"GSSAPI", AUTH_GSSAPI, &sasl_gssapi, false},
	[AUTH_METHOD_SCRAM_SHA_256_PLUS] = {"SCRAM-SHA-256-PLUS", AUTH_SCRAM_SHA_256, &sasl_scram, false},
	[AUTH_METHOD_SCRAM_SHA_256] = {"SCRAM-SHA-256", AUTH_SCRAM_SHA_256, &sasl_scram, false},
	[AUTH_METHOD_CRAM_MD5] = {"CRAM-MD5", AUTH_CRAM_MD5, &sasl_cram, false},
	[AUTH_METHOD_PLAIN] = {"PLAIN", AUTH_PLAIN, &sasl_plain, true},
	[AUTH_METHOD_LOGIN] = {"LOGIN", AUTH_LOGIN, &sasl_login, true},
};

const char *auth_method_name(enum auth_method method)
{
	return method < AUTH_METHOD_COUNT ? methods[method].name : "unknown";
}

enum auth_method auth_method_of(struct span name)
{
	for (enum auth_method i = 0; i < AUTH_METHOD_COUNT; i++)
		if (span_equal_nocase(name, span_of(methods[i].name)))
			return i;
	return AUTH_METHOD_COUNT;
}

/* OpenSSL loads what it needs at the first use, and the jail has no files to load. */
static void warm_up(const struct auth *a)
{
	unsigned char tag[PASSCACHE_TAG];
	struct guess_who who;
	passcache_tag(a->passcache, SPAN("name"), 0, SPAN("password"), tag);
	guess_name(a->guess, &(struct ipaddr){{0}}, SPAN("name"), &who);
}

/* Made-up salts stay the same after a restart and on each virtual server, as those of real accounts do. */
static void make_secret(unsigned char secret[SASL_SECRET])
{
	struct str id;
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	str_init(&id, MACHINE_ID_MAX);
	fd_random(secret, SASL_SECRET);
	if (fd >= 0 && fd_read_all(fd, &id) == 0 && id.len)
		HMAC(EVP_sha256(), id.at, (int)id.len, (const unsigned char *)made_up, sizeof(made_up) - 1, secret,
		     NULL);
	fd_close(&fd);
	str_wipe(&id);
}

struct auth *auth_new(const struct auth_users *users, struct gss_server *gss, size_t workers)
{
	struct auth *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	*a = (struct auth){.users = *users, .gss = gss, .checks = passcheck_processors(), .passwords_link = -1};
	a->queue = 1 + workers / 2;
	a->waits = workers / WORKERS_A_WAIT < WAITS_MAX ? 1 + workers / WORKERS_A_WAIT : WAITS_MAX;
	bool ready = tls_channel_prepare();
	make_secret(a->secret);
	a->semaphore_fd = semaphore_new();
	a->guess = guess_new();
	a->passcache = passcache_new();
	if (gsasl_init(&a->gsasl) != GSASL_OK)
		a->gsasl = NULL;
	if (!ready || a->semaphore_fd < 0 || !a->guess || !a->passcache || !a->gsasl) {
		auth_free(a);
		errno = ENOMEM;
		return NULL;
	}
	gsasl_callback_set(a->gsasl, sasl_scram_callback);
	warm_up(a);
	return a;
}

void auth_set_passwords_link(struct auth *a, int link)
{
	a->passwords_link = link;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	if (a->gsasl)
		gsasl_done(a->gsasl);
	passcache_free(a->passcache);
	guess_free(a->guess);
	if (a->semaphore_fd >= 0)
		close(a->semaphore_fd);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

static enum auth_permission permits_clear(const struct config_clients *list, const struct policy_client *client)
{
	bool names = false;
	for (size_t i = 0; i < list->n; i++) {
		names |= list->at[i].name != NULL;
		if (policy_client_match(&list->at[i], client))
			return AUTH_PERMITTED;
	}
	return names && client->name_state == POLICY_NAME_UNASKED ? AUTH_WANTS_NAME : AUTH_NEEDS_TLS;
}

static bool is_possible(const struct auth *a, const struct auth_peer *peer, enum auth_method method)
{
	enum config_passwords passwords = peer->config->access.passwords;
	uint64_t generation;
	if (method == AUTH_METHOD_GSSAPI)
		return a->gss != NULL;
	if (method == AUTH_METHOD_SCRAM_SHA_256_PLUS && !peer->binding_len)
		return false;
	if (methods[method].shows_password && config_passwords_kerberos(passwords))
		return true;
	return config_passwords_file(passwords) && a->users.current(a->users.context, &generation) != NULL;
}

enum auth_permission auth_permits(const struct auth *a, const struct auth_peer *peer, enum auth_method method)
{
	const struct config_access *access = &peer->config->access;
	if (!a || method >= AUTH_METHOD_COUNT || !(access->auth & methods[method].setting) ||
	    !is_possible(a, peer, method))
		return AUTH_UNKNOWN;
	if (!methods[method].shows_password || !access->auth_requires_tls || peer->client->tls)
		return AUTH_PERMITTED;
	return permits_clear(&access->auth_clear_list, peer->client);
}

struct auth_exchange *auth_begin(struct auth *a, const struct auth_peer *peer, enum auth_method method)
{
	struct auth_exchange *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->auth = a;
	x->peer = peer;
	x->method = method;
	x->mechanism = methods[method].mechanism;
	guess_name(a->guess, &peer->client->ip, span_of(""), &x->who);
	if (!x->mechanism->begin || x->mechanism->begin(x))
		return x;
	auth_end(x);
	return NULL;
}

void auth_end(struct auth_exchange *x)
{
	if (!x)
		return;
	if (x->mechanism->end)
		x->mechanism->end(x);
	explicit_bzero(x, sizeof(*x));
	free(x);
}

static void log_result(const struct auth_exchange *x, const char *status)
{
	char client[IPADDR_TEXT_MAX], why[WHY_MAX];
	ipaddr_format(&x->peer->client->ip, client);
	span_quotable(span_of(x->why), why, sizeof(why));
	const char *user = x->name[0] ? x->name : "(none)", *tls = x->peer->tls ? x->peer->tls : "no";
	if (x->why)
		log_info("client=%s user=%s mechanism=%s tls=%s status=%s reason=\"%s\"", client, user,
			 auth_method_name(x->method), tls, status, why);
	else
		log_info("client=%s user=%s mechanism=%s tls=%s status=%s", client, user, auth_method_name(x->method),
			 tls, status);
}

/* Kerberos has no password that a client could guess here. */
static bool is_guess(const struct auth_exchange *x)
{
	return x->method != AUTH_METHOD_GSSAPI;
}

static enum auth_result failed(struct auth_exchange *x)
{
	struct guess_counts counts;
	struct guess_verdict verdict;
	char client[IPADDR_TEXT_MAX];
	log_result(x, "auth-failed");
	if (!is_guess(x))
		return AUTH_FAILED;
	guess_look(x->auth->guess, &x->who, clock_mono_ms(), &counts);
	guess_decide(&counts, &verdict);
	if (guess_failed(x->auth->guess, &x->who, clock_mono_ms())) {
		ipaddr_format(&x->peer->client->ip, client);
		log_warning("client=%s failures=%d status=auth-slowed: no password of this client is checked for now%s",
			    client, GUESS_REFUSED, counts.proven ? ", for this account" : "");
	}
	return sasl_wait(x, verdict.after_ms) ? AUTH_FAILED : AUTH_REFUSED;
}

static enum auth_result conclude(struct auth_exchange *x, enum auth_result result)
{
	switch (result) {
	case AUTH_DONE:
		if (is_guess(x))
			guess_passed(x->auth->guess, &x->who, clock_mono_ms());
		x->why = NULL;
		log_result(x, "authenticated");
		return AUTH_DONE;
	case AUTH_FAILED:
		return failed(x);
	case AUTH_CROWDED:
		log_result(x, "auth-crowded");
		return result;
	case AUTH_UNAVAILABLE:
		log_result(x, "auth-unavailable");
		return result;
	case AUTH_REFUSED:
		log_result(x, "auth-refused");
		return result;
	default:
		return result;
	}
}

static enum auth_result run_step(struct auth_exchange *x, bool has_response, struct span response,
				 struct str *challenge)
{
	const struct sasl_mechanism *mechanism = x->mechanism;
	bool first = !x->begun;
	x->begun = true;
	if (first && has_response && mechanism->no_initial)
		return sasl_fail(x, "malformed");
	if (first && !has_response) {
		if (mechanism->prompt)
			mechanism->prompt(x, challenge);
		return AUTH_MORE;
	}
	enum auth_result result = mechanism->step(x, response, challenge);
	x->step++;
	return result;
}

enum auth_result auth_step(struct auth_exchange *x, bool has_response, struct span response, struct str *challenge)
{
	str_clear(challenge);
	enum auth_result result = run_step(x, has_response, response, challenge);
	if (result == AUTH_MORE && challenge->failed)
		result = sasl_fail(x, "out of memory");
	return conclude(x, result);
}

void auth_identify(const struct auth_exchange *x, struct auth_identity *out)
{
	*out = (struct auth_identity){
		.method = x->method,
		.has_account = is_guess(x) && !x->by_kerberos,
		.changed_ms = x->account.changed_ms,
		.generation = x->generation,
	};
	span_copy(span_of(x->name), out->user, sizeof(out->user));
}

bool auth_holds(const struct auth *a, struct auth_identity *identity)
{
	uint64_t generation = 0;
	if (!identity->has_account)
		return true;
	const struct accounts *accounts = a->users.current(a->users.context, &generation);
	if (accounts && generation == identity->generation)
		return true;
	const struct account *account = accounts ? accounts_find(accounts, span_of(identity->user)) : NULL;
	if (!account || account->changed_ms != identity->changed_ms)
		return false;
	identity->generation = generation;
	return true;
}
