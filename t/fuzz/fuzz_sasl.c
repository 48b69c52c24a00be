/*
 * One exchange of each mechanism with hostile responses. The input does not know the password of the only account, so
 * no login succeeds; an exchange ends after a few responses; challenges are bounded.
 */
#include "common/base/log_level.h"
#include "smtpd/auth/auth.h"
#include "t/fuzz/must.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"

enum { RESPONSES_MAX = 8 };

static struct auth_memory memory;
static struct config config;

static struct auth *service(void)
{
	static struct auth *auth;
	static struct auth_users users;
	if (auth)
		return auth;
	log_set_level(LOG_LEVEL_ERROR);
	memory_config("access { auth plain login scram-sha-256 cram-md5; auth_requires_tls no; auth_domain a.example }",
		      &config);
	users = auth_memory_users(&memory);
	auth_memory_add_secret(&memory, "user");
	auth = auth_new(&users, NULL, 10);
	return auth;
}

static void converse(struct auth_exchange *x, struct span input)
{
	struct str challenge;
	enum auth_result result = AUTH_MORE;
	str_init(&challenge, AUTH_CHALLENGE_MAX);
	for (int i = 0; result == AUTH_MORE; i++) {
		bool has_response = i || !input.len || input.at[0] != '\n';
		struct span response = span_take(&input, '\n');
		result = auth_step(x, has_response, response, &challenge);
		MUST(result != AUTH_DONE && i < RESPONSES_MAX);
		MUST(challenge.len <= AUTH_CHALLENGE_MAX && !challenge.failed);
	}
	str_free(&challenge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth *auth = service();
	struct policy_client client = {.ip = memory_address("192.0.2.1")};
	unsigned char choice = size ? data[0] : 0;
	struct auth_peer peer = {
		.config = &config.servers[0],
		.client = &client,
		.binding = (const unsigned char *)"0123456789abcdef",
		.binding_len = choice & 0x40 ? 16 : 0,
		.binding_exporter = choice & 0x80,
	};
	enum auth_method method = AUTH_METHOD_SCRAM_SHA_256_PLUS + choice % 5;
	auth_memory_forget_failures(auth);
	if (auth_permits(auth, &peer, method) != AUTH_PERMITTED)
		return 0;
	struct auth_exchange *x = auth_begin(auth, &peer, method);
	MUST(x);
	converse(x, span_skip((struct span){(const char *)data, size}, 1));
	auth_end(x);
	return 0;
}
