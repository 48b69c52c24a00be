#include "delivery/auth/sasl.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/password.h"
#include "common/base/base64.h"
#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/tokens.h"
#include "common/tls/channel.h"
#include "delivery/auth/gss.h"
#include "delivery/auth/scram.h"

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
	struct scram *scram;
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
	       fail(l, N_("the host's challenge is no valid base64"));
}

static bool plain_first(struct login *l, struct str *to)
{
	char raw[USER_MAX + PASSWORD_MAX + 3];
	size_t user = strlen(l->user->username), password = strlen(l->user->password);
	if (user > USER_MAX || password > PASSWORD_MAX)
		return fail(l, N_("the username or the password is too long"));
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
	return fail(l, N_("the host sends a challenge, which PLAIN does not have"));
}

/* Hosts word their prompts in many ways, some not even in base64: only their order counts. */
static bool login_next(struct login *l, struct span challenge, struct str *to)
{
	(void)challenge;
	if (l->round > 2)
		return fail(l, N_("the host asks for more than a user name and a password"));
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
		return fail(l, N_("the host sends a second challenge, but CRAM-MD5 has only one"));
	if (!decode(l, challenge, raw, &question))
		return false;
	if (!HMAC(EVP_md5(), l->user->password, (int)strlen(l->user->password), (const unsigned char *)question.at,
		  question.len, digest, &len) ||
	    len != DIGEST_OCTETS)
		return fail(l, N_("MD5 is not available on this machine: use another mechanism"));
	int at = snprintf(text, sizeof(text), "%.*s ", USER_MAX, l->user->username);
	for (unsigned i = 0; i < len; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", digest[i]);
	return base64_append(to, text, (size_t)at);
}

static bool scram_say(struct login *l, struct span message, struct str *to)
{
	bool good = scram_step(l->scram, message, to);
	l->proved = scram_proved(l->scram);
	return good || fail(l, scram_why(l->scram));
}

static bool scram_start(struct login *l, const struct tls_channel *channel, struct str *to)
{
	const char *why = "";
	l->scram = scram_begin(l->user->username, l->user->password, channel, &why);
	return l->scram ? scram_say(l, (struct span){"", 0}, to) : fail(l, why);
}

static bool scram_first(struct login *l, struct str *to)
{
	return scram_start(l, NULL, to);
}

static bool scram_plus_first(struct login *l, struct str *to)
{
	return scram_start(l, l->channel, to);
}

static bool scram_next(struct login *l, struct span challenge, struct str *to)
{
	char raw[SASL_LINE_MAX];
	struct span message;
	return decode(l, challenge, raw, &message) && scram_say(l, message, to);
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
	return l->gss ? gss_say(l, (struct span){"", 0}, to) : fail(l, N_("no memory for Kerberos"));
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
	bool good = found ? say_token(l, &token, to) : fail(l, N_("there is no access token any more"));
	token_wipe(&token);
	return good;
}

/* A challenge is a refusal in words, which the host's reply follows. */
static bool bearer_next(struct login *l, struct span challenge, struct str *to)
{
	if (l->round > 1)
		return fail(l, N_("the host sends a second challenge after it refused the access token"));
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
	const struct mechanism *wanted = &mechanisms[l->user->auth];
	if (l->user->auth == CONFIG_AUTH_SCRAM_SHA_256 && offered(offer, scram_plus.name) && scram_can_bind(l->channel))
		return &scram_plus;
	return offered(offer, wanted->name) ? wanted : NULL;
}

static bool begin(void *context, struct span offer, struct str *to, const char **why)
{
	struct login *l = context;
	*why = l->why;
	l->mechanism = choose(l, offer);
	if (!l->mechanism) {
		snprintf(l->why, sizeof(l->why), N_("the host does not offer AUTH %s: set auth to what it offers"),
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
		return fail(l, N_("the host sends too many challenges"));
	return l->mechanism->next(l, challenge, to);
}

static bool finish(void *context, const char **why)
{
	struct login *l = context;
	*why = l->why;
	return !l->mechanism->proves || l->proved ||
	       fail(l, N_("the host accepted us without proof that it knows our password: it may be an impostor"));
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
	scram_end(l->scram);
	explicit_bzero(l, sizeof(*l));
	free(l);
}
