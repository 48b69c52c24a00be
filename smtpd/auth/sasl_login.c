#include "smtpd/auth/sasl.h"

/*
 * LOGIN (draft-murchison-sasl-login) with the prompts of the Windows service, which .NET and many devices expect. The
 * name may come with the command.
 */

static enum auth_result take_name(struct auth_exchange *x, struct span name, struct str *challenge)
{
	if (!span_copy(name, x->state.text, sizeof(x->state.text)))
		return sasl_fail(x, "malformed");
	str_append(challenge, SPAN("Password:"));
	return AUTH_MORE;
}

static void prompt(struct auth_exchange *x, struct str *challenge)
{
	(void)x;
	str_append(challenge, SPAN("Username:"));
}

/* The name is checked only with the password: the second prompt reveals nothing. */
static enum auth_result step(struct auth_exchange *x, struct span response, struct str *challenge)
{
	if (x->step == 0)
		return take_name(x, response, challenge);
	enum auth_result result = sasl_name(x, span_of(x->state.text));
	return result == AUTH_MORE ? sasl_password(x, response) : result;
}

const struct sasl_mechanism sasl_login = {.prompt = prompt, .step = step};
