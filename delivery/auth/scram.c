#include "delivery/auth/scram.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/language.h"
#include "common/tls/channel.h"

struct scram {
	Gsasl *library;
	Gsasl_session *session;
	unsigned round; /* messages of the host so far */
	bool proved;
	char why[SCRAM_WHY_MAX];
};

static bool fail(struct scram *s, const char *why)
{
	snprintf(s->why, sizeof(s->why), "%s", why);
	return false;
}

unsigned scram_iterations(struct span message)
{
	struct span number = {0};
	uint64_t n;
	for (int i = 0; i < 3; i++)
		number = span_take(&message, ',');
	if (!span_starts(number, SPAN("i=")) || !span_to_u64(span_skip(number, 2), SCRAM_ITERATIONS_MAX, &n))
		return 0;
	return (unsigned)n;
}

/* The octets of CHANNEL that both ends know, the newer kind if there is one; their number. */
static size_t binding_of(const struct tls_channel *channel, unsigned char out[TLS_BINDING_MAX], bool *exporter)
{
	if (!channel || !channel->ssl)
		return 0;
	size_t n = tls_channel_binding(channel, true, out);
	*exporter = n > 0;
	return n ? n : tls_channel_binding(channel, false, out);
}

bool scram_can_bind(const struct tls_channel *channel)
{
	unsigned char binding[TLS_BINDING_MAX];
	bool exporter;
	return binding_of(channel, binding, &exporter) > 0;
}

static bool bind(struct scram *s, const struct tls_channel *channel)
{
	unsigned char binding[TLS_BINDING_MAX];
	bool exporter = false;
	struct str text;
	str_init(&text, 2 * TLS_BINDING_MAX);
	size_t n = binding_of(channel, binding, &exporter);
	bool good = n && base64_append(&text, binding, n) &&
		    gsasl_property_set(s->session, exporter ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE,
				       str_text(&text)) == GSASL_OK;
	str_free(&text);
	return good;
}

static bool start(struct scram *s, const char *name, const char *user, const char *password)
{
	return gsasl_init(&s->library) == GSASL_OK && gsasl_client_start(s->library, name, &s->session) == GSASL_OK &&
	       gsasl_property_set(s->session, GSASL_AUTHID, user) == GSASL_OK &&
	       gsasl_property_set(s->session, GSASL_PASSWORD, password) == GSASL_OK;
}

struct scram *scram_begin(const char *user, const char *password, const struct tls_channel *channel, const char **why)
{
	struct scram *s = calloc(1, sizeof(*s));
	*why = N_("no memory for SCRAM");
	if (s && start(s, channel ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256", user, password)) {
		*why = N_("TLS offers no channel binding for SCRAM-SHA-256-PLUS");
		if (!channel || bind(s, channel))
			return s;
	}
	scram_end(s);
	return NULL;
}

static bool say(struct scram *s, int result, char *octets, size_t len, struct str *to)
{
	bool good = result == GSASL_OK || result == GSASL_NEEDS_MORE;
	if (good && len)
		base64_append(to, octets, len);
	gsasl_free(octets);
	s->proved = result == GSASL_OK;
	if (good)
		return true;
	if (s->round > 1)
		return fail(s, N_("the host could not prove that it knows our password: it may be an impostor"));
	snprintf(s->why, sizeof(s->why), "SCRAM failed: %s", gsasl_strerror(result));
	return false;
}

bool scram_step(struct scram *s, struct span message, struct str *to)
{
	char *octets = NULL;
	size_t len = 0;
	if (s->proved)
		return fail(s, N_("the host continues after the end of SCRAM"));
	if (s->round == 1 && !scram_iterations(message))
		return fail(s, N_("the host's first SCRAM message has no iteration count, or one above 1,000,000"));
	int result = gsasl_step(s->session, message.at, message.len, &octets, &len);
	bool good = say(s, result, octets, len, to);
	s->round++;
	return good;
}

const char *scram_why(const struct scram *s)
{
	return s->why;
}

bool scram_proved(const struct scram *s)
{
	return s && s->proved;
}

void scram_end(struct scram *s)
{
	if (!s)
		return;
	if (s->session)
		gsasl_finish(s->session);
	if (s->library)
		gsasl_done(s->library);
	free(s);
}
