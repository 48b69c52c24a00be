#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "smtpd/auth/sasl.h"

/*
 * CRAM-MD5 (RFC 2195), for old devices: name, blank, and the HMAC-MD5 of our challenge in hexadecimal. The account
 * keeps the MD5 states after the inner and the outer key block, which is all that HMAC needs of the password.
 */

static void resume(MD5_CTX *md5, const unsigned char state[MD5_DIGEST_LENGTH])
{
	MD5_LONG words[4];
	MD5_Init(md5);
	for (size_t i = 0; i < 4; i++)
		words[i] = (MD5_LONG)state[4 * i] | (MD5_LONG)state[4 * i + 1] << 8 | (MD5_LONG)state[4 * i + 2] << 16 |
			   (MD5_LONG)state[4 * i + 3] << 24;
	md5->A = words[0];
	md5->B = words[1];
	md5->C = words[2];
	md5->D = words[3];
	md5->Nl = MD5_CBLOCK * 8;
}

void sasl_cram_digest(const unsigned char context[ACCOUNT_KEY_OCTETS], struct span text, char hex[SASL_CRAM_DIGEST])
{
	unsigned char digest[MD5_DIGEST_LENGTH];
	MD5_CTX md5;
	resume(&md5, context);
	MD5_Update(&md5, text.at, text.len);
	MD5_Final(digest, &md5);
	resume(&md5, context + MD5_DIGEST_LENGTH);
	MD5_Update(&md5, digest, sizeof(digest));
	MD5_Final(digest, &md5);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	explicit_bzero(&md5, sizeof(md5));
}

static enum auth_result check(struct auth_exchange *x, struct span digest)
{
	char right[SASL_CRAM_DIGEST];
	if (sasl_may_try(x) != AUTH_MORE)
		return AUTH_REFUSED;
	sasl_cram_digest(x->account.cram, span_of(x->state.text), right);
	if (!x->found || !x->account.has_cram)
		return sasl_fail(x, x->found ? "the account has no key for cram-md5: set its password again with it"
					     : "unknown account");
	if (digest.len != sizeof(right) - 1 || CRYPTO_memcmp(digest.at, right, digest.len) != 0)
		return sasl_fail(x, "wrong password");
	return AUTH_DONE;
}

static void prompt(struct auth_exchange *x, struct str *challenge)
{
	uint64_t random;
	fd_random(&random, sizeof(random));
	snprintf(x->state.text, sizeof(x->state.text), "<%016llx.%lld@%s>", (unsigned long long)random,
		 (long long)clock_wall_ms(), x->peer->config->fqdn);
	str_append_text(challenge, x->state.text);
}

/* The digest holds no blank, a name may. */
static enum auth_result step(struct auth_exchange *x, struct span response, struct str *challenge)
{
	(void)challenge;
	size_t blank = response.len;
	while (blank && response.at[blank - 1] != ' ')
		blank--;
	if (!blank)
		return sasl_fail(x, "malformed");
	enum auth_result result = sasl_name(x, (struct span){response.at, blank - 1});
	return result == AUTH_MORE ? check(x, span_skip(response, blank)) : result;
}

const struct sasl_mechanism sasl_cram = {.no_initial = true, .prompt = prompt, .step = step};
