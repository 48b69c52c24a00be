#include "delivery/auth/sasl.h"

#include <gsasl.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/password.h"
#include "common/base/base64.h"
#include "common/base/clock.h"
#include "common/ipc/tokens.h"
#include "common/tls/channel.h"
#include "delivery/auth/gss.h"

enum { WHY_MAX = 400, DIGEST_OCTETS = 16, USER_MAX = 255 };

struct login;

struct mechanism {
	const char *name;
	/* Our initial response in base64; NULL: the host begins. False with login->why. */
	bool (*first)(struct login *l, struct str *to);
	/* The answer to CHALLENGE, both in base64. */
	bool (*next)(struct login *l, struct span challenge, struct str *to);
	bool proves; /* the mechanism authenticates the host, too */
};

struct login {
	struct sasl sasl;
	const struct sasl_user *user;
	const struct tls_channel *channel;
	const char *host;
	uint16_t port;
	const struct mechanism *mechanism;
	unsigned round;
	bool proved; /* the host has proved that it knows our account */
	struct gss_client_exchange *gss;
	Gsasl *library;
	Gsasl_session *session;
	char why[WHY_MAX];
};

static bool fail(struct login *l, const char *why)
{
	snprintf(l->why, sizeof(l->why), "%s", why);
	return false;
}

/* Decodes CHALLENGE to TO, which holds SASL_LINE_MAX. */
static bool decode(struct login *l, struct span challenge, char *to, struct span *out)
{
	out->at = to;
	return base64_decode(challenge, to, SASL_LINE_MAX, &out->len) ||
	       fail(l, "the host's challenge is no valid base64");
}

static bool plain_first(struct login *l, struct str *to)
{
	char raw[USER_MAX + PASSWORD_MAX + 3];
	size_t user = strlen(l->user->username), password = strlen(l->user->password);
	if (user > USER_MAX || password > PASSWORD_MAX)
		return fail(l, "the username or the password is too long");
	raw[0] = '\0';
	memcpy(raw + 1, l->user->username, user + 1);
	memcpy(raw + user + 2, l->user->password, password);
	base64_append(to, raw, user + password + 2);
	explicit_bzero(raw, sizeof(raw));
	return true;
}

static bool plain_next(struct login *l, struct span challenge, struct str *to)
{
	(void)challenge;
	(void)to;
	return fail(l, "the host sends a challenge, which PLAIN does not have");
}

/* Hosts word their prompts in many ways, some not even in base64: only their order counts. */
static bool login_next(struct login *l, struct span challenge, struct str *to)
{
	(void)challenge;
	if (l->round > 2)
		return fail(l, "the host asks for more than a user name and a password");
	const char *answer = l->round == 1 ? l->user->username : l->user->password;
	return base64_append(to, answer, strlen(answer));
}

static bool cram_next(struct login *l, struct span challenge, struct str *to)
{
	char raw[SASL_LINE_MAX], text[USER_MAX + 2 + 2 * DIGEST_OCTETS];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct span question;
	if (l->round > 1)
		return fail(l, "the host sends a second challenge, but CRAM-MD5 has only one");
	if (!decode(l, challenge, raw, &question))
		return false;
	if (!HMAC(EVP_md5(), l->user->password, (int)strlen(l->user->password), (const unsigned char *)question.at,
		  question.len, digest, &len) ||
	    len != DIGEST_OCTETS)
		return fail(l, "MD5 is not available on this machine: use another mechanism");
	int at = snprintf(text, sizeof(text), "%.*s ", USER_MAX, l->user->username);
	for (unsigned i = 0; i < len; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", digest[i]);
	return base64_append(to, text, (size_t)at);
}

unsigned sasl_scram_iterations(struct span message)
{
	struct span number = {0};
	uint64_t n;
	for (int i = 0; i < 3; i++)
		number = span_take(&message, ',');
	if (!span_starts(number, SPAN("i=")) || !span_to_u64(span_skip(number, 2), SASL_ITERATIONS_MAX, &n))
		return 0;
	return (unsigned)n;
}

static bool scram_say(struct login *l, int result, char *octets, size_t len, struct str *to)
{
	bool good = result == GSASL_OK || result == GSASL_NEEDS_MORE;
	if (good && len)
		base64_append(to, octets, len);
	gsasl_free(octets);
	l->proved = result == GSASL_OK;
	if (good)
		return true;
	if (l->round > 1)
		return fail(l, "the host could not prove that it knows our password: it may be an impostor");
	snprintf(l->why, sizeof(l->why), "SCRAM failed: %s", gsasl_strerror(result));
	return false;
}

static bool scram_step(struct login *l, struct span message, struct str *to)
{
	char *octets = NULL;
	size_t len = 0;
	int result = gsasl_step(l->session, message.at, message.len, &octets, &len);
	return scram_say(l, result, octets, len, to);
}

/* -PLUS where TLS offers channel binding. */
static bool bind(struct login *l)
{
	unsigned char binding[TLS_BINDING_MAX];
	struct str text;
	if (!l->channel || !l->channel->ssl)
		return false;
	size_t exporter = tls_channel_binding(l->channel, true, binding);
	size_t n = exporter ? exporter : tls_channel_binding(l->channel, false, binding);
	str_init(&text, 2 * TLS_BINDING_MAX);
	bool good = n && base64_append(&text, binding, n) &&
		    gsasl_property_set(l->session, exporter ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE,
				       str_text(&text)) == GSASL_OK;
	str_free(&text);
	return good;
}

static bool scram_begin(struct login *l, const char *name, bool bound, struct str *to)
{
	if (gsasl_init(&l->library) != GSASL_OK || gsasl_client_start(l->library, name, &l->session) != GSASL_OK ||
	    gsasl_property_set(l->session, GSASL_AUTHID, l->user->username) != GSASL_OK ||
	    gsasl_property_set(l->session, GSASL_PASSWORD, l->user->password) != GSASL_OK)
		return fail(l, "no memory for SCRAM");
	if (bound && !bind(l))
		return fail(l, "TLS offers no channel binding for SCRAM-SHA-256-PLUS");
	return scram_step(l, (struct span){"", 0}, to);
}

static bool scram_first(struct login *l, struct str *to)
{
	return scram_begin(l, "SCRAM-SHA-256", false, to);
}

static bool scram_plus_first(struct login *l, struct str *to)
{
	return scram_begin(l, "SCRAM-SHA-256-PLUS", true, to);
}

static bool scram_next(struct login *l, struct span challenge, struct str *to)
{
	char raw[SASL_LINE_MAX];
	struct span message;
	if (!decode(l, challenge, raw, &message))
		return false;
	if (l->proved)
		return fail(l, "the host continues after the end of SCRAM");
	if (l->round == 1 && !sasl_scram_iterations(message))
		return fail(l, "the host's first SCRAM message has no iteration count, or one above 1,000,000");
	return scram_step(l, message, to);
}

static bool gss_say(struct login *l, struct span token, struct str *to)
{
	struct str reply;
	str_init(&reply, GSS_TOKEN_MAX);
	enum gss_step step = gss_client_step(l->gss, token, &reply);
	l->proved = step == GSS_DONE;
	bool good = step == GSS_FAILED ? fail(l, gss_client_why(l->gss)) : base64_append(to, reply.at, reply.len);
	str_free(&reply);
	return good;
}

static bool gss_first(struct login *l, struct str *to)
{
	l->gss = gss_client_begin(l->user->gss, l->host);
	return l->gss ? gss_say(l, (struct span){"", 0}, to) : fail(l, "no memory for Kerberos");
}

static bool gss_next(struct login *l, struct span challenge, struct str *to)
{
	char raw[SASL_LINE_MAX];
	struct span token;
	return decode(l, challenge, raw, &token) && gss_say(l, token, to);
}

static enum bearer_form form_of(const struct login *l)
{
	return l->user->auth == CONFIG_AUTH_XOAUTH2 ? BEARER_XOAUTH2 : BEARER_OAUTHBEARER;
}

static bool say_token(struct login *l, const struct token *token, struct str *to)
{
	const char *why = "";
	const struct bearer bearer = {.form = form_of(l),
				      .user = span_of(l->user->username),
				      .host = span_of(l->host),
				      .port = l->port,
				      .token = {token->octets, token->length}};
	l->sasl.token = token->serial;
	return bearer_append(&bearer, to, &why) || fail(l, why);
}

/* The token of this moment: the page may have a newer one than when the connection began. */
static bool bearer_first(struct login *l, struct str *to)
{
	struct token token;
	bool found = tokens_read(l->user->tokens, l->user->identity, &token) && token_usable(&token, clock_wall_ms());
	bool good = found ? say_token(l, &token, to) : fail(l, "there is no access token any more");
	token_wipe(&token);
	return good;
}

/* A challenge is a refusal in words, which the host's reply follows. */
static bool bearer_next(struct login *l, struct span challenge, struct str *to)
{
	if (l->round > 1)
		return fail(l, "the host sends a second challenge after it refused the access token");
	bearer_said(challenge, l->sasl.said);
	return str_append_text(to, bearer_answer(form_of(l)));
}

static const struct mechanism mechanisms[] = {
	[CONFIG_AUTH_PLAIN] = {"PLAIN", plain_first, plain_next, false},
	[CONFIG_AUTH_LOGIN] = {"LOGIN", NULL, login_next, false},
	[CONFIG_AUTH_SCRAM_SHA_256] = {"SCRAM-SHA-256", scram_first, scram_next, true},
	[CONFIG_AUTH_CRAM_MD5] = {"CRAM-MD5", NULL, cram_next, false},
	[CONFIG_AUTH_GSSAPI] = {"GSSAPI", gss_first, gss_next, true},
	[CONFIG_AUTH_XOAUTH2] = {"XOAUTH2", bearer_first, bearer_next, false},
	[CONFIG_AUTH_OAUTHBEARER] = {"OAUTHBEARER", bearer_first, bearer_next, false},
};
static const struct mechanism scram_plus = {"SCRAM-SHA-256-PLUS", scram_plus_first, scram_next, true};

static bool offered(struct span words, const char *name)
{
	while (words.len)
		if (span_equal_nocase(span_take(&words, ' '), span_of(name)))
			return true;
	return false;
}

static const struct mechanism *choose(const struct login *l, struct span offer)
{
	unsigned char binding[TLS_BINDING_MAX];
	const struct mechanism *wanted = &mechanisms[l->user->auth];
	bool secured = l->channel && l->channel->ssl;
	if (l->user->auth == CONFIG_AUTH_SCRAM_SHA_256 && secured && offered(offer, scram_plus.name) &&
	    (tls_channel_binding(l->channel, true, binding) || tls_channel_binding(l->channel, false, binding)))
		return &scram_plus;
	return offered(offer, wanted->name) ? wanted : NULL;
}

static bool begin(void *context, struct span offer, struct str *to, const char **why)
{
	struct login *l = context;
	*why = l->why;
	l->mechanism = choose(l, offer);
	if (!l->mechanism) {
		snprintf(l->why, sizeof(l->why), "the host does not offer AUTH %s: set auth to what it offers",
			 mechanisms[l->user->auth].name);
		return false;
	}
	str_append_text(to, l->mechanism->name);
	if (!l->mechanism->first)
		return true;
	str_append_c(to, ' ');
	return l->mechanism->first(l, to);
}

static bool answer(void *context, struct span challenge, struct str *to, const char **why)
{
	struct login *l = context;
	*why = l->why;
	if (++l->round > SASL_ROUNDS_MAX)
		return fail(l, "the host sends too many challenges");
	return l->mechanism->next(l, challenge, to);
}

static bool finish(void *context, const char **why)
{
	struct login *l = context;
	*why = l->why;
	return !l->mechanism->proves || l->proved ||
	       fail(l, "the host accepted us without proof that it knows our password: it may be an impostor");
}

const struct sasl *sasl_open(const struct sasl_user *user, const struct tls_channel *channel, const char *host,
			     uint16_t port)
{
	struct login *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->user = user;
	l->channel = channel;
	l->host = host;
	l->port = port;
	l->sasl = (struct sasl){.context = l, .begin = begin, .answer = answer, .finish = finish};
	return &l->sasl;
}

void sasl_close(const struct sasl *sasl)
{
	struct login *l = sasl ? sasl->context : NULL;
	if (!l)
		return;
	gss_client_end(l->gss);
	if (l->session)
		gsasl_finish(l->session);
	if (l->library)
		gsasl_done(l->library);
	explicit_bzero(l, sizeof(*l));
	free(l);
}
