#include <stdio.h>

#include "smtpd/auth/sasl.h"

/* GSSAPI (RFC 4752), by gss.h. There is no password to guess. */

static bool begin(struct auth_exchange *x)
{
	x->state.gss = gss_begin(x->auth->gss, x->peer->config->access.gssapi_realm);
	return x->state.gss != NULL;
}

static enum auth_result step(struct auth_exchange *x, struct span response, struct str *challenge)
{
	switch (gss_step(x->state.gss, response, challenge)) {
	case GSS_MORE:
		return AUTH_MORE;
	case GSS_DONE:
		snprintf(x->name, sizeof(x->name), "%s", gss_user(x->state.gss));
		return AUTH_DONE;
	default:
		return sasl_fail(x, gss_why(x->state.gss));
	}
}

static void end(struct auth_exchange *x)
{
	gss_end(x->state.gss);
}

const struct sasl_mechanism sasl_gssapi = {.begin = begin, .step = step, .end = end};
