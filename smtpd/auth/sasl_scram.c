#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "smtpd/auth/sasl.h"

/*
 * SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, 9266) by libgsasl, which calls back for its parameters. SMTP has no room for
 * data in the final 235, so the server's proof is a challenge, and the client answers it with an empty response.
 */

enum { STEP_FIRST, STEP_FINAL, STEP_ACKNOWLEDGE };

static void give(Gsasl_session *session, Gsasl_property property, const void *octets, size_t n)
{
	struct str text;
	str_init(&text, 256);
	base64_append(&text, octets, n);
	gsasl_property_set(session, property, str_text(&text));
	if (text.at)
		explicit_bzero(text.at, text.len);
	str_free(&text);
}

/* Without channel binding -PLUS is not offered, and the client may say that it would have used it. */
static int give_binding(const struct auth_exchange *x, Gsasl_session *session, Gsasl_property property)
{
	bool exporter = property == GSASL_CB_TLS_EXPORTER;
	if (!x->peer->binding_len || x->peer->binding_exporter != exporter)
		return GSASL_NO_CALLBACK;
	give(session, property, x->peer->binding, x->peer->binding_len);
	return GSASL_OK;
}

int sasl_scram_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	(void)gsasl;
	struct auth_exchange *x = gsasl_session_hook_get(session);
	const struct account *account = &x->account;
	char number[24];
	switch (property) {
	case GSASL_CB_TLS_UNIQUE:
	case GSASL_CB_TLS_EXPORTER:
		return give_binding(x, session, property);
	case GSASL_SCRAM_ITER:
		x->early = sasl_name(x, span_of(gsasl_property_fast(session, GSASL_AUTHID)));
		snprintf(number, sizeof(number), "%u", account->iterations);
		gsasl_property_set(session, property, number);
		return GSASL_OK;
	case GSASL_SCRAM_SALT:
		give(session, property, account->salt, account->salt_len);
		return GSASL_OK;
	case GSASL_SCRAM_STOREDKEY:
		give(session, property, account->stored_key, ACCOUNT_KEY_OCTETS);
		return GSASL_OK;
	case GSASL_SCRAM_SERVERKEY:
		give(session, property, account->server_key, ACCOUNT_KEY_OCTETS);
		return GSASL_OK;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static bool begin(struct auth_exchange *x)
{
	const char *name = auth_method_name(x->method);
	x->early = AUTH_MORE;
	if (gsasl_server_start(x->auth->gsasl, name, &x->state.gsasl) != GSASL_OK) {
		x->state.gsasl = NULL;
		return false;
	}
	gsasl_session_hook_set(x->state.gsasl, x);
	return true;
}

static enum auth_result failed(struct auth_exchange *x, int err)
{
	if (x->early != AUTH_MORE)
		return x->early;
	if (err != GSASL_AUTHENTICATION_ERROR)
		return sasl_fail(x, "malformed");
	if (x->step == STEP_FIRST)
		return sasl_fail(x, "invalid name, or channel binding was removed on the way");
	if (!x->found)
		return sasl_fail(x, "unknown account");
	return sasl_fail(x, x->has_scram ? "wrong password, or another channel"
					 : "the account has no key for scram-sha-256: set its password again");
}

/* The authorization identity, if there is one, must equal the user. */
static enum auth_result finish(struct auth_exchange *x)
{
	const char *authzid = gsasl_property_fast(x->state.gsasl, GSASL_AUTHZID);
	const char *authid = gsasl_property_fast(x->state.gsasl, GSASL_AUTHID);
	if (authzid && authzid[0] && !span_equal_nocase(span_of(authzid), span_of(authid)))
		return sasl_fail(x, "the authorization identity differs from the user");
	return x->found && x->has_scram ? AUTH_MORE : sasl_fail(x, "unknown account");
}

/* No proof covers the name of the mechanism, so the client's channel binding flag must agree with it. */
static bool binding_fits(const struct auth_exchange *x, struct span first)
{
	return span_starts(first, SPAN("p=")) == (x->method == AUTH_METHOD_SCRAM_SHA_256_PLUS);
}

static enum auth_result step(struct auth_exchange *x, struct span response, struct str *challenge)
{
	char *out = NULL;
	size_t len = 0;
	if (x->step == STEP_ACKNOWLEDGE)
		return response.len ? sasl_fail(x, "malformed") : AUTH_DONE;
	if (x->step == STEP_FINAL && sasl_may_try(x) != AUTH_MORE)
		return AUTH_REFUSED;
	if (x->step == STEP_FIRST && !binding_fits(x, response))
		return sasl_fail(x, "the channel binding flag does not fit the name of the mechanism");
	int err = gsasl_step(x->state.gsasl, response.at, response.len, &out, &len);
	enum auth_result result = AUTH_MORE;
	if (err != (x->step == STEP_FIRST ? GSASL_NEEDS_MORE : GSASL_OK) || x->early != AUTH_MORE)
		result = failed(x, err);
	else if (x->step == STEP_FINAL)
		result = finish(x);
	if (result == AUTH_MORE)
		str_append(challenge, (struct span){out, len});
	gsasl_free(out);
	return result;
}

static void end(struct auth_exchange *x)
{
	if (x->state.gsasl)
		gsasl_finish(x->state.gsasl);
}

const struct sasl_mechanism sasl_scram = {.begin = begin, .step = step, .end = end};
