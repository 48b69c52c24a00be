#include "smtpd/auth/gss.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/gss/keytab.h"
#include "smtpd/auth/gss_replay.h"

/* RFC 4752 3.3: the only security layer that is offered. */
enum { LAYER_NONE = 1, LAYER_OCTETS = 4 };

struct gss_server {
	struct keytab keytab;
	gss_cred_id_t credential;
	struct gss_replay *replay;
};

enum state { ACCEPTING, LAST_TOKEN_SENT, LAYER_OFFERED, OVER };

struct gss_exchange {
	struct gss_server *server;
	enum state state;
	unsigned rounds;
	gss_ctx_id_t context;
	gss_name_t client;
	char realm[256];
	char principal[ACCOUNT_NAME_MAX + 1];
	char user[ACCOUNT_NAME_MAX + 1];
	char why[GSS_WHY_MAX];
};

static gss_OID_desc spnego = {6, "\x2b\x06\x01\x05\x05\x02"};

static gss_buffer_desc buffer_of(struct span s)
{
	return (gss_buffer_desc){s.len, (void *)(uintptr_t)s.at};
}

/*
 * Accepts Kerberos alone, or Kerberos within SPNEGO. Not IAKERB, which would contact a KDC on behalf of the client, and
 * no other mechanism that happens to be installed.
 */
static OM_uint32 acquire(struct gss_server *s, gss_name_t name, OM_uint32 *minor)
{
	gss_OID_desc both[] = {*gss_mech_krb5, spnego};
	gss_OID_set_desc mechanisms = {2, both}, inner = {1, both};
	gss_key_value_element_desc elements[] = {{"keytab", s->keytab.name}, {"rcache", "none:"}};
	gss_key_value_set_desc store = {2, elements};
	OM_uint32 major = gss_acquire_cred_from(minor, name, GSS_C_INDEFINITE, &mechanisms, GSS_C_ACCEPT, &store,
						&s->credential, NULL, NULL);
	return GSS_ERROR(major) ? major : gss_set_neg_mechs(minor, s->credential, &inner);
}

static OM_uint32 acquire_as(struct gss_server *s, const char *principal, OM_uint32 *minor)
{
	OM_uint32 ignored;
	gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc text = buffer_of(span_of(principal));
	OM_uint32 major = GSS_S_COMPLETE;
	if (text.length)
		major = gss_import_name(minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, &name);
	if (!GSS_ERROR(major))
		major = acquire(s, name, minor);
	gss_release_name(&ignored, &name);
	return major;
}

/* Processes an invalid token before the jail, so that the library loads its mechanisms and error texts now. */
static bool warm_up(struct gss_server *s)
{
	gss_replay_seen(s->replay, SPAN("warm-up"));
	static const char nonsense[] = "\x60\x10\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00nope";
	struct str reply;
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_exchange *x = gss_begin(s, NULL);
	bool good = x && gss_step(x, SPAN(nonsense), &reply) == GSS_FAILED;
	gss_end(x);
	str_free(&reply);
	return good;
}

struct gss_server *gss_server_load(const struct config_access *access, char *why, size_t size)
{
	OM_uint32 minor = 0;
	struct gss_server *s = calloc(1, sizeof(*s));
	if (!s || !(s->replay = gss_replay_new())) {
		snprintf(why, size, "out of memory");
	} else if (!access->keytab || !*access->keytab) {
		snprintf(why, size, "gssapi needs a key tab: set keytab in access");
	} else if (keytab_open(access->keytab, access->principal, &s->keytab, why, size)) {
		OM_uint32 major = acquire_as(s, access->principal, &minor);
		if (!GSS_ERROR(major) && warm_up(s))
			return s;
		int at = snprintf(why, size, "can't use key tab %s: ", access->keytab);
		if (at > 0 && (size_t)at < size)
			gss_words(major, minor, why + at, size - (size_t)at);
	}
	gss_server_free(s);
	return NULL;
}

void gss_server_free(struct gss_server *s)
{
	OM_uint32 minor;
	if (!s)
		return;
	gss_release_cred(&minor, &s->credential);
	keytab_close(&s->keytab);
	gss_replay_free(s->replay);
	free(s);
}

struct gss_exchange *gss_begin(struct gss_server *server, const char *realm)
{
	struct gss_exchange *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->server = server;
	snprintf(x->realm, sizeof(x->realm), "%s", realm ? realm : "");
	return x;
}

static enum gss_step fail(struct gss_exchange *x, const char *why)
{
	x->state = OVER;
	if (why != x->why)
		snprintf(x->why, sizeof(x->why), "%s", why);
	return GSS_FAILED;
}

static enum gss_step fail_words(struct gss_exchange *x, OM_uint32 major, OM_uint32 minor)
{
	gss_words(major, minor, x->why, sizeof(x->why));
	return fail(x, x->why);
}

static bool take_buffer(gss_buffer_desc *from, struct str *to)
{
	OM_uint32 minor;
	bool good = !from->length || str_append(to, (struct span){from->value, from->length});
	gss_release_buffer(&minor, from);
	return good;
}

/* Checks the authenticated client: its name is valid here, and its session key was not seen before. */
static const char *examine(struct gss_exchange *x, OM_uint32 flags)
{
	OM_uint32 minor;
	gss_buffer_desc name = GSS_C_EMPTY_BUFFER;
	gss_buffer_set_t key = GSS_C_NO_BUFFER_SET;
	if (flags & GSS_C_ANON_FLAG)
		return "the client has an anonymous ticket";
	if (gss_inquire_sec_context_by_oid(&minor, x->context, GSS_C_INQ_SSPI_SESSION_KEY, &key) != GSS_S_COMPLETE)
		return "the client's session has no key";
	bool replayed = !key->count || gss_replay_seen(x->server->replay,
						       (struct span){key->elements[0].value, key->elements[0].length});
	gss_release_buffer_set(&minor, &key);
	if (replayed)
		return "the same exchange was seen before: this may be a replay of a recorded session";
	if (gss_display_name(&minor, x->client, &name, NULL) != GSS_S_COMPLETE)
		return "the client has no name";
	struct span principal = {name.value, name.length};
	const char *why = gss_user_of(principal, x->realm, x->user, sizeof(x->user));
	if (!why && !span_copy(principal, x->principal, sizeof(x->principal)))
		why = "the client's principal is too long";
	gss_release_buffer(&minor, &name);
	return why;
}

static enum gss_step offer_layer(struct gss_exchange *x, struct str *reply)
{
	OM_uint32 minor;
	char offer[LAYER_OCTETS] = {LAYER_NONE, 0, 0, 0};
	gss_buffer_desc in = {sizeof(offer), offer}, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = gss_wrap(&minor, x->context, 0, GSS_C_QOP_DEFAULT, &in, NULL, &out);
	if (major != GSS_S_COMPLETE)
		return fail_words(x, major, minor);
	if (!take_buffer(&out, reply))
		return fail(x, "out of memory");
	x->state = LAYER_OFFERED;
	return GSS_MORE;
}

static enum gss_step accept_token(struct gss_exchange *x, struct span token, struct str *reply)
{
	OM_uint32 minor, flags = 0;
	gss_buffer_desc in = buffer_of(token), out = GSS_C_EMPTY_BUFFER;
	if (!token.len)
		return x->rounds == 1 ? GSS_MORE : fail(x, "the client's answer is empty");
	OM_uint32 major = gss_accept_sec_context(&minor, &x->context, x->server->credential, &in,
						 GSS_C_NO_CHANNEL_BINDINGS, &x->client, NULL, &out, &flags, NULL, NULL);
	bool good = take_buffer(&out, reply);
	if (GSS_ERROR(major))
		return fail_words(x, major, minor);
	if (!good)
		return fail(x, "the server's answer would be too long");
	if (major & GSS_S_CONTINUE_NEEDED)
		return GSS_MORE;
	const char *why = examine(x, flags);
	if (why)
		return fail(x, why);
	if (!reply->len)
		return offer_layer(x, reply);
	x->state = LAST_TOKEN_SENT;
	return GSS_MORE;
}

/* The authorization identity, if there is one, must equal the authenticated user. */
static const char *check_answer(const struct gss_exchange *x, struct span answer)
{
	if (answer.len < LAYER_OCTETS)
		return "the client's choice of a security layer is too short";
	if (answer.at[0] != LAYER_NONE)
		return "the client wants a security layer that was not offered";
	struct span wanted = span_skip(answer, LAYER_OCTETS);
	if (!wanted.len || span_equal(wanted, span_of(x->user)) || span_equal(wanted, span_of(x->principal)))
		return NULL;
	return "the authorization identity differs from the authenticated user";
}

static enum gss_step take_answer(struct gss_exchange *x, struct span token)
{
	OM_uint32 minor;
	gss_buffer_desc in = buffer_of(token), out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = gss_unwrap(&minor, x->context, &in, &out, NULL, NULL);
	if (major != GSS_S_COMPLETE) {
		gss_release_buffer(&minor, &out);
		return fail(x, "the client has not the key of its session: its answer is not sealed with it");
	}
	const char *why = check_answer(x, (struct span){out.value, out.length});
	gss_release_buffer(&minor, &out);
	x->state = OVER;
	return why ? fail(x, why) : GSS_DONE;
}

static enum gss_step step(struct gss_exchange *x, struct span token, struct str *reply)
{
	if (++x->rounds > GSS_ROUNDS_MAX)
		return fail(x, "the exchange does not end");
	if (token.len > GSS_TOKEN_MAX)
		return fail(x, "the client's token is too long");
	switch (x->state) {
	case ACCEPTING:
		return accept_token(x, token, reply);
	case LAST_TOKEN_SENT:
		return token.len ? fail(x, "the client sent data where none is expected") : offer_layer(x, reply);
	case LAYER_OFFERED:
		return take_answer(x, token);
	default:
		return fail(x, "the exchange is over");
	}
}

enum gss_step gss_step(struct gss_exchange *x, struct span token, struct str *reply)
{
	str_clear(reply);
	enum gss_step result = step(x, token, reply);
	if (result == GSS_FAILED)
		str_clear(reply);
	return result;
}

const char *gss_user(const struct gss_exchange *x)
{
	return x->user;
}

const char *gss_why(const struct gss_exchange *x)
{
	return x->why;
}

void gss_end(struct gss_exchange *x)
{
	OM_uint32 minor;
	if (!x)
		return;
	gss_delete_sec_context(&minor, &x->context, GSS_C_NO_BUFFER);
	gss_release_name(&minor, &x->client);
	explicit_bzero(x, sizeof(*x));
	free(x);
}

const char *gss_user_of(struct span principal, const char *realm, char *to, size_t size)
{
	size_t at = principal.len;
	*to = '\0';
	for (size_t i = 0; i < principal.len; i++)
		if (principal.at[i] <= ' ' || principal.at[i] > '~' || principal.at[i] == '\\')
			return "the client's principal holds characters that are not allowed in a user name";
	while (at && principal.at[at - 1] != '@')
		at--;
	if (at < 2 || at == principal.len)
		return "the client's principal has no name or no realm";
	struct span name = {principal.at, at - 1}, its_realm = span_skip(principal, at);
	bool one_realm = realm && *realm;
	if (one_realm && !span_equal(its_realm, span_of(realm)))
		return "the client's realm is not gssapi_realm";
	if (!span_copy(one_realm ? name : principal, to, size))
		return "the client's name is too long";
	return NULL;
}
