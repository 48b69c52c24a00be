#include "smtpd/auth/sasl.h"

/*
 * PLAIN (RFC 4616): authorization identity NUL authentication identity NUL password. The authorization identity must be
 * empty or equal the authentication identity.
 */

static enum auth_result step(struct auth_exchange *x, struct span response, struct str *challenge)
{
	(void)challenge;
	size_t first = span_find(response, '\0');
	struct span rest = span_skip(response, first + 1);
	size_t second = span_find(rest, '\0');
	struct span authzid = {response.at, first}, name = {rest.at, second}, password = span_skip(rest, second + 1);
	if (first == response.len || second == rest.len || span_find(password, '\0') < password.len)
		return sasl_fail(x, "malformed");
	enum auth_result result = sasl_name(x, name);
	if (result != AUTH_MORE)
		return result;
	if (authzid.len && !span_equal_nocase(authzid, name))
		return sasl_fail(x, "the authorization identity differs from the user");
	return sasl_password(x, password);
}

const struct sasl_mechanism sasl_plain = {.step = step};
