/* The refusal of an access token, and users and tokens of any octets: what is shown is short and printable, and what is
 * sent has the user and the token whole, or is not sent. */
#include <string.h>

#include "common/base/base64.h"
#include "delivery/auth/bearer.h"
#include "delivery/auth/sasl.h"
#include "t/fuzz/must.h"

static void check_said(struct span challenge)
{
	char said[BEARER_SAID_MAX + 2];
	memset(said, 'x', sizeof(said));
	bearer_said(challenge, said);
	size_t len = strnlen(said, sizeof(said));
	MUST(len <= BEARER_SAID_MAX);
	for (size_t i = 0; i < len; i++)
		MUST(said[i] >= ' ' && said[i] <= '~');
}

/* The controls are ours alone: two behind the token, and one behind each value before it. */
static void check_sent(enum bearer_form form, struct span user, struct span token)
{
	const struct bearer bearer = {form, user, SPAN("host.test"), 587, token};
	char raw[SASL_LINE_MAX];
	const char *why = "";
	size_t n = 0, controls = 0;
	struct str line;
	str_init(&line, SASL_LINE_MAX);
	if (bearer_append(&bearer, &line, &why)) {
		MUST(line.len <= SASL_LINE_MAX - 2 && base64_decode(str_span(&line), raw, sizeof(raw), &n));
		for (size_t i = 0; i < n; i++)
			controls += raw[i] == '\1';
		MUST(controls == (form == BEARER_XOAUTH2 ? 3 : 5));
		MUST(n > token.len + 2 && !memcmp(raw + n - 2 - token.len, token.at, token.len));
	} else {
		MUST(!line.len && why[0]);
	}
	str_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, rest = text;
	struct str challenge;
	str_init(&challenge, SASL_LINE_MAX);
	if (base64_append(&challenge, data, size))
		check_said(str_span(&challenge));
	check_said(text);
	str_free(&challenge);
	struct span user = span_take(&rest, '\n');
	check_sent(BEARER_XOAUTH2, user, rest);
	check_sent(BEARER_OAUTHBEARER, user, rest);
	return 0;
}
