/* A host with any challenges: our lines are bounded, the exchange ends, the password is sent only if the mechanism
 * does so, and a host that has not authenticated itself is never trusted. */
#include <string.h>

#include "common/base/base64.h"
#include "delivery/auth/sasl.h"
#include "delivery/auth/scram.h"
#include "t/fuzz/must.h"

static const char password[] = "correct horse";

static void check_line(const struct str *line, bool may_tell)
{
	MUST(!line->failed && line->len <= SASL_LINE_MAX);
	for (size_t i = 0; i < line->len; i++)
		MUST(line->at[i] > ' ' || (line->at[i] == ' ' && i > 0));
	struct str told;
	str_init(&told, 100);
	base64_append(&told, password, sizeof(password) - 1);
	MUST(may_tell || !line->len || !memmem(line->at, line->len, told.at, told.len - 4));
	str_free(&told);
}

/* The host can never complete SCRAM, because it does not know the password. */
static void converse(const struct sasl *s, enum config_auth auth, struct span challenges)
{
	struct str line;
	const char *why = "";
	unsigned rounds = 0;
	str_init(&line, SASL_LINE_MAX);
	bool good = s->begin(s->context, SPAN("PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256"), &line, &why);
	MUST(good);
	check_line(&line, auth == CONFIG_AUTH_PLAIN);
	while (good && challenges.len) {
		str_clear(&line);
		good = s->answer(s->context, span_take(&challenges, '\n'), &line, &why);
		check_line(&line, auth == CONFIG_AUTH_LOGIN);
		MUST(good || why[0]);
		MUST(++rounds <= SASL_ROUNDS_MAX + 1);
	}
	bool proved = s->finish(s->context, &why);
	MUST(auth != CONFIG_AUTH_SCRAM_SHA_256 || !proved);
	str_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum config_auth auths[] = {CONFIG_AUTH_PLAIN, CONFIG_AUTH_LOGIN, CONFIG_AUTH_CRAM_MD5,
						 CONFIG_AUTH_SCRAM_SHA_256};
	if (!size)
		return 0;
	const struct sasl_user user = {.auth = auths[data[0] % 4], .username = "user", .password = password};
	const struct span rest = {(const char *)data + 1, size - 1};
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	MUST(s);
	converse(s, user.auth, rest);
	sasl_close(s);
	MUST(scram_iterations(rest) <= SCRAM_ITERATIONS_MAX);
	return 0;
}
